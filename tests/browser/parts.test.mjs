// The parts that views are made of: menus, hints, tabs, dialogs, notes. They are
// put on the page alone and used as a person would, mostly without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';

/** An empty page of the product with `make` run on it. */
async function stage(satchel, make) {
  const page = await satchel.open();
  await page.goto(satchel.origin);
  await page.getByLabel('User name').waitFor();
  await page.evaluate(async () => {
    const load = (name) => import(`/assets/js/${name}.js`);
    const [dom, menu, tabs, table] = await Promise.all(['dom', 'menu', 'tabs', 'table'].map(load));
    const root = document.getElementById('root');
    root.replaceChildren();
    window.done = [];
    window.stage = { ...dom, ...menu, ...tabs, ...table, root, done: window.done };
    root.append(dom.h('main', { id: 'main' }, dom.h('h1', {}, 'Stage')));
  });
  await page.evaluate(make);
  return page;
}

const done = (page) => page.evaluate(() => window.done);
const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');

test('a menu is used with the keyboard and gives the focus back', withSatchel(async (satchel) => {
  const page = await stage(satchel, () => {
    const { root, menu, done } = window.stage;
    root.append(menu('More', () => [
      { label: 'Rename', run: () => done.push('rename') },
      { label: 'Cannot', disabled: true },
      null,
      { label: 'Pin', checked: true, run: () => done.push('pin') },
      { label: 'Delete', bad: true, run: () => done.push('delete') },
    ]));
  });
  const button = page.getByRole('button', { name: 'More' });
  await button.focus();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('menu', { name: 'More' }).waitFor();
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  assert.equal(await focused(page), 'Rename');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Pin');
  await page.keyboard.press('End');
  assert.equal(await focused(page), 'Delete');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Rename');
  await page.keyboard.press('p');
  assert.equal(await focused(page), 'Pin');
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'hidden' });
  assert.equal(await button.evaluate((one) => one === document.activeElement), true);
  await button.click();
  await page.getByRole('menuitemcheckbox', { name: 'Pin', checked: true }).click();
  assert.deepEqual(await done(page), ['pin']);
  await button.click();
  await page.mouse.click(700, 700);
  await page.getByRole('menu').waitFor({ state: 'hidden' });
  page.assertClean();
}));

test('tabs are chosen with the arrow keys, in both directions of writing', withSatchel(async (satchel) => {
  const page = await stage(satchel, () => {
    const { root, tabs, h, done } = window.stage;
    root.append(tabs('Parts', ['One', 'Two', 'Three'].map((label) => ({ id: label, label, panel: () => h('p', {}, `Panel ${label}`) })), { onchange: (id) => done.push(id) }).element);
  });
  await page.getByRole('tab', { name: 'One', selected: true }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tabpanel', { name: 'Two' }).getByText('Panel Two').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.getByText('Panel Three').waitFor();
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  await page.keyboard.press('ArrowRight');
  await page.getByText('Panel Two').waitFor();
  await page.keyboard.press('Home');
  await page.getByText('Panel One').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'tabpanel');
  assert.deepEqual(await done(page), ['Two', 'One', 'Three', 'Two', 'One']);
  page.assertClean();
}));

test('a dialog keeps what was typed when its work fails, and keeps the focus inside', withSatchel(async (satchel) => {
  const page = await stage(satchel, () => {
    const { root, dialog, h, done } = window.stage;
    let fails = true;
    const accept = async () => {
      if (fails) {
        fails = false;
        throw new Error('That name is taken.');
      }
    };
    root.append(h('button', {
      onclick: async () => {
        const form = await dialog('New thing', [h('label', {}, 'Name', h('input', { name: 'name' }))], 'Create', { accept });
        done.push(form?.get('name') ?? 'left');
      },
    }, 'Open'));
  });
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('dialog', { name: 'New thing' }).getByLabel('Name').fill('Coast');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('That name is taken.').waitFor();
  for (let n = 0; n < 8; n += 1) {
    await page.keyboard.press('Tab');
    const outside = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement?.closest('dialog'));
    assert.equal(outside, false, 'the focus stays inside');
  }
  assert.equal(await page.getByLabel('Name').inputValue(), 'Coast');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(page), 'Open');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  // A dialog is gone from sight before it says that it was closed.
  await page.waitForFunction(() => window.done.length === 2);
  assert.deepEqual(await done(page), ['Coast', 'left']);
  page.assertClean();
}));

test('what was taken away is brought back by Undo, and else carried out once', withSatchel(async (satchel) => {
  const page = await stage(satchel, () => {
    const { root, undoable, h, done } = window.stage;
    for (const name of ['first', 'second']) {
      root.append(h('button', { onclick: () => undoable(`${name} deleted`, { commit: () => { done.push(`${name} gone`); }, undo: () => done.push(`${name} back`) }) }, name));
    }
  });
  await page.getByRole('button', { name: 'first' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  assert.deepEqual(await done(page), ['first back']);
  await page.getByRole('button', { name: 'first' }).click();
  // The next one settles the one before it.
  await page.getByRole('button', { name: 'second' }).click();
  assert.deepEqual(await done(page), ['first back', 'first gone']);
  await page.evaluate(() => dispatchEvent(new Event('pagehide')));
  assert.deepEqual(await done(page), ['first back', 'first gone', 'second gone']);
  assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0);
  page.assertClean();
}));

test('a hint shows on focus and on pointing, and Esc hides it', withSatchel(async (satchel) => {
  const page = await stage(satchel, () => {
    const { root, hint, h } = window.stage;
    root.append(hint(h('button', {}, 'Score'), 'How well it fits'));
  });
  const button = page.getByRole('button', { name: 'Score' });
  await page.keyboard.press('Tab');
  await page.getByText('How well it fits').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('How well it fits').waitFor({ state: 'detached' });
  await button.hover();
  const shown = page.getByText('How well it fits');
  await shown.waitFor();
  await shown.hover();
  await page.waitForTimeout(400);
  assert.equal(await shown.count(), 1, 'it stays while it is pointed at');
  await page.mouse.move(800, 700);
  await shown.waitFor({ state: 'detached' });
  assert.equal(await button.getAttribute('aria-description'), 'How well it fits');
  page.assertClean();
}));

test('the first stop of the Tab key skips to the content', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.goto(`${satchel.origin}/#/settings`);
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  page.assertClean();
}));
