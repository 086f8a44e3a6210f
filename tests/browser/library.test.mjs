import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { LIGHTHOUSE, add, documentsLink, withSatchel } from './support.mjs';

const row = (page, name) => page.getByRole('row').filter({ hasText: name });

async function act(page, name, action) {
  await page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

test('files are sorted, filtered, chosen, moved and read again', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByRole('button', { name: 'New dataset' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Coast');
  await page.getByRole('dialog').getByLabel('Only you and administrators see it').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await page.getByText('Only you and administrators see it').waitFor();
  await page.getByRole('button', { name: /^Documents/ }).click();
  const files = await Promise.all(['banana.txt', 'apple.txt', 'cherry.txt'].map((name, n) => satchel.file(name, `A note on the ${name} and its colour. `.repeat(n + 1))));
  await add(page, ...files);

  const names = () => page.locator('.files tbody th .x span').allTextContents();
  await page.getByRole('button', { name: 'File', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('.files tbody th .x span')?.textContent === 'apple.txt');
  assert.deepEqual(await names(), ['apple.txt', 'banana.txt', 'cherry.txt']);
  assert.equal(await page.getByRole('columnheader', { name: 'File' }).getAttribute('aria-sort'), 'ascending');
  await page.getByLabel('Which files').selectOption('failed');
  await page.getByText('No file here is like that.').waitFor();
  await page.getByLabel('Which files').selectOption('all');
  await page.getByRole('searchbox', { name: 'Filter files' }).fill('an');
  await page.waitForFunction(() => document.querySelectorAll('.files tbody tr').length === 1);
  await page.getByRole('searchbox', { name: 'Filter files' }).fill('');
  await page.waitForFunction(() => document.querySelectorAll('.files tbody tr').length === 3);

  await page.getByLabel('Choose apple.txt').check();
  await page.getByLabel('Choose banana.txt').check();
  const chosen = page.getByRole('group', { name: 'Chosen files' });
  await chosen.getByText('2 files chosen').waitFor();
  await chosen.getByRole('button', { name: 'Move' }).click();
  await page.getByLabel('To the dataset').selectOption({ label: 'Coast' });
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.files tbody tr').length === 1);
  await page.getByRole('button', { name: /^Coast/ }).press('Enter');
  await row(page, 'apple.txt').waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent?.startsWith('Coast'));
  await act(page, 'apple.txt', 'Read again');
  await row(page, 'apple.txt').getByText('Ready').waitFor();
  await page.getByLabel('Choose all files of this page').check();
  await chosen.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing here yet.').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await row(page, 'banana.txt').waitFor();
  page.assertClean();
}));

test('an open menu stays while the list changes', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('apple.txt', 'A note on the apple and its colour.'));
  await page.getByRole('button', { name: 'Actions for apple.txt', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Preview' }).waitFor();
  await page.getByLabel('Choose files').setInputFiles(await satchel.file('banana.txt', 'A note on the banana and its colour.'));
  await page.getByRole('button', { name: /^Documents.*2 documents/ }).waitFor();
  await page.getByRole('menuitem', { name: 'Preview' }).click();
  await page.getByRole('dialog').getByText('A note on the apple', { exact: false }).first().waitFor();
  await page.keyboard.press('Escape');
  await row(page, 'banana.txt').getByText(/^Ready/).waitFor();
  page.assertClean();
}));

test('a document is previewed as it was read and as it was uploaded, without rights', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE), await satchel.file('web.html', '<title>Web</title><h1>A page</h1><script>parent.document.title = "taken"</script><p>The harbour is deep.</p>'));
  await act(page, 'The lighthouse of Skerry Point', 'Preview');
  const dialog = page.getByRole('dialog', { name: 'The lighthouse of Skerry Point' });
  await dialog.getByText('The first keeper was Tobias Wren', { exact: false }).waitFor();
  await dialog.getByRole('tab', { name: 'The original' }).click();
  const frame = dialog.frameLocator('iframe');
  await frame.getByText('title: The lighthouse of Skerry Point').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await act(page, 'Web', 'Preview');
  await page.getByRole('dialog').getByRole('tab', { name: 'The original' }).click();
  await page.getByRole('dialog').frameLocator('iframe').getByRole('heading', { name: 'A page' }).waitFor();
  assert.notEqual(await page.title(), 'taken');
  assert.equal(await page.locator('iframe').getAttribute('sandbox'), '');
}));

test('a whole folder is added, and each file says where it was', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  const folder = path.join(satchel.folder, 'archive');
  await mkdir(path.join(folder, 'notes'), { recursive: true });
  await writeFile(path.join(folder, 'one.txt'), 'The first note is about the harbour.');
  await writeFile(path.join(folder, 'notes', 'two.txt'), 'The second note is about the quay.');
  await writeFile(path.join(folder, '.hidden'), 'nobody means this');
  await page.getByLabel('Choose a folder').setInputFiles(folder);
  await row(page, 'two.txt').getByText('Ready').waitFor();
  await row(page, 'two.txt').getByText('archive/notes').waitFor();
  await row(page, 'one.txt').getByText('Ready').waitFor();
  assert.equal(await page.locator('.files tbody tr').count(), 2);
  page.assertClean();
}));

test('uploads are paused, gone on with and cancelled', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  let open = () => {};
  const gate = new Promise((resolve) => { open = resolve; });
  await page.route('**/documents/upload', async (route) => {
    await gate;
    await route.continue().catch(() => {});
  });
  const files = await Promise.all([1, 2, 3, 4, 5].map((n) => satchel.file(`note-${n}.txt`, `Note ${n} says that door ${n} is green.`)));
  await page.getByLabel('Choose files').setInputFiles(files);
  await page.getByText('0 of 5 files added').waitFor();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByText('Paused.').first().waitFor();
  await page.getByRole('button', { name: 'Cancel note-5.txt' }).click();
  await page.getByText('note-5.txt').waitFor({ state: 'detached' });
  open();
  await page.getByRole('button', { name: 'Go on', exact: true }).click();
  for (const n of [1, 2, 3, 4]) await row(page, `note-${n}.txt`).getByText('Ready').waitFor();
  assert.equal(await row(page, 'note-5.txt').count(), 0);
  page.assertClean();
}));

test('a file on its way says how many bytes have arrived, and then how many passages are embedded', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByText('Nothing here yet.').waitFor();
  const link = await page.context().newCDPSession(page);
  const throttle = (bytes) => link.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await throttle(40_000);
  const words = Array.from({ length: 4000 }, (_, n) => `Paragraph ${n} tells of door ${n}, which is green, and of the garden behind it.`).join('\n\n');
  await page.getByLabel('Choose files').setInputFiles(await satchel.file('long.txt', words));
  const uploads = page.getByRole('list', { name: 'Uploads' });
  await page.waitForFunction(() => {
    const bar = document.querySelector('[aria-label="Upload of long.txt"]');
    return bar && bar.value > 0 && bar.value < bar.max;
  });
  await uploads.getByText(/^\d.* of 3\d\d kB$/).waitFor();
  await throttle(-1);
  await uploads.getByText(/pages? read, [1-9][\d,]* of [\d,]+ passages embedded$/).waitFor();
  await uploads.getByRole('progressbar', { name: 'Embedding long.txt' }).waitFor();
  page.assertClean();
}));

test('a file that is pasted is added', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByText('Nothing here yet.').waitFor();
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'pasted.md', { type: 'text/markdown' }));
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, LIGHTHOUSE);
  await row(page, 'pasted.md').getByText('Ready').waitFor();
  page.assertClean();
}));

test('a dataset is renamed and shared, and comes back when its deletion is undone', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'New dataset' }).click();
  await dialog.getByLabel('Name').fill('Documents');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByRole('alert').getByText('already', { exact: false }).waitFor();
  await dialog.getByLabel('Name').fill('Harbour');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Actions for dataset Harbour' }).click();
  await page.getByRole('menuitem', { name: 'Edit and share' }).click();
  await dialog.getByLabel('Name').fill('Port');
  await dialog.getByLabel('Description').fill('All about ships');
  await dialog.getByLabel('Everybody sees it, also without signing in').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('All about ships', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Actions for dataset Port' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: /^Port/ }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('heading', { name: 'Files in Port' }).waitFor();
  page.assertClean();
}));

test('a long list of files is looked through page by page', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const lines = Array.from({ length: 120 }, (_, n) => JSON.stringify({ id: `n${n}`, title: `Note ${String(n).padStart(3, '0')}`, text: `Note number ${n}.` }));
  await documentsLink(page).click();
  await page.getByLabel('Choose files').setInputFiles(await satchel.file('notes.jsonl', lines.join('\n')));
  await page.getByText('1 to 50 of 120').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'File', exact: true }).click();
  await page.getByText('Note 000', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('Note 050', { exact: true }).waitFor();
  await page.getByText('51 to 100 of 120').waitFor();
  page.assertClean();
}));

test('on a phone the lists fit and can be ordered', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 360, height: 740 } });
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await page.getByLabel('Order').selectOption('name');
  await row(page, 'lighthouse.md').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await page.goto(`${page.url().split('#')[0]}#/chats`);
  await page.getByRole('heading', { name: 'Bring chats along' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  page.assertClean();
}));
