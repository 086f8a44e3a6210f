// The page about the API.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE, add, withSatchel } from './support.mjs';

/** Opens an endpoint of the page and gives it. */
async function endpoint(page, satchel, id, title) {
  await page.goto(`${satchel.origin}/api-docs#/${id}`);
  const article = page.getByRole('article');
  await article.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  return article;
}

/** The status that trying gave. */
async function sent(article) {
  await article.getByRole('button', { name: 'Send request' }).click();
  const line = article.getByText(/^Status \d+/);
  await line.waitFor();
  return Number(/^Status (\d+)/.exec(await line.textContent())[1]);
}

test('the API page lists every endpoint by dialect and finds them by their words', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(`${satchel.origin}/api-docs`);
  const nav = page.getByRole('navigation', { name: 'Endpoints' });
  await nav.getByRole('heading', { name: 'conversations' }).waitFor();
  const document = await (await fetch(`${satchel.origin}/openapi.json`)).json();
  const operations = Object.values(document.paths).flatMap((methods) => Object.keys(methods)).length;
  const links = nav.locator('.groups').getByRole('link');
  assert.equal(await links.count(), operations);
  assert.equal(await nav.getByRole('heading').count(), document.tags.length);
  await nav.getByRole('searchbox', { name: 'Search endpoints' }).fill('selected-text');
  assert.equal(await links.count(), 1);
  await links.first().click();
  const article = page.getByRole('article');
  await article.getByRole('heading', { level: 1, name: 'Ask a selected text' }).waitFor();
  assert.equal(await links.first().getAttribute('aria-current'), 'page');
  await nav.getByRole('searchbox', { name: 'Search endpoints' }).fill('no such words');
  await nav.getByText('No endpoint has these words.').waitFor();
  page.assertClean();
}));

test('an endpoint shows fields with types and rules, its events, and examples to copy', withSatchel(async (satchel) => {
  const page = await satchel.open({ permissions: ['clipboard-read', 'clipboard-write'] });
  const article = await endpoint(page, satchel, 'post/chat/send', 'Ask');
  const field = article.getByRole('listitem').filter({ has: page.getByText('message', { exact: true }) }).first();
  await field.getByText('string').waitFor();
  await article.getByText('Fields of search_options').click();
  await article.getByText('fetch_k', { exact: true }).waitFor();
  await article.getByText('accepted', { exact: true }).click();
  await article.getByText('question_id', { exact: true }).waitFor();
  await article.getByRole('button', { name: 'Copy the example for curl' }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^curl -N [\s\S]*\/chat\/send'$/);
  await article.getByText('Wants an access token or an API key.').waitFor();
  const search = await endpoint(page, satchel, 'post/api/search', 'Search');
  const query = search.getByRole('listitem').filter({ has: page.getByText('query', { exact: true }) }).first();
  await query.getByText('required').waitFor();
  page.assertClean();
}));

test('an endpoint without a token can be tried by anybody, and says status, headers and body', withSatchel(async (satchel) => {
  const page = await satchel.open();
  const article = await endpoint(page, satchel, 'get/health', 'Health');
  assert.equal(await sent(article), 200);
  await article.getByText('"status": "healthy"').waitFor();
  await article.getByText('Headers', { exact: true }).click();
  await article.getByText('x-request-id').last().waitFor();
  const signed = await endpoint(page, satchel, 'get/chat/sessions', 'List sessions');
  assert.equal(await sent(signed), 401);
  page.assertClean();
}));

test('who is signed in tries endpoints in the own name, and streams show as they come', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const article = await endpoint(page, satchel, 'post/chat/send', 'Ask');
  await article.getByLabel('Body, as JSON').fill('{"message": "Who was the first keeper?", "answer_mode": "quotes"}');
  assert.equal(await sent(article), 200);
  const body = article.getByLabel('Body of the answer');
  await body.filter({ hasText: 'event: done' }).waitFor();
  assert.match(await body.textContent(), /Tobias Wren/);
  await article.getByLabel('Answer as').selectOption('one JSON object');
  assert.equal(await sent(article), 200);
  await body.filter({ hasText: '"finish_reason": "stop"' }).waitFor();
  page.assertClean();
}));

test('what deletes is asked back, and a path is filled from the form', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const made = await endpoint(page, satchel, 'post/v1/chat/conversations', 'Make a conversation');
  await made.getByLabel('Body, as JSON').fill('{"conversation_id": "c:1"}');
  assert.equal(await sent(made), 201);
  const article = await endpoint(page, satchel, 'delete/v1/chat/conversations/{conversation_id}', 'Delete a conversation');
  await article.getByLabel('conversation_id').fill('c:1');
  await article.getByRole('button', { name: 'Send request' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Send request' }).click();
  await article.getByText(/^Status 204/).waitFor();
  page.assertClean();
}));

test('on a phone the list and the endpoint are two pages, and nothing is wider than the screen', withSatchel(async (satchel) => {
  const page = await satchel.open({ viewport: { width: 360, height: 740 } });
  await page.goto(`${satchel.origin}/api-docs`);
  const nav = page.getByRole('navigation', { name: 'Endpoints' });
  await nav.getByRole('link', { name: 'POST /chat/query' }).click();
  const article = page.getByRole('article');
  await article.getByRole('heading', { level: 1 }).waitFor();
  assert.equal(await nav.isVisible(), false);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await article.getByRole('link', { name: 'All endpoints' }).click();
  await nav.waitFor();
  page.assertClean();
}));
