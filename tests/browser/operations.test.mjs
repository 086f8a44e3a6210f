import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, saved, wide } from './administration.mjs';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

test('the audit log is filtered and exported, and holds no word of a question', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'What is a zwyxqvorn?');
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const panel = await open(page, 'Audit log');
  const records = panel.getByRole('list', { name: 'Records' });
  await records.getByText('Upload a document').waitFor();
  await records.getByText('Sign in with the link').waitFor();
  await panel.getByLabel('Action').selectOption('Upload a document');
  await records.getByText('Sign in with the link').waitFor({ state: 'detached' });
  await records.getByText('Upload a document').waitFor();
  await panel.getByRole('searchbox', { name: 'User' }).fill('nobody');
  await panel.getByRole('searchbox', { name: 'User' }).blur();
  await panel.getByText('No record fits.').waitFor();
  await panel.getByRole('searchbox', { name: 'User' }).fill('admin');
  await panel.getByRole('searchbox', { name: 'User' }).blur();
  await records.getByText('Upload a document').waitFor();
  const carry = (format) => saved(page, async () => {
    await panel.getByRole('button', { name: 'Export records' }).click();
    await page.getByRole('menuitem', { name: format }).click();
  });
  const csv = await carry(/spreadsheet/);
  assert.equal(csv.name, 'audit.csv');
  const [head, ...lines] = csv.bytes.toString().trim().split('\n');
  assert.match(head, /^id,at,action/);
  assert.equal(lines.length, 1);
  await panel.getByLabel('Action').selectOption('All actions');
  await records.getByText('Sign in with the link').waitFor();
  const jsonl = await carry(/record a line/);
  const all = jsonl.bytes.toString().trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(all.some((one) => one.action === 'export_the_audit_log'));
  assert.ok(!jsonl.bytes.includes('zwyxqvorn'));
  page.assertClean();
}));

test('feedback is listed with its answer, filtered, exported and leads to it', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await ask(page, 'Who was the first keeper?');
  await page.evaluate(async () => {
    const signedIn = await (await fetch('/auth/refresh', { method: 'POST' })).json();
    const headers = { authorization: `Bearer ${signedIn.access_token}`, 'content-type': 'application/json' };
    const { sessions } = await (await fetch('/chat/sessions', { headers })).json();
    const { messages } = await (await fetch(`/chat/sessions/${sessions[0].id}`, { headers })).json();
    const [question, answer] = messages;
    const body = { session_id: sessions[0].id, query_id: question.id, response_id: answer.id, feedback_type: 'thumbs_down', feedback_text: 'It leaves out his bees.' };
    const sent = await fetch('/chat/feedback', { method: 'POST', headers, body: JSON.stringify(body) });
    if (!sent.ok) throw new Error(await sent.text());
  });
  const panel = await open(page, 'Feedback');
  const verdicts = panel.getByRole('list', { name: 'Verdicts' });
  await verdicts.getByText('It leaves out his bees.').waitFor();
  await verdicts.getByText('Who was the first keeper?').click();
  await verdicts.getByText(/Tobias Wren/).waitFor();
  await panel.getByLabel('Verdict', { exact: true }).selectOption('Helpful');
  await panel.getByText('Nobody has judged').waitFor();
  await panel.getByLabel('Verdict', { exact: true }).selectOption('Not helpful');
  const file = await saved(page, () => panel.getByRole('button', { name: 'Export', exact: true }).click());
  assert.equal(JSON.parse(file.bytes.toString()).feedback_text, 'It leaves out his bees.');
  await verdicts.getByRole('link', { name: 'Show the answer to: Who was the first keeper?' }).click();
  await page.getByRole('article').getByText(/Tobias Wren/).first().waitFor();
  page.assertClean();
}));

test('an answer that was judged, and words that were looked for, are shown where they stand in a long chat', withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  const mapping = {};
  for (let n = 0; n < 80; n += 1) {
    const role = n % 2 ? 'assistant' : 'user';
    const words = n === 20 ? 'What is a zwyxqvorn?' : `${role} says ${n}. ${'And some more of it. '.repeat(20)}`;
    mapping[`n${n}`] = { parent: n ? `n${n - 1}` : null, children: [], message: { author: { role }, create_time: 1.7e9 + n, content: { content_type: 'text', parts: [words] } } };
  }
  await client.send('POST', '/api/sessions/import', [{ id: 'l', title: 'Long', create_time: 1.7e9, current_node: 'n79', mapping }]);
  const [{ id }] = (await client.send('GET', '/chat/sessions')).sessions;
  const { messages } = await client.send('GET', `/chat/sessions/${id}`);
  await client.send('POST', '/chat/feedback', { session_id: id, query_id: messages[30].id, response_id: messages[31].id, feedback_type: 'thumbs_up' });

  const page = await satchel.signedIn();
  const reached = (words) => page.waitForFunction((text) => {
    const at = document.activeElement;
    const box = at?.closest('.scroll')?.getBoundingClientRect();
    const { top = -1 } = at?.getBoundingClientRect() ?? {};
    return box && at.textContent.includes(text) && top >= box.top && top < box.top + box.height / 2;
  }, words);
  const panel = await open(page, 'Feedback');
  await panel.getByRole('link', { name: /^Show the answer to: user says 30/ }).click();
  await reached('assistant says 31.');
  // What stands above is drawn meanwhile, and nothing moves.
  await page.waitForFunction(() => document.querySelectorAll('.reply').length === 40);
  await reached('assistant says 31.');
  await page.waitForFunction(() => document.querySelector('a[data-session][aria-current]'));

  await page.getByLabel('Search chats').fill('zwyxqvorn');
  await page.getByRole('group', { name: 'Chats' }).getByRole('link', { name: /zwyxqvorn/ }).click();
  await reached('What is a zwyxqvorn?');
  await page.reload();
  await page.getByText('assistant says 79.', { exact: false }).waitFor();
  page.assertClean();
}));

test('the status shows figures of the last hour as plots', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const panel = await open(page, 'Status');
  await panel.getByRole('heading', { name: 'Running well' }).waitFor();
  for (const name of ['Requests a second', 'Seconds to the first word', 'Tokens written a second', 'Documents that wait', 'Memory', 'Size of the database']) {
    await panel.getByRole('img', { name: new RegExp(`^${name}`) }).waitFor();
  }
  const memory = panel.getByRole('img', { name: /^Memory/ });
  assert.ok(await memory.locator('polyline').count() === 1);
  assert.match(await panel.getByText('of this process').locator('..').textContent(), /\d.*MB|GB/);
  await page.setViewportSize({ width: 360, height: 780 });
  assert.equal(await wide(page), 360);
  page.assertClean();
}));

test('a backup is made, downloaded and deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const panel = await open(page, 'Backups');
  await panel.getByText('There are no backups yet.').waitFor();
  await panel.getByRole('button', { name: 'Make a backup now' }).click();
  const download = panel.getByRole('button', { name: /^Download satchel-/ });
  await download.waitFor();
  const file = await saved(page, () => download.click());
  assert.match(file.name, /^satchel-.*\.zip$/);
  assert.equal(file.bytes.subarray(0, 2).toString(), 'PK');
  await panel.getByText('How a backup is put back').click();
  await panel.getByText(/satchel restore/).waitFor();
  await panel.getByRole('button', { name: /^Delete satchel-/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await panel.getByText('There are no backups yet.').waitFor();
  page.assertClean();
}));

test('the licences of all parts are listed and can be searched', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const panel = await open(page, 'Licences');
  await panel.getByLabel('Filter parts').fill('tantivy');
  await panel.getByRole('row').filter({ hasText: /^tantivy0?/ }).first().waitFor();
  assert.ok(!await panel.getByText('actix-web', { exact: true }).count());
  await panel.getByText('Apache-2.0', { exact: true }).last().click();
  await panel.getByText(/TERMS AND CONDITIONS FOR USE/).waitFor();
  page.assertClean();
}));
