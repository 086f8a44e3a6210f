import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';

/** Opens a part of the administration. */
async function open(page, part) {
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('tab', { name: part, exact: true }).click();
  return page.getByRole('tabpanel');
}

/** What the browser was given to keep. */
async function saved(page, press) {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

const narrow = (page) => page.evaluate(() => document.documentElement.scrollWidth);

test('a user is made, gets another role and password, is signed out and removed', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await open(page, 'People');
  const users = page.getByRole('region', { name: 'Users' });
  const more = async (action) => {
    await users.getByRole('button', { name: 'More for ines' }).click();
    await page.getByRole('menuitem', { name: action }).click();
    return page.getByRole('dialog');
  };
  await users.getByRole('button', { name: 'Add user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User name').fill('admin');
  await dialog.getByLabel('Password').fill('a long password');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByRole('alert').getByText(/exists|taken/).waitFor();
  await dialog.getByLabel('User name').fill('ines');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const row = users.getByRole('row').filter({ hasText: 'ines' });
  await row.getByText('never').waitFor();

  const role = await more('Change role');
  await role.getByLabel('Role').selectOption('Administrator');
  await role.getByRole('button', { name: 'Change', exact: true }).click();
  await row.getByText('Administrator').waitFor();
  const password = await more('Set password');
  await password.getByLabel('New password').fill('another password');
  await password.getByRole('button', { name: 'Set password' }).click();
  await password.waitFor({ state: 'detached' });

  const other = await satchel.open();
  await other.goto(satchel.origin);
  await other.getByLabel('User name').fill('ines');
  await other.getByLabel('Password').fill('another password');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByLabel('Your question').waitFor();
  const end = await more('End sign-ins');
  await end.getByRole('button', { name: 'End sign-ins' }).click();
  await end.waitFor({ state: 'detached' });
  await other.getByRole('link', { name: 'Settings' }).click();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();

  const remove = await more('Remove');
  await remove.getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  await page.setViewportSize({ width: 360, height: 780 });
  assert.equal(await narrow(page), 360, 'nothing is wider than the screen');
  page.assertClean();
}));

test('a key is shown once, signs a program in, and is deleted', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await open(page, 'People');
  const keys = page.getByRole('region', { name: 'API keys' });
  await keys.getByRole('button', { name: 'New key' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('backup job');
  await page.getByRole('dialog').getByRole('button', { name: 'Make key' }).click();
  const key = await page.getByRole('textbox', { name: 'The key' }).inputValue();
  assert.match(key, /^sk-/);
  const models = () => fetch(`${satchel.origin}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await models()).status, 200);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(await page.getByText(key).count(), 0);
  await keys.getByRole('button', { name: 'Delete key backup job' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await keys.getByText('There are no keys.').waitFor();
  assert.equal((await models()).status, 401);
  page.assertClean();
}));

test('a tenant gets limits and users of its own, and is deleted by its name', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await open(page, 'Tenants');
  const tenants = page.getByRole('region', { name: 'Tenants' });
  await tenants.getByRole('button', { name: 'Add tenant' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Clinic');
  await page.getByRole('dialog').getByLabel('Requests a minute').fill('30');
  await page.getByRole('dialog').getByLabel('Space for documents').fill('2.5');
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  const row = tenants.getByRole('row').filter({ hasText: 'Clinic' });
  await row.getByText('of 2.5 GB').waitFor();
  await row.getByText('30', { exact: true }).waitFor();

  await page.getByRole('tab', { name: 'People' }).click();
  await page.getByLabel('Tenant').selectOption('Clinic');
  const users = page.getByRole('region', { name: 'Users' });
  await users.getByRole('button', { name: 'Add user' }).click();
  await page.getByRole('dialog').getByLabel('User name').fill('doctor');
  await page.getByRole('dialog').getByLabel('Password').fill('a long password');
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await users.getByRole('row').filter({ hasText: 'doctor' }).waitFor();
  await page.getByLabel('Tenant').selectOption('Default');
  await users.getByRole('row').filter({ hasText: 'doctor' }).waitFor({ state: 'detached' });

  await page.getByRole('tab', { name: 'Tenants' }).click();
  await tenants.getByRole('button', { name: 'More for Clinic' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/Type the name/).fill('clinic');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('alert').getByText('This is not the name.').waitFor();
  await dialog.getByLabel(/Type the name/).fill('Clinic');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await row.waitFor({ state: 'detached' });
  page.assertClean();
}));

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
  await panel.getByLabel('User').fill('nobody');
  await panel.getByLabel('User').blur();
  await panel.getByText('No record fits.').waitFor();
  await panel.getByLabel('User').fill('admin');
  await panel.getByLabel('User').blur();
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

test('feedback is listed with its answer, filtered, exported and leads to the chat', withSatchel(async (satchel) => {
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
  const file = await saved(page, () => panel.getByRole('button', { name: 'Export' }).click());
  assert.equal(JSON.parse(file.bytes.toString()).feedback_text, 'It leaves out his bees.');
  await verdicts.getByRole('link', { name: /Open the chat/ }).click();
  await page.getByRole('article').getByText(/Tobias Wren/).first().waitFor();
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
  assert.equal(await narrow(page), 360);
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

test('who is no administrator sees no administration', withSatchel(async (satchel) => {
  const admin = await satchel.signedIn();
  await open(admin, 'People');
  await admin.getByRole('button', { name: 'Add user' }).click();
  await admin.getByRole('dialog').getByLabel('User name').fill('guest');
  await admin.getByRole('dialog').getByLabel('Password').fill('a long password');
  await admin.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await admin.getByRole('row').filter({ hasText: 'guest' }).waitFor();
  const page = await satchel.open();
  await page.goto(satchel.origin);
  await page.getByLabel('User name').fill('guest');
  await page.getByLabel('Password').fill('a long password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Your question').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0);
  await page.goto(`${satchel.origin}/#/admin`);
  await page.getByText('This is for administrators.').waitFor();
  page.assertClean();
}));
