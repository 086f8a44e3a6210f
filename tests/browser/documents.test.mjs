import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LIGHTHOUSE, add, ask, documentsLink, fixture, withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

/** Opens the menu of a file and takes an action. */
async function act(page, name, action) {
  await page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

test('an uploaded document is asked, cited, shown and deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));

  const reply = await ask(page, 'Who was the first keeper of the lighthouse?');
  const quote = 'The first keeper was Tobias Wren, who served for 22 years.';
  await reply.getByRole('blockquote').getByText(quote).waitFor();
  await reply.getByRole('link', { name: /^Source 1, The lighthouse of Skerry Point/ }).first().click();
  const evidence = page.getByRole('complementary', { name: 'Evidence' });
  await evidence.getByRole('heading', { name: 'The lighthouse of Skerry Point' }).waitFor();
  const marked = await evidence.locator('mark').allTextContents();
  assert.deepEqual(marked, [quote]);
  const seen = await evidence.locator('mark').evaluate((mark) => {
    const box = mark.closest('.scroll').getBoundingClientRect();
    const { top, bottom } = mark.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom;
  });
  assert.ok(seen, 'the marked words are in view');

  await documentsLink(page).click();
  await act(page, 'The lighthouse of Skerry Point', 'Delete');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).waitFor();
  await act(page, 'The lighthouse of Skerry Point', 'Delete');
  await page.getByText('Nothing here yet.', { exact: false }).waitFor();
  // It is gone for good when it can no longer be brought back.
  await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
  const after = await ask(page, 'Who was the first keeper of the lighthouse?');
  await after.getByText('Your documents do not say.').waitFor();

  await page.getByRole('link', { name: 'Who was the first keeper of the lighthouse?' }).last().click();
  await page.getByRole('blockquote').getByText(quote).waitFor();
  await page.getByRole('link', { name: /^Source 1/ }).first().click();
  await evidence.getByText('This document is no longer here').waitFor();
  page.assertClean();
}));

test('a citation of a PDF opens its page, and the next page is one click away', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, fixture('two-columns.pdf'));
  const reply = await ask(page, 'What does the pump manual say about the pump?');
  await reply.getByRole('link', { name: /^Source \d, Pump Manual, page \d/ }).first().click();
  const evidence = page.getByRole('complementary', { name: 'Evidence' });
  await evidence.getByText(/^Page \d of 2/).waitFor();
  assert.equal(await evidence.locator('mark').count() > 0, true);
  const folio = () => evidence.locator('.folio').textContent();
  const before = await folio();
  await evidence.getByRole('button', { name: before === '1' ? 'Next page' : 'Previous page' }).click();
  await page.waitForFunction((old) => document.querySelector('.ev .folio')?.textContent !== old, before);
  const now = await folio();
  // The browser's own viewer is not always there: what matters is where it is sent.
  await page.evaluate(() => {
    const address = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      window.given = blob;
      return address.call(URL, blob);
    };
    window.open = () => ({ location: { set href(to) { window.sent = to; } }, close() {} });
  });
  await evidence.getByRole('button', { name: 'Open original' }).click();
  await page.waitForFunction(() => window.sent);
  assert.match(await page.evaluate(() => window.sent), new RegExp(`^blob:.*#page=${now}$`));
  const begin = await page.evaluate(() => window.given.slice(0, 5).text());
  assert.equal(begin, '%PDF-');
  page.assertClean();
}));

test('files can be dropped on the page', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByText('Nothing here yet.', { exact: false }).waitFor();
  const transfer = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'dropped.md', { type: 'text/markdown' }));
    return data;
  }, LIGHTHOUSE);
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  await page.getByRole('row').filter({ hasText: 'dropped.md' }).getByText('Ready').waitFor();
  page.assertClean();
}));

test('files dropped on the chat are added, and a source leads to its document', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const transfer = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'dropped.md', { type: 'text/markdown' }));
    return data;
  }, LIGHTHOUSE);
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  await page.getByText('Added. You can ask about it.').first().waitFor();
  await documentsLink(page).click();
  await page.getByRole('row').filter({ hasText: 'dropped.md' }).getByText('Ready').waitFor();
  const reply = await ask(page, 'Who built the lighthouse of Skerry Point?');
  await reply.getByRole('link', { name: /^Source 1/ }).first().click();
  await page.getByRole('complementary', { name: 'Evidence' }).getByRole('link', { name: 'The lighthouse of Skerry Point' }).click();
  await page.getByRole('button', { name: 'Pages of The lighthouse of Skerry Point', expanded: true }).waitFor();
  await page.getByText('All 1 page has text').waitFor();
  page.assertClean();
}));

test('a file that cannot be read says why and can be removed', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  const whole = await readFile(fixture('two-columns.pdf'));
  const damaged = await satchel.file('damaged.pdf', whole.subarray(0, 400));
  await page.getByLabel('Choose files').setInputFiles([damaged, fixture('encrypted.pdf')]);
  const row = (name) => page.getByRole('row').filter({ hasText: name });
  await row('encrypted.pdf').getByText(/Failed: .*password/).waitFor();
  await row('damaged.pdf').getByText(/Failed: /).waitFor();
  const [again] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/reindex')),
    row('damaged.pdf').getByRole('button', { name: 'Try damaged.pdf again' }).click(),
  ]);
  assert.equal(again.status(), 200);
  await row('damaged.pdf').getByText(/Failed: /).waitFor();
  await act(page, 'damaged.pdf', 'Delete');
  await row('damaged.pdf').waitFor({ state: 'detached' });
  page.assertClean();
}));

test('the ledger names the pages without text', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, fixture('blank-page.pdf'));
  await page.getByRole('heading', { name: '1 of 2 pages were not read' }).waitFor();
  await page.getByRole('button', { name: 'Pages of blank-page.pdf' }).click();
  await page.getByRole('cell', { name: 'No text: blank or an image' }).waitFor();
  page.assertClean();
}));

test('the ledger of a replaced document lists what it was', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const client = await administrator(satchel);
  const id = await client.upload('lighthouse.md', LIGHTHOUSE);
  const form = new FormData();
  form.append('file', new File(['---\ntitle: The tower\n---\nThe tower was pulled down in 1931.'], 'tower.md'));
  await client.send('PUT', `/documents/${id}`, form);
  await documentsLink(page).click();
  await page.getByRole('row').filter({ hasText: 'tower.md' }).getByText('Ready').waitFor();
  await page.getByRole('button', { name: 'Pages of The tower' }).click();
  const versions = page.getByRole('region', { name: 'Versions' });
  await versions.getByText(/^Version 2, since .*\d{4}/).waitFor();
  const earlier = await versions.getByRole('listitem').allTextContents();
  assert.equal(earlier.length, 1);
  assert.match(earlier[0], /^Version 1, .*\d{4}.* to .*\d{4}.*lighthouse\.md \d+ bytes?, 1 page$/);
  page.assertClean();
}));

test('that documents are in another language is said once, with a way to a model that knows it', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await page.getByRole('button', { name: 'Pages of The lighthouse of Skerry Point' }).click();
  await page.getByText('Language: English').waitFor();
  const note = page.getByRole('note');
  assert.equal(await note.count(), 0);
  const text = 'Der Leuchtturm wurde 1874 von einer Ingenieurin aus der Stadt gebaut, und sein Turm ist einundvierzig Meter hoch. '
    + 'Die Lampe brennt mit Rapsöl, und man sieht sie neunzehn Seemeilen weit. Der erste Wärter hielt Bienen neben dem Turm.';
  await add(page, await satchel.file('leuchtturm.txt', text), await satchel.file('bienen.txt', `${text} Sie hießen alle Ada.`));
  await note.getByText('2 documents are not in English: German.').waitFor();
  assert.equal(await note.count(), 1);
  await note.getByRole('link', { name: 'Choose a multilingual model' }).click();
  await page.getByRole('button', { name: 'Get BGE-M3' }).waitFor();
  page.assertClean();
}));

test('a dataset is made, filled, asked alone and deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByRole('button', { name: 'New dataset' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Coast');
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Files in Coast' }).waitFor();
  const file = await satchel.file('lighthouse.md', LIGHTHOUSE);
  await page.getByLabel('Choose files').setInputFiles([file]);
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).getByText('Ready').waitFor();

  await page.getByRole('link', { name: 'New chat' }).click();
  await page.getByLabel('Search in').selectOption({ label: 'Handbook' });
  await page.getByLabel('Your question').fill('How high is the tower of Skerry Point?');
  await page.keyboard.press('Enter');
  await page.getByText('Your documents do not say.').waitFor();
  await page.getByLabel('Search in').selectOption({ label: 'Coast' });
  await page.getByLabel('Your question').fill('How high is the tower of Skerry Point?');
  await page.keyboard.press('Enter');
  await page.getByRole('blockquote').getByText('Its tower is 31 metres high.').waitFor();

  await documentsLink(page).click();
  await page.getByRole('button', { name: 'Actions for dataset Coast' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Files in Documents' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Coast/ }).count(), 0);
  page.assertClean();
}));

test('more files than requests are allowed a minute are all added', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  let refusals = 2;
  await page.route('**/documents/upload', (route) => {
    refusals -= 1;
    if (refusals < 0) return route.continue();
    return route.fulfill({ status: 429, headers: { 'retry-after': '1' }, json: { detail: 'too many requests' } });
  });
  const files = await Promise.all([1, 2, 3].map((n) => satchel.file(`note-${n}.md`, `Note ${n} says that door ${n} is green.`)));
  await page.getByLabel('Choose files').setInputFiles(files);
  for (const n of [1, 2, 3]) await page.getByRole('row').filter({ hasText: `note-${n}.md` }).getByText('Ready').waitFor();
  page.assertClean();
}));
