// The official OpenAI client for Node.js, unmodified, against a real satchel.
// OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as that client expects.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0 });
const CHAT = 'Tiny llama';
const EMBEDDER = 'all-MiniLM-L6-v2';
const QUESTION = [{ role: 'user', content: 'Who was the first keeper of the lighthouse?' }];
const PLAIN = { model: CHAT, messages: [{ role: 'user', content: 'Say something.' }], temperature: 0, max_tokens: 24 };

async function collect(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

test('models are listed and read', async () => {
  const ids = (await collect(await client.models.list())).map((model) => model.id);
  assert.deepEqual(ids, ['satchel', CHAT, EMBEDDER]);
  assert.equal((await client.models.retrieve(CHAT)).object, 'model');
});

test('chat answers, and a stream adds up to the same', async () => {
  const answer = await client.chat.completions.create(PLAIN);
  const { message, finish_reason: reason } = answer.choices[0];
  assert.equal(message.role, 'assistant');
  assert.equal(reason, 'length');
  assert.equal(answer.usage.completion_tokens, 24);
  const stream = await client.chat.completions.create({ ...PLAIN, stream: true, stream_options: { include_usage: true } });
  const chunks = await collect(stream);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  assert.equal(text, message.content);
  assert.equal(chunks.at(-1).usage.completion_tokens, 24);
});

test('a stop text ends the answer', async () => {
  const whole = (await client.chat.completions.create(PLAIN)).choices[0].message.content;
  const answer = await client.chat.completions.create({ ...PLAIN, stop: whole.slice(8, 11) });
  assert.equal(answer.choices[0].finish_reason, 'stop');
  const text = answer.choices[0].message.content;
  assert.ok(whole.startsWith(text) && text.length < whole.length, text);
});

test('a stream can be aborted, and the model is free again', async () => {
  const stream = await client.chat.completions.create({ ...PLAIN, max_tokens: 1900, stream: true });
  let seen = 0;
  for await (const _ of stream) {
    seen += 1;
    if (seen === 3) stream.controller.abort();
  }
  assert.ok(seen >= 3);
  await client.chat.completions.create({ ...PLAIN, max_tokens: 1 }, { timeout: 10_000 });
});

test("the client's own helper for streams understands this one", async () => {
  const runner = client.chat.completions.stream(PLAIN);
  const completion = await runner.finalChatCompletion();
  assert.equal(completion.choices[0].finish_reason, 'length');
  assert.ok(completion.choices[0].message.content);
});

test('documents answer with annotations', async () => {
  // What the tiny model writes rests on nothing; quotes do.
  const ask = { model: 'satchel', messages: QUESTION, answer_mode: 'quotes' };
  const answer = await client.chat.completions.create(ask);
  const { content, annotations } = answer.choices[0].message;
  assert.ok(annotations.length > 0);
  for (const { type, url_citation: place } of annotations) {
    assert.equal(type, 'url_citation');
    assert.equal(content.slice(place.start_index, place.end_index)[0], '[');
  }
  const stream = await client.chat.completions.create({ ...ask, stream: true });
  const chunks = await collect(stream);
  assert.ok(chunks.some((chunk) => chunk.choices[0].delta.annotations?.length > 0));
});

test('texts are embedded in both encodings', async () => {
  const input = ['The lamp burns colza oil.', 'colza oil'];
  const coded = await client.embeddings.create({ model: EMBEDDER, input });
  const plain = await client.embeddings.create({ model: EMBEDDER, input, encoding_format: 'float' });
  for (const at of [0, 1]) {
    const one = coded.data[at].embedding;
    assert.equal(one.length, 384);
    one.forEach((value, index) => assert.ok(Math.abs(value - plain.data[at].embedding[index]) < 1e-6));
  }
});

test("errors are the client's own", async () => {
  await assert.rejects(client.chat.completions.create({ ...PLAIN, model: 'gpt-4o' }), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({ ...PLAIN, n: 2 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'n');
    return true;
  });
  const stranger = new OpenAI({ maxRetries: 0, apiKey: 'sk-wrong' });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});
