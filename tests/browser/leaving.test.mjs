// What was deleted and could still be brought back is gone for good when the
// page is: closed, left for another one, or signed out of.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE, documentsLink, withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

/** Waits until something is no longer so. */
async function over(there) {
  while (await there()) await new Promise((resolve) => { setTimeout(resolve, 50); });
}

async function deleteFile(page) {
  await documentsLink(page).click();
  await page.getByRole('button', { name: 'Actions for The lighthouse of Skerry Point', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
}

async function deleteDataset(page) {
  await documentsLink(page).click();
  await page.getByRole('button', { name: /^Coast/ }).click();
  await page.getByRole('button', { name: 'Actions for dataset Coast' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
}

async function deleteChat(page) {
  await page.getByRole('button', { name: 'Actions for chat Is anybody there?' }).click({ force: true });
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor();
}

const found = (client, path) => client.send('GET', path).then(() => true, (error) => {
  assert.match(error.message, /: 404 /);
  return false;
});

/** What there is to delete: how, and whether the server still has it. */
const THINGS = {
  'a document': async (client) => {
    const id = await client.upload('lighthouse.md', LIGHTHOUSE);
    return { take: deleteFile, there: () => found(client, `/documents/${id}`) };
  },
  'a dataset': async (client) => {
    const { id } = await client.send('POST', '/api/datasets', { name: 'Coast', description: '' });
    return { take: deleteDataset, there: async () => (await client.send('GET', '/api/datasets')).datasets.some((one) => one.id === id) };
  },
  'a chat': async (client) => {
    const id = await client.ask('Is anybody there?');
    return { take: deleteChat, there: () => found(client, `/chat/sessions/${id}`) };
  },
};

/** @type {Record<string, (page: any) => Promise<unknown>>} */
const WAYS = {
  'is closed': (page) => page.close(),
  'is loaded anew': (page) => page.reload(),
  'is left for another': (page) => page.goto('about:blank'),
};

for (const [thing, make] of Object.entries(THINGS)) {
  test(`${thing} that was deleted is gone when the page goes`, { timeout: 300_000 }, withSatchel(async (satchel) => {
    const client = await administrator(satchel);
    for (const way of Object.values(WAYS)) {
      const { take, there } = await make(client);
      const page = await satchel.signedIn();
      await take(page);
      assert.ok(await there());
      await way(page);
      await over(there);
      await page.context().close();
    }
  }));
}

test('what was deleted is gone when one signs out', withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const { take, there } = await THINGS['a document'](client);
  const page = await satchel.signedIn();
  await take(page);
  assert.ok(await there());
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await over(there);
  page.assertClean();
}));
