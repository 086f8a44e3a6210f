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

/** How long any other answer may take, in ms. */
const PATIENCE = 20_000;

/** Which requests a fresh server must refuse, and with what. */
const REFUSED = [
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
  const executions = await ran();
  const requests = collection.item.flatMap((folder) => folder.item);
  assert.equal(executions.length, requests.length);
  const wrong = [];
  const refused = [];
  for (const { item, request, response, requestError, assertions } of executions) {
    const name = `${request.method} ${request.url.getPath()}`;
    const failed = (assertions ?? []).filter((one) => one.error).map((one) => one.error.message);
    if (requestError) wrong.push(`${name} (${item.name}): ${requestError.message}`);
    else if (response.code >= 500 || failed.length) wrong.push(`${name} (${item.name}): ${response.code} ${failed} ${response.text().slice(0, 300)}`);
    else if (response.code >= 300) refused.push(`${item.name}: ${response.code}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(refused, REFUSED);
});
