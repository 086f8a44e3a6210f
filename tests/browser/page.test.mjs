import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Proxy } from './proxy.mjs';
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

/** What has the focus after each press of Tab, as the selector that it is within. */
async function stops(page, presses, within) {
  const found = new Set();
  for (let n = 0; n < presses; n += 1) {
    await page.keyboard.press(n % 5 === 4 ? 'Shift+Tab' : 'Tab');
    found.add(await page.evaluate((selector) => {
      const at = document.activeElement;
      // Past the last stop the focus is with the browser itself.
      return at === document.body || at?.closest(selector) ? 'inside' : `${at?.tagName} ${at?.className} ${at?.textContent}`;
    }, within));
  }
  return [...found];
}

test('what lies over the page keeps the focus, and nothing behind it can be reached', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 390, height: 800 } });
  const open = page.getByRole('button', { name: 'Show the sidebar', exact: true });
  await open.click();
  await page.getByRole('link', { name: 'New chat' }).waitFor();
  assert.deepEqual(await stops(page, 25, '#rail'), ['inside']);
  // In a window that became wide nothing lies over anything.
  await page.setViewportSize({ width: 1300, height: 800 });
  await page.waitForFunction(() => !document.getElementById('main').inert);
  await page.setViewportSize({ width: 390, height: 800 });
  await open.click();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Show the sidebar');

  await page.getByLabel('Your question').fill('How do I make a backup?');
  await page.keyboard.press('Enter');
  const chip = page.getByRole('link', { name: /^Source 1/ }).first();
  await chip.click();
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  await panel.getByRole('mark').first().waitFor();
  assert.deepEqual(await stops(page, 25, '#ev'), ['inside']);
  await page.keyboard.press('Escape');

  // Beside the chat the panel is behind the drawer too.
  await page.setViewportSize({ width: 1000, height: 800 });
  await chip.click();
  await panel.getByRole('mark').first().waitFor();
  await open.click();
  assert.deepEqual(await stops(page, 25, '#rail'), ['inside']);
  page.assertClean();
}));

test('that nothing leaves this machine is said only where it is true', withSatchel(async (satchel) => {
  const here = 'Runs on this machine. Nothing you ask or open leaves it.';
  const local = await satchel.signedIn();
  await local.getByText(here).waitFor();
  local.assertClean();
  const proxy = await new Proxy().start(satchel);
  try {
    // The same page, opened over the network.
    for (const address of ['link', 'origin']) satchel[address] = satchel[address].replace('127.0.0.1', 'satchel.test');
    const other = await satchel.signedIn();
    await other.getByText('Runs on satchel.test. What you ask and open goes there without encryption, and nowhere else.').waitFor();
    assert.equal(await other.getByText(here).count(), 0);
    const encrypted = await other.evaluate(async () => (await import('/assets/js/whereabouts.js')).whereabouts({ hostname: 'satchel.test', protocol: 'https:' }));
    assert.equal(encrypted, 'Runs on satchel.test. What you ask and open goes there, and nowhere else.');
  } finally {
    proxy.stop();
  }
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
