// The kept Postman collection, run from top to bottom by Postman's own runner.
// OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as for OpenAI's clients.
// It unloads the chat model at last: no other test may use the same server.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import newman from 'newman';

/** Streams that tell what happens until the client goes. */
const ENDLESS = /^\{\{baseUrl\}\}\/(api\/events|api\/models\/events|documents\/.*\/events)$/;

const file = new URL('../../static/postman_collection.json', import.meta.url);
const collection = JSON.parse(await readFile(file, 'utf8'));
for (const folder of collection.item) folder.item = folder.item.filter((one) => !ENDLESS.test(one.request.url.raw));

/** Asks again until the document can be asked, as a person would wait. */
const READY = [
  "if (!['ready', 'failed'].includes(pm.response.json().metadata.status)) {",
  '  pm.execution.setNextRequest(pm.info.requestId);',
  '  setTimeout(() => {}, 100);',
  '}',
];

const documents = collection.item.find((folder) => folder.item.some((one) => one.name === 'Read a document')).item;
const read = documents.find((one) => one.name === 'Read a document');
read.event = [...(read.event ?? []), { listen: 'test', script: { exec: READY } }];
const replaced = documents.findIndex((one) => one.name === 'Replace a document');
documents.splice(replaced + 1, 0, { ...read, id: undefined, name: 'Read a replaced document' });

/** How long any other answer may take, in ms. */
const PATIENCE = 20_000;

/**
 * Which requests a fresh server must refuse, and with what: the link of the first
 * start is known to nobody, nothing has failed that could be read again, the
 * document is deleted already, no model has that name, and nothing is erased
 * without a confirmation.
 */
const REFUSED = [
  'Sign in with the link: 401',
  'Ingest again: 409',
  'Delete documents: 404',
  'Download a model: 404',
  'Use a model: 404',
  'Stop a download: 404',
  'Remove a model: 404',
  'Add a model file: 400',
  'Choose a search model: 404',
  'Erase data: 400',
];

const variable = (key, value) => ({ key, value });

function ran() {
  const envVar = [
    variable('baseUrl', process.env.OPENAI_BASE_URL.replace(/\/v1$/, '')),
    variable('token', process.env.OPENAI_API_KEY),
  ];
  return new Promise((resolve, reject) => {
    const done = (error, summary) => (error ? reject(error) : resolve(summary.run.executions));
    newman.run({ collection, envVar, timeoutRequest: PATIENCE, reporters: [] }, done);
  });
}

test('every request of the collection that ends has a documented answer', async () => {
  // Of those that were asked again, the last answer counts.
  const executions = [...new Map((await ran()).map((one) => [one.item.id, one])).values()];
  const requests = collection.item.flatMap((folder) => folder.item);
  assert.equal(executions.length, requests.length);
  const wrong = [];
  const refused = [];
  for (const { item, request, response, requestError, assertions, testScript } of executions) {
    const name = `${request.method} ${request.url.getPath()}`;
    const failed = [...(assertions ?? []), ...(testScript ?? [])].filter((one) => one.error).map((one) => one.error.message);
    if (requestError) wrong.push(`${name} (${item.name}): ${requestError.message}`);
    else if (response.code >= 500 || failed.length) wrong.push(`${name} (${item.name}): ${response.code} ${failed} ${response.text().slice(0, 300)}`);
    else if (response.code >= 300) refused.push(`${item.name}: ${response.code}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(refused, REFUSED);
});
