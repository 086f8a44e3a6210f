import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';

const list = (page) => page.getByRole('group', { name: 'Chats' });
const chatsOf = (page) => list(page).locator('a[data-session]');

/** Opens the menu of a chat and takes an action. */
async function act(page, title, action) {
  await page.getByRole('button', { name: `Actions for chat ${title}` }).first().click({ force: true });
  await page.getByRole('menuitem', { name: action }).click();
}

test('a chat is found by words of its answer, renamed, pinned and archived', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await ask(page, 'How high is the tower of Skerry Point?');
  await ask(page, 'Who was the first keeper?');
  await list(page).getByRole('heading', { name: 'Today' }).waitFor();
  await page.getByLabel('Search chats').fill('METRES');
  await page.waitForFunction(() => document.querySelectorAll('a[data-session]').length === 1);
  await chatsOf(page).getByText('31 metres high').waitFor();
  assert.deepEqual(await chatsOf(page).locator('small b').allTextContents(), ['metres']);
  await page.getByLabel('Search chats').fill('no such words');
  await page.getByText('No chat has these words in its title or its messages.').waitFor();
  await page.getByLabel('Search chats').fill('');
  await page.waitForFunction(() => document.querySelectorAll('a[data-session]').length === 2);

  await act(page, 'How high is the tower of Skerry Point?', 'Rename');
  await page.getByRole('dialog').getByLabel('Title').fill('The tower');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await chatsOf(page).getByText('The tower', { exact: true }).waitFor();
  await act(page, 'The tower', 'Pin');
  await list(page).getByRole('heading', { name: 'Pinned' }).waitFor();
  assert.match(await chatsOf(page).first().textContent() ?? '', /^The tower/);

  await act(page, 'Who was the first keeper?', 'Archive');
  await page.waitForFunction(() => document.querySelectorAll('a[data-session]').length === 1);
  await page.getByRole('link', { name: 'Archive, import, export' }).click();
  await page.getByRole('row', { name: /Who was the first keeper/ }).waitFor();
  await page.getByRole('main').getByRole('button', { name: 'Actions for chat Who was the first keeper?' }).click();
  await page.getByRole('menuitem', { name: 'Take out of the archive' }).click();
  await page.waitForFunction(() => document.querySelectorAll('a[data-session]').length === 2);
  await page.getByText('Nothing is archived.', { exact: false }).waitFor();
  page.assertClean();
}));

test('a deleted chat is brought back by Undo, and is gone after leaving the page', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'How do I make a backup?');
  await act(page, 'How do I make a backup?', 'Delete');
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  await chatsOf(page).first().waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await chatsOf(page).getByText('How do I make a backup?').waitFor();
  await act(page, 'How do I make a backup?', 'Delete');
  await chatsOf(page).first().waitFor({ state: 'detached' });
  await page.reload();
  await page.getByText('Your chats are kept here.', { exact: false }).waitFor();
  page.assertClean();
}));

test('chats leave as files and come in from files, also of other products', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'How do I make a backup?');
  const saved = page.waitForEvent('download');
  await act(page, 'How do I make a backup?', 'Save as Markdown');
  const download = await saved;
  assert.match(download.suggestedFilename(), /^How do I make a backup.*\.md$/);
  const markdown = await readFile(await download.path(), 'utf8');
  assert.ok(markdown.startsWith('# How do I make a backup?') && markdown.includes('Sources:'), markdown);

  const kept = page.waitForEvent('download');
  await act(page, 'How do I make a backup?', 'Save as JSON');
  const own = await satchel.file('own.json', await readFile(await (await kept).path()));
  await act(page, 'How do I make a backup?', 'Delete');
  await chatsOf(page).first().waitFor({ state: 'detached' });

  const node = (parent, role, words) => ({ parent, children: [], message: { author: { role }, create_time: 1.7e9, content: { content_type: 'text', parts: [words] } } });
  const chatgpt = [{ id: 'g', title: 'Bees of old', create_time: 1.7e9, current_node: 'b', mapping: { a: node(null, 'user', 'Who kept bees?'), b: node('a', 'assistant', 'It was **Tobias**.') } }];
  const webui = [{ id: 'w', title: 'Honey', chat: { history: { currentId: 'n', messages: { n: { role: 'user', content: 'Where was honey sold?', parentId: null } } } } }];
  const files = [await satchel.file('conversations.json', JSON.stringify(chatgpt)), await satchel.file('webui.json', JSON.stringify(webui)), await satchel.file('wrong.json', '{"a": 1}')];
  await page.getByRole('link', { name: 'Archive, import, export' }).click();
  // The deletion is carried out where one goes.
  await page.reload();
  await page.getByLabel('Choose a file of chats').setInputFiles([own, ...files]);
  await page.getByText('own.json: 1 chat imported.').waitFor();
  await page.getByText('conversations.json: 1 chat imported.').waitFor();
  await page.getByText('webui.json: 1 chat imported.').waitFor();
  await page.getByText(/^wrong\.json: .*Open WebUI/).waitFor();
  await page.getByLabel('Choose a file of chats').setInputFiles(files[0]);
  await page.getByText('conversations.json: 0 chats imported, 1 was here already.').waitFor();
  await page.getByLabel('Which chats').selectOption('all');
  await page.getByRole('row', { name: /Honey/ }).waitFor();
  await page.getByRole('row', { name: /How do I make a backup/ }).waitFor();
  await list(page).getByRole('heading', { name: /November.* 2023|2023/ }).waitFor();
  const [all] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export all' }).click()]);
  assert.match(all.suggestedFilename(), /\.(json|zip)$/);
  await page.getByRole('row', { name: /Bees of old/ }).getByRole('link').click();
  const answer = page.getByRole('article').last();
  assert.equal(await answer.locator('strong').first().textContent(), 'Tobias');
  page.assertClean();
}));

test('how a chat is answered is set in plain words and kept', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'How do I make a backup?');
  await act(page, 'How do I make a backup?', 'How it is answered');
  const dialog = page.getByRole('dialog', { name: 'How this chat is answered' });
  await dialog.getByLabel('Passages for an answer').hover();
  await dialog.getByText('k: the most passages that an answer may rest on').waitFor();
  await dialog.getByLabel('Instructions').fill('Answer in German.');
  await dialog.getByLabel('Passages for an answer').selectOption('2');
  await dialog.getByLabel('A passage must fit').selectOption('strict');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.reload();
  await chatsOf(page).first().waitFor();
  await act(page, 'How do I make a backup?', 'How it is answered');
  assert.equal(await dialog.getByLabel('Instructions').inputValue(), 'Answer in German.');
  assert.equal(await dialog.getByLabel('Passages for an answer').inputValue(), '2');
  assert.equal(await dialog.getByLabel('A passage must fit').inputValue(), 'strict');
  page.assertClean();
}));

test('the list of chats is used with the keyboard alone', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'How do I make a backup?');
  await page.getByLabel('Search chats').focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await chatsOf(page).first().evaluate((one) => one === document.activeElement), true);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel('Title').fill('Backups');
  await page.keyboard.press('Enter');
  await chatsOf(page).getByText('Backups', { exact: true }).waitFor();
  page.assertClean();
}));
