import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, wide } from './administration.mjs';
import { withSatchel } from './support.mjs';

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
  assert.equal(await wide(page), 360, 'nothing is wider than the screen');
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
