// Every event stream, read by `eventsource`, a standard client of server-sent events.
// OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as for OpenAI's clients.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSource } from 'eventsource';

const origin = process.env.OPENAI_BASE_URL.replace(/\/v1$/, '');
const signedIn = { authorization: `Bearer ${process.env.OPENAI_API_KEY}` };
const question = 'Who was the first keeper of the lighthouse?';

/** All events of a stream until `isLast` says that one is; with a body it is posted. */
function read(path, isLast, body) {
  const source = new EventSource(origin + path, {
    fetch: (url, init) => {
      const headers = { ...init.headers, ...signedIn, ...(body && { 'content-type': 'application/json' }) };
      return fetch(url, { ...init, headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) });
    },
  });
  return new Promise((resolve, reject) => {
    const events = [];
    const take = (event) => {
      events.push(event);
      if (!isLast(event)) return;
      source.close();
      resolve(events);
    };
    for (const name of ['message', 'accepted', 'sources', 'block', 'citation', 'done']) {
      source.addEventListener(name, take);
    }
    source.addEventListener('error', (event) => {
      source.close();
      reject(new Error(event.message ?? event.data ?? 'the stream broke off'));
    });
  });
}

const said = (events, piece) => events.map((event) => piece(JSON.parse(event.data)) ?? '').join('');

test('rag chat, by GET and by POST', async () => {
  const ask = { message: question, answer_mode: 'quotes' };
  const isDone = (event) => event.type === 'done';
  for (const events of [
    await read(`/chat/send?${new URLSearchParams(ask)}`, isDone),
    await read('/chat/send', isDone, ask),
  ]) {
    assert.ok(events.some((event) => event.type === 'citation'));
    assert.match(said(events, (data) => data.token), /Tobias Grenn/);
  }
});

test('orchestration', async () => {
  const isEnd = (event) => JSON.parse(event.data).type === 'end';
  const events = await read('/chat/query', isEnd, { question, session_id: 'node' });
  const types = events.map((event) => JSON.parse(event.data).type);
  assert.equal(types[0], 'start');
  assert.deepEqual(types.slice(-2), ['citations', 'end']);
  const selected = 'The first keeper was Ewan Rae, who came from Durness.';
  const bound = await read('/chat/selected-text', isEnd, { question, selected_text: selected, session_id: 'node' });
  assert.equal(JSON.parse(bound[0].data).type, 'start');
});

test('chat module', async () => {
  const made = await fetch(`${origin}/api/chats/sessions/`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}',
  });
  const { session_id } = await made.json();
  const isDone = (event) => JSON.parse(event.data).done;
  const events = await read('/api/chats/messages/chat/stream/', isDone, { message: question, session_id });
  assert.ok(said(events, (data) => data.chunk).length > 0);
  assert.ok(JSON.parse(events.at(-1).data).response_id);
});

test('OpenAI', async () => {
  const messages = [{ role: 'user', content: question }];
  const body = { model: 'satchel', messages, stream: true, answer_mode: 'quotes' };
  const events = await read('/v1/chat/completions', (event) => event.data === '[DONE]', body);
  assert.match(said(events.slice(0, -1), (data) => data.choices[0]?.delta.content), /Tobias Grenn/);
});
