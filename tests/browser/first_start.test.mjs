import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE, ask, withSatchel } from './support.mjs';

test('the printed link signs in and asks for a password that then works', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.link);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password again').fill('another horse');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('alert').getByText('The two passwords differ.').waitFor();
  await page.getByLabel('Password again').fill('correct horse');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Ask satchel about itself' }).waitFor();
  page.assertClean();

  const other = await satchel.open();
  await other.goto(satchel.link);
  await other.getByRole('heading', { name: 'This link does not sign you in' }).waitFor();
  await other.getByRole('link', { name: 'Sign in with a password' }).click();
  await other.getByLabel('User name').fill('admin');
  await other.getByLabel('Password').fill('wrong horse');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('alert').getByText(/wrong/).waitFor();
  await other.getByLabel('Password').fill('correct horse');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  other.assertClean();
}, {}, { anew: true }));

test('a link that is opened while the page looks for a sign-in is not covered by the form', withSatchel(async (satchel) => {
  const page = await satchel.open();
  let open = () => {};
  const opened = /** @type {Promise<void>} */ (new Promise((resolve) => { open = resolve; }));
  await page.route('**/auth/refresh', async (asked) => {
    await opened;
    await asked.continue();
  });
  const refused = page.waitForResponse('**/auth/refresh');
  await page.goto(`${satchel.origin}/#/chat`);
  await page.evaluate(() => { location.hash = '#/welcome?link=spent'; });
  await page.getByRole('heading', { name: 'This link does not sign you in' }).waitFor();
  open();
  await refused;
  await page.waitForTimeout(200);
  assert.ok(await page.getByRole('heading', { name: 'This link does not sign you in' }).isVisible());
}));

test('a sample question is answered from the handbook with a citation', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Documents', exact: true }).click();
  await page.getByRole('button', { name: /^Handbook/ }).click();
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('tbody tr')];
    return rows.length > 4 && rows.every((row) => row.textContent?.includes('Ready'));
  });
  const reply = await ask(page, 'How do I add documents?');
  await reply.getByText('In the documents’ own words.').waitFor();
  assert.ok(await reply.getByRole('link', { name: /^Source 1/ }).count() > 0);
  page.assertClean();
}, {}, { anew: true }));

test('a reload keeps the sign-in and the chat, and signing out ends it', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'Who built the lighthouse of Skerry Point?');
  await page.reload();
  await page.getByText('Your documents do not say.').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  page.assertClean();
}));

test('the three steps try it, add a document and choose how it answers', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.link);
  await page.getByRole('link', { name: 'Later' }).click();
  await page.getByRole('button', { name: 'How do I add documents?' }).click();
  await page.getByRole('list', { name: 'Sources' }).getByRole('listitem').first().waitFor({ timeout: 90_000 });
  await page.getByRole('button', { name: 'Continue' }).click();

  await page.getByRole('heading', { name: 'Add your documents' }).waitFor();
  await page.getByLabel('Choose files').setInputFiles(await satchel.file('lighthouse.md', LIGHTHOUSE));
  // Who leaves goes on where they were.
  await page.reload();
  await page.getByRole('heading', { name: 'Add your documents' }).waitFor();
  await page.getByRole('button', { name: 'Skip' }).click();

  await page.getByRole('radio', { name: /own words/ }).check();
  await page.getByRole('button', { name: '1. Try it' }).click();
  await page.getByRole('heading', { name: 'Ask satchel about itself' }).waitFor();
  await page.getByRole('button', { name: '3. How it answers' }).click();
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  await page.goto(`${satchel.origin}/#/chat`);
  await page.reload();
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  page.assertClean();
}));

test('each of the three steps can be skipped', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.link);
  await page.getByRole('link', { name: 'Later' }).click();
  for (const title of ['Ask satchel about itself', 'Add your documents', 'How shall it answer?']) {
    await page.getByRole('heading', { name: title }).waitFor();
    await page.getByRole('button', { name: 'Skip' }).click();
  }
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  page.assertClean();
}));

/** Waits until what has an id has the focus: a shortcut gives it in a task of its own. */
const focused = (page, id) => page.waitForFunction((wanted) => document.activeElement?.id === wanted, id);

test('keys do what the list of them says', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.keyboard.press('?');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await list.getByText('New chat').waitFor();
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await page.keyboard.press('Control+Shift+O');
  await page.getByLabel('Your question').waitFor();
  await page.keyboard.press('Control+k');
  await focused(page, 'find');
  await page.locator('main').focus();
  await page.keyboard.press('/');
  await focused(page, 'q');
  await page.keyboard.type('a/b?');
  assert.equal(await page.getByLabel('Your question').inputValue(), 'a/b?');
  assert.equal(await list.count(), 0, 'what is typed opens nothing');
  await page.keyboard.press('Control+b');
  await page.waitForFunction(() => document.body.classList.contains('norail'));
  page.assertClean();
}));
