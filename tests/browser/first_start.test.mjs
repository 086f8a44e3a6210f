import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, withSatchel } from './support.mjs';

test('the printed link signs in and asks for a password that then works', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.link);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password again').fill('another horse');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('alert').getByText('The two passwords differ.').waitFor();
  await page.getByLabel('Password again').fill('correct horse');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  page.assertClean();

  const other = await satchel.open();
  await other.goto(satchel.link);
  await other.getByRole('heading', { name: 'This link does not sign you in' }).waitFor();
  await other.getByRole('link', { name: 'Sign in with a password' }).click();
  await other.getByLabel('User name').fill('admin');
  await other.getByLabel('Password').fill('wrong horse');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('alert').getByText(/wrong/).waitFor();
  await other.getByLabel('Password').fill('correct horse');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
  other.assertClean();
}));

test('a sample question is answered from the handbook with a citation', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Documents', exact: true }).click();
  await page.getByRole('button', { name: /^Handbook/ }).click();
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('tbody tr')];
    return rows.length > 4 && rows.every((row) => row.textContent?.includes('Ready'));
  });
  const reply = await ask(page, 'How do I add documents?');
  await reply.getByText('In the documents’ own words.').waitFor();
  assert.ok(await reply.getByRole('link', { name: /^Source 1/ }).count() > 0);
  page.assertClean();
}));

test('a reload keeps the sign-in and the chat, and signing out ends it', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await ask(page, 'Who built the lighthouse of Skerry Point?');
  await page.reload();
  await page.getByText('Your documents do not say.').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  page.assertClean();
}));
