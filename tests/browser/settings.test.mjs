import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';

const PASSWORD = 'correct horse';

/** Gives the signed-in administrator a password. */
async function setPassword(page) {
  await page.getByRole('link', { name: 'Settings' }).click();
  const part = page.getByRole('region', { name: 'Set a password' });
  await part.getByLabel('New password').fill(PASSWORD);
  await part.getByRole('button', { name: 'Set password' }).click();
  await page.getByText('Password set').first().waitFor();
}

async function signIn(satchel, options) {
  const page = await satchel.open(options);
  await page.goto(satchel.origin);
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Your question').waitFor();
  return page;
}

test('the theme and the language are kept over a reload', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ colorScheme: 'light' });
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('radio', { name: 'Dark' }).check();
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await background();
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.equal(await background(), dark);
  await page.getByRole('radio', { name: 'As the system' }).check();
  assert.notEqual(await background(), dark);
  await page.getByLabel('Language').selectOption('Deutsch');
  await page.waitForFunction(() => localStorage.getItem('language') === 'de');
  page.assertClean();
}));

test('a sign-in elsewhere is listed and ended', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await setPassword(page);
  const first = await signIn(satchel);
  const other = await signIn(satchel, { userAgent: 'Mozilla/5.0 (iPhone) Safari/604.1' });
  await first.getByRole('link', { name: 'Settings' }).click();
  const part = first.getByRole('region', { name: 'Sign-ins' });
  await part.getByText('this browser').waitFor();
  await part.getByRole('button', { name: 'End sign-in of Safari on iPhone' }).click();
  await part.getByText('Safari on iPhone').waitFor({ state: 'detached' });
  await other.reload();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  await part.getByRole('button', { name: 'End all sign-ins' }).click();
  await first.getByRole('dialog').getByRole('button', { name: 'End all' }).click();
  await first.getByRole('heading', { name: 'Sign in' }).waitFor();
  first.assertClean();
}));

test('own keys are made and deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Settings' }).click();
  const keys = page.getByRole('region', { name: 'API keys' });
  await keys.getByRole('button', { name: 'New key' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('notebook');
  await page.getByRole('dialog').getByRole('button', { name: 'Make key' }).click();
  await page.getByRole('textbox', { name: 'The key' }).waitFor();
  await page.keyboard.press('Escape');
  await keys.getByRole('row').filter({ hasText: 'notebook' }).getByText('never').waitFor();
  page.assertClean();
}));

test('own data are taken along, and erased only by the own name', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await ask(page, 'Who was the first keeper?');
  await page.getByRole('link', { name: 'Settings' }).click();
  const part = page.getByRole('region', { name: 'Your data' });
  const [download] = await Promise.all([page.waitForEvent('download'), part.getByRole('button', { name: 'Export my data' }).click()]);
  assert.equal(download.suggestedFilename(), 'satchel-export.zip');
  await part.getByRole('button', { name: 'Erase my data' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Type admin to confirm').fill('me');
  await dialog.getByRole('button', { name: 'Erase' }).click();
  await dialog.getByText('This is not your user name.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'Documents', exact: true }).click();
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).waitFor();
  await page.setViewportSize({ width: 360, height: 780 });
  await page.goto(`${satchel.origin}/#/settings`);
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  page.assertClean();
}));
