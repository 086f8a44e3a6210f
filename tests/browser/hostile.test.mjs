// What strangers write reaches every place of the page that shows it: nothing of
// it runs, and nothing changes outside of its own element.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fixture, withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

const corpus = JSON.parse(await readFile(path.join(path.dirname(fixture('')), 'xss.json'), 'utf8'));
const vectors = corpus.map((one) => one.text);

/** Notices what runs, what a dialog says, and what the content policy had to stop. */
const watch = () => {
  window.harm = [];
  window.__xss = () => window.harm.push('a script ran');
  for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => window.harm.push(`${name} was called`);
  addEventListener('securitypolicyviolation', (event) => window.harm.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
};

/** What no text may have made: elements and attributes that the page never has. */
const inspect = () => {
  const wrong = [...window.harm];
  const strange = document.querySelectorAll('body :is(script, iframe, object, embed, base, meta, link, style, math, frameset, marquee, template, audio, video, img, form[action], [style*="position"], [formaction], [srcdoc], [ping])');
  for (const one of strange) wrong.push(`${one.tagName} in ${one.parentElement?.className}`);
  for (const one of document.querySelectorAll('*')) {
    for (const { name, value } of one.attributes) {
      if (/^on/i.test(name)) wrong.push(`${one.tagName} has ${name}`);
      if (/^\s*(javascript|vbscript|data):/i.test(value) && ['href', 'src', 'action', 'xlink:href'].includes(name)) wrong.push(`${one.tagName} leads to ${value}`);
    }
  }
  for (const id of ['root', 'say', 'main', 'rail']) {
    if (document.querySelectorAll(`[id="${id}"]`).length > 1) wrong.push(`${id} is there twice`);
  }
  // What turns the direction of text does so inside of its own element.
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && /[\u202a-\u202e\u2066-\u2069]/.test(node.textContent));
    const look = getComputedStyle(one);
    if (own && look.display.startsWith('inline') && !['isolate', 'plaintext', 'isolate-override'].includes(look.unicodeBidi) && !one.closest('.text, .answer')) wrong.push(`${one.tagName}.${one.className} turns its neighbours`);
  }
  const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  if (middle && !middle.closest('#root, dialog, aside')) wrong.push(`the page is covered by ${middle.tagName}.${middle.className}`);
  return wrong;
};

/** A signed-in page that watches itself. */
async function watched(satchel) {
  const page = await satchel.open();
  await page.addInitScript(watch);
  page.on('dialog', (dialog) => { throw new Error(`a dialog opened: ${dialog.message()}`); });
  await page.goto(satchel.link);
  await page.getByRole('heading', { name: 'Welcome. Choose a password' }).waitFor();
  return page;
}

async function assertUnharmed(page, where) {
  // Handlers of what fails to load run later.
  await page.waitForTimeout(300);
  assert.deepEqual(await page.evaluate(inspect), [], where);
  page.assertClean();
}

const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

/** As a file system would take it. */
const fileName = (text, n) => `${n} ${text.replace(/[/\\\0\n\r\t]/g, '_').slice(0, 120)}.md`;

test('there are more than a hundred vectors', () => {
  assert.ok(new Set(vectors).size > 100);
});

test('a hostile document changes nothing on the page', { timeout: 600_000 }, withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const page = await watched(satchel);
  const id = await client.upload('hostile.md', `# Report\n\nThe zeppelin is moored at the mast.\n\n${vectors.join('\n\n')}`);
  const html = await client.upload('hostile.html', `<title>${vectors[8]}</title><p>The gondola is made of wood.</p>${vectors.join('\n')}`).catch(() => null);
  const chat = await client.ask('Where is the zeppelin moored?');
  await go(page, `#/chat/${chat}`);
  await page.getByRole('link', { name: /^Source 1/ }).first().click();
  await page.getByRole('complementary', { name: 'Evidence' }).getByRole('mark').first().waitFor();
  await assertUnharmed(page, 'evidence');
  for (const one of [id, html].filter(Boolean)) {
    await go(page, `#/documents/${one}`);
    await page.getByRole('row').filter({ hasText: 'Ready' }).first().waitFor();
    await assertUnharmed(page, 'the ledger');
  }
}));

test('hostile names change nothing on the page', { timeout: 600_000 }, withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const page = await watched(satchel);
  // The names alone matter here: that a file has no text is said beside each.
  const names = vectors.filter((_, n) => n % 4 === 0);
  for (const [n, text] of names.entries()) {
    await client.upload(fileName(text, n), `---\ntitle: ${JSON.stringify(vectors[(n * 4 + 1) % vectors.length])}\n---\nDoor ${n} is green.`).catch(() => {});
  }
  let datasets = 0;
  let users = 0;
  for (const [n, text] of vectors.entries()) {
    if (n % 3 === 0) await client.send('POST', '/api/datasets', { name: text.slice(0, 90), description: text.slice(0, 500) }).then(() => { datasets += 1; }, () => {});
    if (n % 3 === 1) await client.send('POST', '/api/users', { username: text.slice(0, 60), password: 'correct horse', role: 'user' }).then(() => { users += 1; }, () => {});
  }
  assert.ok(datasets > 30, `${datasets} datasets`);
  await go(page, '#/documents');
  await page.getByRole('row').filter({ hasText: 'Ready' }).first().waitFor();
  await assertUnharmed(page, 'documents');
  await go(page, '#/chat');
  await page.getByLabel('Your question').waitFor();
  await assertUnharmed(page, 'the chooser of what is searched');
  const { users: listed } = await client.send('GET', '/api/users');
  assert.ok(listed.length > users);
  await go(page, '#/admin/users');
  await assertUnharmed(page, 'users');
}));

test('hostile chats change nothing on the page, whatever the server says', { timeout: 600_000 }, withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const page = await watched(satchel);
  const chat = await client.ask('Is anybody there?');
  const some = await client.ask(vectors[0]);
  const session = await client.send('GET', `/chat/sessions/${chat}`);
  const [question, answer] = session.messages;
  const messages = vectors.flatMap((text, n) => [
    { ...question, id: `q${n}`, content: text },
    {
      ...answer, id: `a${n}`, content: text, sources: [{
        number: 1, document_id: 'd', filename: text, title: text, page: 1, page_number: 1, page_count: 1, start: 0, end: 4, text, heading_path: [text], score: 1,
      }],
      // Without HTML of the server, the text is shown as it is.
      metadata: { ...answer.metadata, mode: text, model: text, html: undefined, finish_reason: text },
    },
  ]);
  await page.route(`**/chat/sessions/${chat}*`, (route) => route.fulfill({ json: { ...session, title: vectors[3], messages } }));
  await page.route(/\/(chat|api)\/sessions(\?.*)?$/, async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    await route.fulfill({ response, json: { ...body, sessions: vectors.map((title, n) => ({ ...body.sessions[0], id: `s${n}`, title })) } });
  });
  await page.reload();
  await go(page, `#/chat/${chat}`);
  await page.getByRole('article').nth(vectors.length - 1).waitFor();
  await assertUnharmed(page, 'a chat');
  await page.unroute(`**/chat/sessions/${chat}*`);
  await go(page, `#/chat/${some}`);
  await page.getByRole('article').last().waitFor();
  await assertUnharmed(page, 'a question');
}));

test('were hostile HTML to arrive, the content policy would not run it', withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const page = await watched(satchel);
  const chat = await client.ask('Is anybody there?');
  const session = await client.send('GET', `/chat/sessions/${chat}`);
  const [question, answer] = session.messages;
  const html = `<p>${vectors.filter((text) => !/plaintext|http-equiv|<base|<form/.test(text)).join('</p><p>')}</p>`;
  await page.route(`**/chat/sessions/${chat}*`, (route) => route.fulfill({ json: { ...session, messages: [question, { ...answer, metadata: { ...answer.metadata, mode: 'model', html } }] } }));
  await go(page, `#/chat/${chat}`);
  await page.getByRole('article').waitFor();
  await page.waitForTimeout(500);
  const ran = (await page.evaluate(() => window.harm)).filter((one) => one.endsWith('ran') || one.endsWith('called'));
  assert.deepEqual(ran, []);
}));

test('a document of five million characters in one line can be looked at', { timeout: 300_000 }, withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const page = await watched(satchel);
  const form = new FormData();
  form.append('file', new File(['<b>'.repeat(5_000_000 / 3)], 'line.txt'));
  const { id } = await client.send('POST', '/documents/upload', form);
  // Its passages are still being embedded; what was read can be seen.
  await go(page, `#/documents/${id}`);
  const first = page.getByRole('button', { name: 'Show the text of page 1', exact: true });
  await first.waitFor({ timeout: 120_000 });
  await first.click();
  await page.getByText('<b><b><b>').first().waitFor();
  await assertUnharmed(page, 'the text');
  await client.send('DELETE', `/documents/${id}`);
}));
