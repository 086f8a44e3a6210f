// Folders of the server's machine that a dataset is kept in step with.

import assert from 'node:assert/strict';
import { rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { LIGHTHOUSE, documentsLink, withSatchel } from './support.mjs';
import { READER, administrator } from './views.mjs';

/** Writes a file as one that has been there for a while. */
async function place(file, text) {
  await writeFile(file, text);
  const then = Date.now() / 1000 - 60;
  await utimes(file, then, then);
}

test('a folder is chosen by keyboard, followed, paused and let go of', withSatchel(async (satchel) => {
  const papers = path.join(satchel.shown, 'papers');
  await place(path.join(papers, 'lighthouse.md'), LIGHTHOUSE);
  await place(path.join(papers, 'broken.pdf'), '%PDF-1.7 broken');
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  const list = page.getByRole('region', { name: 'Folders kept in step' });
  await list.getByText(/satchel can keep a dataset in step/).waitFor();
  await list.getByRole('button', { name: 'Keep a folder in step' }).click();
  const asked = page.getByRole('dialog', { name: 'Keep a folder in step' });
  await asked.getByRole('button', { name: 'papers' }).focus();
  await page.keyboard.press('Enter');
  await asked.getByRole('button', { name: 'letters' }).waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent === 'letters');
  assert.equal(await asked.getByLabel('Folder', { exact: true }).inputValue(), papers);
  await asked.getByRole('button', { name: 'One folder up' }).click();
  await asked.getByRole('button', { name: 'papers' }).waitFor();
  await asked.getByLabel('Folder', { exact: true }).fill('/etc');
  await asked.getByRole('button', { name: 'Keep in step' }).click();
  await asked.getByRole('alert').getByText(/watchable allows/).waitFor();
  await asked.getByLabel('Folder', { exact: true }).fill(papers);
  await asked.getByRole('button', { name: 'Keep in step' }).click();
  await asked.waitFor({ state: 'detached' });

  const row = list.getByRole('row').filter({ hasText: papers });
  await row.getByText('1 file could not be read').waitFor();
  await row.getByText('Which and why').click();
  await row.getByText('broken.pdf').waitFor();
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).getByText(/^Ready/).waitFor();
  await rm(path.join(papers, 'broken.pdf'));
  await row.getByText('In step', { exact: true }).waitFor();
  await row.getByText(/^Last look/).waitFor();

  const choose = async (name) => {
    await row.getByRole('button', { name: `Actions for folder ${papers}` }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await choose('Pause');
  await row.getByText('Paused', { exact: true }).waitFor();
  await choose('Resume');
  await row.getByText('In step', { exact: true }).waitFor();
  await choose('Stop watching');
  const sure = page.getByRole('dialog', { name: 'Stop watching this folder?' });
  await sure.getByText(/stay in the dataset Documents/).waitFor();
  await sure.getByRole('button', { name: 'Stop watching' }).click();
  await list.getByText(/satchel can keep a dataset in step/).waitFor();
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).waitFor();
  page.assertClean();
}));

test('where the settings allow no folder the page says which one to use', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByRole('button', { name: 'Keep a folder in step' }).click();
  await page.getByRole('dialog').getByText('satchel serve --watchable /srv/papers').waitFor();
  page.assertClean();
}, { SATCHEL_WATCHABLE: '/nonexistent' }));

test('whoever is no operator sees no folders', withSatchel(async (satchel) => {
  const admin = await administrator(satchel);
  await admin.send('POST', '/api/users', { ...READER, role: 'user' });
  const page = await satchel.open();
  await page.goto(satchel.origin);
  await page.getByLabel('User name').fill(READER.username);
  await page.getByLabel('Password').fill(READER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Your question').waitFor();
  await documentsLink(page).click();
  await page.getByLabel('Choose files').waitFor({ state: 'attached' });
  await page.getByRole('heading', { name: /^Files in/ }).waitFor();
  assert.ok(!await page.getByRole('button', { name: 'Keep a folder in step' }).isVisible());
  page.assertClean();
}));
