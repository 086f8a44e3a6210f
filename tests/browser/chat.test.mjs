// The conversation: branches, connections that break, stopping, what is said of
// an answer, and what a question is restricted to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Proxy } from './proxy.mjs';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';

const WHO = 'Who built the lighthouse of Skerry Point?';
const HIGH = 'How high is the tower of Skerry Point?';
const KEEPER = 'Who was the first keeper of Skerry Point?';

const replies = (page) => page.getByRole('article', { name: /^Answer/ });
const complete = (reply) => reply.getByRole('button', { name: 'Copy answer with sources' }).waitFor();

/** A page with the lighthouse, and a first answer. */
async function begun(satchel) {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const reply = await ask(page, WHO);
  return { page, reply };
}

async function askOn(page, question) {
  await page.getByLabel('Your question').fill(question);
  await page.keyboard.press('Enter');
  await page.getByText(question).last().waitFor();
  const reply = replies(page).last();
  await complete(reply);
  return reply;
}

test('an edited question begins a branch, and there is a way between the branches', withSatchel(async (satchel) => {
  const { page } = await begun(satchel);
  await askOn(page, HIGH);
  await page.getByRole('button', { name: 'Edit question' }).last().click();
  const box = page.getByRole('textbox', { name: 'Edit question' });
  assert.equal(await box.inputValue(), HIGH);
  await box.fill(KEEPER);
  await page.keyboard.press('Enter');
  await page.getByRole('blockquote').getByText('Tobias Wren', { exact: false }).first().waitFor();
  const versions = page.getByRole('group', { name: 'Versions' });
  assert.equal((await versions.textContent()).trim(), '2 / 2');
  await page.getByRole('button', { name: 'Previous wording' }).click();
  await page.getByRole('blockquote').getByText('31 metres', { exact: false }).first().waitFor();
  await page.getByText('1 / 2').waitFor();
  assert.equal(await page.getByText(KEEPER).count(), 0);
  await page.reload();
  await page.getByText('2 / 2').waitFor();
  await page.getByText(KEEPER).waitFor();
  page.assertClean();
}));

test('a question is answered again beside its first answer', withSatchel(async (satchel) => {
  const { page, reply } = await begun(satchel);
  await reply.getByRole('button', { name: 'Answer again' }).click();
  await page.getByText('2 / 2').waitFor();
  await complete(replies(page).last());
  assert.equal(await replies(page).count(), 1);
  await page.getByRole('button', { name: 'Previous answer' }).click();
  await page.getByText('1 / 2').waitFor();
  page.assertClean();
}));

test('an answer goes on where it was when the connection breaks', withSatchel(async (satchel) => {
  const proxy = await new Proxy().start(satchel);
  try {
    const page = await satchel.signedIn();
    await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
    await page.getByRole('link', { name: 'New chat' }).click();
    proxy.cutAfter = 3;
    proxy.holds = true;
    await page.getByLabel('Your question').fill(WHO);
    await page.keyboard.press('Enter');
    // The first events were heard.
    await page.waitForURL(/#\/chat\/./);
    proxy.breakHeld();
    const reply = replies(page).last();
    await complete(reply);
    assert.equal(proxy.cuts, 1);
    assert.equal(proxy.resumed.length, 1, 'it went on after the last event that had come');
    await reply.getByRole('blockquote').getByText('Margaret Oakes', { exact: false }).first().waitFor();
    assert.equal(await page.getByText('The connection was lost', { exact: false }).count(), 0);
  } finally {
    proxy.stop();
  }
}));

test('a question whose connection breaks before anything comes back is asked once', withSatchel(async (satchel) => {
  const proxy = await new Proxy().start(satchel);
  try {
    const page = await satchel.signedIn();
    await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
    proxy.cutAfter = 0;
    await ask(page, WHO);
    assert.equal(proxy.cuts, 1);
    await page.reload();
    await complete(replies(page).last());
    assert.equal(await replies(page).count(), 1);
    assert.equal(await page.locator('a[data-session]').count(), 1);
  } finally {
    proxy.stop();
  }
}));

test('a reload in the middle of an answer loses nothing, and neither does a second tab', withSatchel(async (satchel) => {
  const proxy = await new Proxy().start(satchel);
  try {
    const page = await satchel.signedIn();
    await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
    await page.getByRole('link', { name: 'New chat' }).click();
    proxy.cutAfter = 3;
    proxy.holds = true;
    await page.getByLabel('Your question').fill(WHO);
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/chat\/./);
    const second = await page.context().newPage();
    await second.goto(page.url());
    const quote = (tab) => tab.getByRole('blockquote').getByText('Margaret Oakes', { exact: false }).first();
    await quote(second).waitFor();
    await page.reload();
    await quote(page).waitFor();
    assert.equal(await replies(page).count(), 1);
  } finally {
    proxy.stop();
  }
}));

test('details and a verdict with a reason belong to an answer', withSatchel(async (satchel) => {
  const { page, reply } = await begun(satchel);
  await reply.getByRole('button', { name: 'Details of this answer' }).click();
  const sheet = page.getByRole('dialog', { name: 'Details of this answer' });
  await sheet.getByText('Passages considered').waitFor();
  await page.keyboard.press('Escape');
  await reply.getByRole('button', { name: 'Bad answer' }).click();
  const dialog = page.getByRole('dialog', { name: 'What is wrong with this answer?' });
  await dialog.getByLabel('It cites the wrong passage').check();
  await dialog.getByLabel('In your words, if you like').fill('Not that one.');
  await dialog.getByRole('button', { name: 'Send' }).click();
  await dialog.waitFor({ state: 'detached' });
  const pressed = () => reply.getByRole('button', { name: 'Bad answer' }).getAttribute('aria-pressed');
  assert.equal(await pressed(), 'true');
  await reply.getByRole('button', { name: 'Good answer' }).click();
  await page.waitForFunction(() => document.querySelector('[aria-label="Good answer"]').getAttribute('aria-pressed') === 'true');
  assert.equal(await pressed(), 'false');
  page.assertClean();
}));

test('the evidence says why, knows what is near, and can be asked about', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const filler = Array.from({ length: 40 }, (_, n) => `Paragraph ${n} tells of gardens, hedges and the weather of that day in some detail.`).join('\n\n');
  await add(page, await satchel.file('long.md', `# Before\n\n${filler}\n\n# Building\n\nThe lighthouse of Skerry Point was built in 1874 by Margaret Oakes.\n\n# After\n\n${filler}`));
  const reply = await ask(page, WHO);
  const chip = reply.getByRole('link', { name: /^Source 1/ }).first();
  await chip.hover();
  await page.locator('.peek').getByText('Margaret Oakes', { exact: false }).waitFor();
  await chip.click();
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  await panel.getByRole('mark').first().waitFor();
  await panel.getByText('Why this passage').click();
  await panel.getByRole('row').filter({ hasText: 'Same meaning' }).waitFor();
  const near = panel.getByRole('region', { name: 'Nearby passages' });
  await near.getByRole('button').first().click();
  await panel.locator('.passage').first().waitFor();
  await chip.click();
  await panel.getByRole('mark').first().waitFor();
  await panel.getByRole('mark').first().evaluate((mark) => {
    const range = document.createRange();
    range.selectNodeContents(mark);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  });
  await page.getByRole('button', { name: 'Ask about this' }).click();
  await page.getByLabel('Your question').fill('When was it built?');
  await page.keyboard.press('Enter');
  const second = replies(page).nth(1);
  await complete(second);
  assert.match(await page.locator('.asked-of').textContent(), /Skerry Point/);
  await page.reload();
  await page.locator('.asked-of').getByText('Skerry Point', { exact: false }).waitFor();
  page.assertClean();
}));

test('a file is attached to one question, and a chat is restricted to chosen documents', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await page.getByRole('link', { name: 'New chat' }).click();
  const wrens = await satchel.file('wrens.md', '# Wrens\n\nThe wren of Skerry Point weighs nine grams.');
  await page.getByLabel('Files for this question').setInputFiles(wrens);
  await page.getByLabel('Your question').fill('What does the wren of Skerry Point weigh?');
  await page.keyboard.press('Enter');
  await page.getByRole('blockquote').getByText('nine grams', { exact: false }).first().waitFor({ timeout: 60_000 });
  await page.getByText('wrens.md').first().waitFor();
  await page.getByRole('combobox', { name: 'Search in' }).selectOption({ label: 'Choose…' });
  const dialog = page.getByRole('dialog', { name: 'Search only in…' });
  await dialog.getByLabel('The lighthouse of Skerry Point').check();
  await dialog.getByRole('button', { name: 'Use these' }).click();
  await page.getByRole('list', { name: 'Search only in' }).getByText('The lighthouse of Skerry Point').waitFor();
  const reply = await askOn(page, KEEPER);
  await reply.getByRole('blockquote').getByText('Tobias Wren', { exact: false }).first().waitFor();
  page.assertClean();
}));

test('a passage is marked as the one that answers, and so is one near it, until that is taken back', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const filler = Array.from({ length: 40 }, (_, n) => `Paragraph ${n} tells of gardens, hedges and the weather of that day in some detail.`).join('\n\n');
  await add(page, await satchel.file('long.md', `# Before\n\n${filler}\n\n# Building\n\nThe lighthouse of Skerry Point was built in 1874 by Margaret Oakes.\n\n# After\n\n${filler}`));
  const reply = await ask(page, WHO);
  const open = async () => {
    await replies(page).first().getByRole('link', { name: /^Source 1/ }).first().click();
    await panel.getByRole('mark').first().waitFor();
  };
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  const mark = (pressed) => panel.getByRole('button', { name: 'This was the passage', pressed });
  await complete(reply);
  await open();
  await mark(false).click();
  await mark(true).waitFor();
  await panel.getByRole('region', { name: 'Nearby passages' }).getByRole('button').first().click();
  await mark(false).click();
  await mark(true).waitFor();
  await page.reload();
  await open();
  await mark(true).click();
  await mark(false).waitFor();
  await page.reload();
  await open();
  await mark(false).waitFor();
  await panel.getByRole('region', { name: 'Nearby passages' }).getByRole('button').first().click();
  await mark(true).waitFor();
  page.assertClean();
}));

test('that the documents do not answer takes marks back, and the next verdict takes that back', withSatchel(async (satchel) => {
  const { page, reply } = await begun(satchel);
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  const mark = (pressed) => panel.getByRole('button', { name: 'This was the passage', pressed });
  await reply.getByRole('link', { name: /^Source 1/ }).first().click();
  await mark(false).click();
  await mark(true).waitFor();
  await reply.getByRole('button', { name: 'Bad answer' }).click();
  const dialog = page.getByRole('dialog', { name: 'What is wrong with this answer?' });
  await dialog.getByLabel('The documents do not answer this').check();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await mark(false).waitFor();
  const takenBack = page.waitForResponse((response) => response.request().method() === 'DELETE' && /\/judgements\//.test(response.url()));
  await reply.getByRole('button', { name: 'Good answer' }).click();
  assert.equal((await takenBack).status(), 200);
  await mark(false).click();
  await mark(true).waitFor();
  page.assertClean();
}));
