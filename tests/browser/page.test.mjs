import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIGHTHOUSE, add, ask, documentsLink, withSatchel } from './support.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

test('the scripts of the page pass the type checker', () => {
  execFileSync(path.join(here, 'node_modules', '.bin', 'tsc'), ['-p', here], { stdio: 'inherit' });
});

test('on a phone the evidence lies over the chat and gives the focus back', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 390, height: 800 } });
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  const reply = await ask(page, 'Who built the lighthouse of Skerry Point?');
  const chip = reply.getByRole('link', { name: /^Source 1/ }).first();
  await chip.click();
  const heading = page.getByRole('complementary', { name: 'Evidence' }).getByRole('heading', { name: 'The lighthouse of Skerry Point' });
  await heading.waitFor();
  assert.equal(await page.evaluate(() => document.getElementById('main').inert), true);
  await page.setViewportSize({ width: 1000, height: 800 });
  await page.waitForFunction(() => !document.getElementById('main').inert);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.waitForFunction(() => document.getElementById('main').inert);
  await page.keyboard.press('Escape');
  await heading.waitFor({ state: 'hidden' });
  assert.equal(await chip.evaluate((element) => element === document.activeElement), true);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(wide, 390, 'nothing is wider than the screen');
  page.assertClean();
}));

test('on a phone a citation far down its page opens at the marked words', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 390, height: 800 } });
  const filler = Array.from({ length: 60 }, (_, n) => `Paragraph ${n} tells of gardens, hedges and the weather of that day.`).join('\n\n');
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  await add(page, await satchel.file('long.txt', `${filler}\n\nThe lighthouse of Skerry Point was built in 1874 by Margaret Oakes.\n\n${filler}`));
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  const reply = await ask(page, 'Who built the lighthouse of Skerry Point?');
  await reply.getByRole('link', { name: /^Source 1/ }).first().click();
  const mark = page.getByRole('mark').first();
  await mark.waitFor();
  await page.waitForFunction(() => {
    const box = document.querySelector('mark').getBoundingClientRect();
    const panel = document.querySelector('.ev .scroll').getBoundingClientRect();
    return box.top >= panel.top && box.bottom <= panel.bottom && panel.top < innerHeight;
  });
  page.assertClean();
}));

test('Escape closes the evidence from wherever the focus is', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const reply = await ask(page, 'Who built the lighthouse of Skerry Point?');
  await reply.getByRole('link', { name: /^Source 1/ }).first().click();
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  await panel.getByRole('mark').first().waitFor();
  await page.getByLabel('Your question').focus();
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  page.assertClean();
}));

test('a chat can be found, opened again and deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await ask(page, 'How high is the tower of Skerry Point?');
  await ask(page, 'Who kept bees?');
  await page.getByLabel('Search chats').fill('bees');
  const chats = page.getByRole('group', { name: 'Chats' }).getByRole('link');
  await page.waitForFunction(() => document.querySelectorAll('a[data-session]').length === 1);
  await page.getByLabel('Search chats').fill('');
  await chats.filter({ hasText: 'How high' }).click();
  await page.getByRole('blockquote').getByText('Its tower is 31 metres high.').waitFor();
  await page.getByRole('button', { name: 'Actions for chat How high is the tower of Skerry Point?' }).click({ force: true });
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  await chats.filter({ hasText: 'How high' }).waitFor({ state: 'detached' });
  page.assertClean();
}));

test('the dark theme is kept over a reload', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Dark', { exact: true }).check();
  const paper = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue('color-scheme'));
  assert.equal(await paper(), 'dark');
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.equal(await paper(), 'dark');
  page.assertClean();
}));

test('a lost server is said, and the question can be asked again', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.route('**/chat/send', (route) => route.abort());
  await page.getByLabel('Your question').fill('Is anybody there?');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('The server does not answer.', { exact: false }).waitFor();
  await page.unroute('**/chat/send');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Your documents do not say.').waitFor();
}));

test('a lost connection is said until it is back', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.route('**/*', (route) => route.abort());
  await documentsLink(page).click();
  const note = page.getByText('The connection to satchel is lost.', { exact: false });
  await note.waitFor();
  await page.unroute('**/*');
  await note.waitFor({ state: 'detached' });
  await page.getByText('Connected again').first().waitFor();
}));

test('a question asked before the page has loaded everything keeps its answer', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  let go = () => {};
  const late = new Promise((resolve) => { go = resolve; });
  await page.route('**/api/datasets', async (route) => {
    await late;
    await route.continue();
  });
  await page.route('**/chat/send', async (route) => {
    go();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await route.continue();
  });
  await page.reload();
  await page.getByLabel('Your question').fill('How do I make a backup?');
  await page.keyboard.press('Enter');
  await page.getByRole('blockquote').getByText('press "Make a backup now" under Administration', { exact: false }).waitFor();
  page.assertClean();
}));
