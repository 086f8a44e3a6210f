// What is said where nothing can be searched: there are no documents, the chosen
// dataset has none, or none of them has been read yet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COVERAGE, question, told, withAnswers } from './streams.mjs';
import { documentsLink, withSatchel } from './support.mjs';

const HIGH = 'How high is the tower of Skerry Point?';
const NONE = 'No documents are ready to be searched.';
const ADD = 'Add documents, or choose others to be searched.';
const SILENT = 'Your documents do not say.';

/** Waits for the page on which documents are added. */
const onDocuments = (page) => page.getByLabel('Choose files').waitFor({ state: 'attached' });

test('without any document the answer says so, also when the chat is opened again, and leads to where they are added', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await question(page, HIGH);
  for (const again of [false, true]) {
    if (again) await page.reload();
    const reply = told(page);
    await reply.getByText(NONE).waitFor();
    await reply.getByText(ADD).waitFor();
    assert.equal(await reply.getByText(SILENT).count(), 0, 'nothing was searched that could have said it');
    assert.equal(await reply.getByText(/not read yet/).count(), 0);
  }
  await told(page).getByRole('link', { name: 'Add documents' }).click();
  await onDocuments(page);
  page.assertClean();
}, { SATCHEL_HANDBOOK: 'false' }, { anew: true }));

test('a chosen dataset without documents is told from one that does not say', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await documentsLink(page).click();
  await page.getByRole('button', { name: 'New dataset' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Coast');
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Files in Coast' }).waitFor();

  await page.getByRole('link', { name: 'New chat' }).click();
  await page.getByLabel('Search in').selectOption({ label: 'Coast' });
  await question(page, HIGH);
  await told(page).getByText(NONE).waitFor();
  await told(page).getByText(ADD).waitFor();

  await page.getByLabel('Search in').selectOption({ label: 'Handbook' });
  await question(page, HIGH);
  await page.getByText(SILENT).waitFor();
  assert.equal(await page.getByText(NONE).count(), 1, 'of the first answer alone');
  page.assertClean();
}));

test('documents that are still being read are counted, and asking again is what helps', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  const coverage = { ...COVERAGE, documents: 0, pages: 0, documents_pending: 2 };
  telling.say({ sources: [], coverage }, 'sources');
  telling.complete({ mode: 'nothing_found', model: null, coverage });
  const reply = told(page);
  await reply.getByText(NONE).waitFor();
  await reply.getByText('2 documents are not read yet. Ask again once they have been read.').waitFor();
  assert.equal(await reply.getByText(ADD).count(), 0, 'they have been added');
  await reply.getByRole('link', { name: 'See what can be searched' }).click();
  await onDocuments(page);
  page.assertClean();
}));
