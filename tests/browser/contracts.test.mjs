// The JavaScript client examples of the contracts, run in a real Chromium
// against a real server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE, withSatchel } from './support.mjs';

const QUESTION = 'Who was the first keeper?';

/** A page of the server's origin, and an access token. */
async function begin(satchel) {
  const page = await satchel.open();
  await page.goto(satchel.origin);
  const token = await page.evaluate(async ({ link, text }) => {
    const headers = { 'Content-Type': 'application/json' };
    const signedIn = await fetch('/auth/link', { method: 'POST', headers, body: JSON.stringify({ token: link }) });
    const { access_token: token } = await signedIn.json();
    const form = new FormData();
    form.append('file', new File([text], 'lighthouse.md'));
    const authorized = { Authorization: `Bearer ${token}` };
    const { id } = await (await fetch('/documents/upload', { method: 'POST', headers: authorized, body: form })).json();
    for (;;) {
      const { metadata } = await (await fetch(`/documents/${id}`, { headers: authorized })).json();
      if (metadata.status === 'ready') return token;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }, { link: /link=(\w+)/.exec(satchel.link)[1], text: LIGHTHOUSE });
  return { page, token };
}

test('contract 2: EventSource by GET', withSatchel(async (satchel) => {
  const { page, token } = await begin(satchel);
  const seen = await page.evaluate(({ token, question }) => new Promise((resolve) => {
    const seen = { messages: [], citations: [], errors: [], requests: 0 };
    const query = new URLSearchParams({ message: question, auth_token: token });
    const eventSource = new EventSource(`/chat/send?${query}`);
    eventSource.addEventListener('open', () => { seen.requests += 1; });
    eventSource.addEventListener('message', (event) => {
      const data = JSON.parse(event.data);
      seen.messages.push(data);
    });
    eventSource.addEventListener('citation', (event) => {
      const citation = JSON.parse(event.data);
      seen.citations.push(citation);
    });
    eventSource.addEventListener('error', (event) => {
      seen.errors.push(event.data ?? 'connection');
    });
    eventSource.addEventListener('done', () => {
      eventSource.close();
      resolve(seen);
    });
  }), { token, question: QUESTION });
  assert.deepEqual(seen.errors, []);
  assert.equal(seen.requests, 1);
  assert.ok(seen.messages[0].session_id && seen.messages[0].title);
  const text = seen.messages.map((message) => message.token ?? '').join('');
  assert.match(text, /Tobias Wren/);
  assert.equal(seen.messages.at(-1).content, text);
  assert.deepEqual(seen.citations, seen.messages.at(-1).citations);
  assert.ok(seen.citations.length > 0);
  page.assertClean();
}));

test('contract 2: fetch by POST', withSatchel(async (satchel) => {
  const { page, token } = await begin(satchel);
  const text = await page.evaluate(async ({ token, question }) => {
    const response = await fetch('/chat/send', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ message: question }),
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = '';
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text;
      buffer += value;
      const events = buffer.split('\n\n');
      buffer = events.pop();
      for (const event of events) {
        const unnamed = !/^event:/m.test(event);
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (unnamed && data) text += JSON.parse(data).token ?? '';
      }
    }
  }, { token, question: QUESTION });
  assert.match(text, /Tobias Wren/);
  page.assertClean();
}));

test('contract 5: the streaming chat as a fetch stream', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.origin);
  const seen = await page.evaluate(async (message) => {
    const post = (path, body) => fetch(path, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const session = await (await post('/api/chats/sessions/', { metadata: { device: 'web' } })).json();
    const response = await post('/api/chats/messages/chat/stream/', { message, session_id: session.session_id });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const seen = { text: '', id: null };
    let buffer = '';
    const onmessage = (event) => {
      const data = JSON.parse(event.data);
      if (data.done) seen.id = data.response_id;
      else seen.text += data.chunk;
    };
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer += value;
      const events = buffer.split('\n\n');
      buffer = events.pop();
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data) onmessage({ data });
      }
    }
    const stored = await (await fetch(`/api/chats/messages/?session_id=${session.session_id}`)).json();
    return { ...seen, stored };
  }, 'Tell me a story');
  assert.ok(seen.text.length > 0);
  assert.deepEqual(seen.stored.map((one) => one.role), ['user', 'assistant']);
  assert.equal(seen.stored[1].id, seen.id);
  assert.equal(seen.stored[1].message, seen.text);
  page.assertClean();
}));
