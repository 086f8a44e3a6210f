// Every view of the page and how to reach it, on a server that has something to
// show. What must hold for all views goes through this table: accessibility,
// layout, pictures. A new view is a row here.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIGHTHOUSE, fixture } from './support.mjs';

export const output = path.join(path.dirname(fileURLToPath(import.meta.url)), 'output');

/** What the pictures and checks are made with. */
export const THEMES = ['light', 'dark'];
export const WIDTHS = [1440, 360];

export const READER = { username: 'reader', password: 'a reader of documents' };

const QUESTION = 'Who was the first keeper of the lighthouse, and how high is its tower?';

/** Speaks to the server without a page. */
class Client {
  constructor(origin, token) {
    this.origin = origin;
    this.token = token;
  }

  async send(method, path, body) {
    const form = body instanceof FormData;
    const headers = { authorization: `Bearer ${this.token}`, ...(body && !form ? { 'content-type': 'application/json' } : {}) };
    const response = await fetch(this.origin + path, { method, headers, body: form ? body : body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const isJson = response.headers.get('content-type')?.includes('json');
    return isJson ? JSON.parse(text) : text;
  }

  /** Adds a file and waits until it is read, or cannot be. */
  async upload(name, bytes, dataset) {
    const form = new FormData();
    if (dataset) form.append('dataset_id', dataset);
    form.append('file', new File([bytes], name));
    const { id } = await this.send('POST', '/documents/upload', form);
    for (;;) {
      const { metadata } = await this.send('GET', `/documents/${id}`);
      if (['ready', 'failed'].includes(metadata.status)) return id;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  /** Asks and gives back the id of the chat. */
  async ask(message) {
    const frames = await this.send('POST', '/chat/send', { message });
    return /"session_id":"([^"]+)"/.exec(frames)[1];
  }
}

/** A client that is signed in as the first administrator. */
export async function administrator(satchel) {
  const response = await fetch(`${satchel.origin}/auth/link`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: /link=(\w+)/.exec(satchel.link)[1] }),
  });
  return new Client(satchel.origin, (await response.json()).access_token);
}

/** Fills a server with documents, chats and a second user. */
export async function prepare(satchel) {
  const admin = await administrator(satchel);
  const coast = await admin.send('POST', '/api/datasets', { name: 'Coast', description: 'Lighthouses and harbours' });
  const lighthouse = await admin.upload('lighthouse.md', LIGHTHOUSE, coast.id);
  for (const name of ['two-columns.pdf', 'blank-page.pdf']) {
    await admin.upload(name, await readFile(fixture(name)), coast.id);
  }
  // Refused with its reason, and listed with it.
  await admin.upload('encrypted.pdf', await readFile(fixture('encrypted.pdf')), coast.id).catch(() => {});
  await admin.send('POST', '/api/users', { ...READER, role: 'user' });
  const nothing = await admin.ask('What does the contract say about zeppelins?');
  const answered = await admin.ask(QUESTION);
  const { messages } = await admin.send('GET', `/chat/sessions/${answered}`);
  const [question, answer] = messages;
  await admin.send('POST', '/chat/feedback', { session_id: answered, query_id: question.id, response_id: answer.id, feedback_type: 'thumbs_down', feedback_text: 'It leaves out his bees.' });
  return { admin, coast: coast.id, lighthouse, answered, answer: answer.id, nothing };
}

/** Shows what an address names, as a click on a link to it does. */
const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

/** @typedef {{name: string, role: 'admin' | 'user' | null, reach: (page: any, world: any) => Promise<void>}} View */

/** @type {View[]} */
export const VIEWS = [
  {
    name: 'sign-in', role: null,
    async reach(page) {
      await page.getByLabel('User name').waitFor();
    },
  },
  {
    name: 'link-spent', role: null,
    async reach(page) {
      await go(page, '#/welcome?link=spent');
      await page.getByRole('heading', { name: 'This link does not sign you in' }).waitFor();
    },
  },
  {
    name: 'chat-empty', role: 'admin',
    async reach(page) {
      await go(page, '#/chat');
      await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
    },
  },
  {
    name: 'chat-answer', role: 'admin',
    async reach(page, world) {
      await go(page, `#/chat/${world.answered}`);
      await page.getByRole('blockquote').first().waitFor();
    },
  },
  {
    name: 'chat-evidence', role: 'admin',
    async reach(page, world) {
      await go(page, `#/chat/${world.answered}`);
      await page.getByRole('blockquote').first().waitFor();
      await page.getByRole('article').last().getByRole('link', { name: /^Source 1/ }).first().click();
      await page.getByRole('complementary', { name: 'Evidence' }).getByRole('mark').first().waitFor();
    },
  },
  {
    name: 'chat-message', role: 'admin',
    async reach(page, world) {
      await go(page, `#/chat/${world.answered}/${world.answer}`);
      await page.locator('.wanted').waitFor();
    },
  },
  {
    name: 'chat-model', role: 'admin',
    async reach(page) {
      await go(page, '#/chat');
      await page.getByRole('button', { name: /^Who answers/ }).click();
      await page.getByRole('dialog', { name: 'Who shall answer?' }).waitFor();
    },
  },
  {
    name: 'chat-nothing-found', role: 'admin',
    async reach(page, world) {
      await go(page, `#/chat/${world.nothing}`);
      await page.getByText('Your documents do not say.').waitFor();
    },
  },
  {
    name: 'chat-unknown', role: 'admin',
    async reach(page) {
      await go(page, '#/chat/00000000-0000-7000-8000-000000000000');
      await page.getByText('This chat cannot be shown.').waitFor();
    },
  },
  {
    name: 'sidebar', role: 'admin',
    async reach(page) {
      await go(page, '#/chat');
      await page.getByRole('heading', { name: 'What do you need to find?' }).waitFor();
      const open = page.getByRole('button', { name: 'Show the sidebar', exact: true });
      if (await open.isVisible()) await open.click();
      await page.getByRole('group', { name: 'Chats' }).getByRole('link').first().waitFor();
    },
  },
  {
    name: 'documents', role: 'admin',
    async reach(page) {
      await go(page, '#/documents');
      await page.getByRole('button', { name: /^Coast/ }).click();
      await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).waitFor();
    },
  },
  {
    name: 'documents-ledger', role: 'admin',
    async reach(page) {
      await go(page, '#/documents');
      await page.getByRole('button', { name: /^Coast/ }).click();
      const pages = page.getByRole('button', { name: 'Pages of blank-page.pdf' });
      await pages.waitFor();
      if (await pages.getAttribute('aria-expanded') === 'false') await pages.click();
      await page.getByRole('cell', { name: 'No text: blank or an image', exact: true }).waitFor();
    },
  },
  {
    name: 'dialog', role: 'admin',
    async reach(page) {
      await go(page, '#/documents');
      await page.getByRole('button', { name: 'New dataset' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'documents-folder', role: 'admin',
    async reach(page) {
      await go(page, '#/documents');
      await page.getByRole('button', { name: 'Keep a folder in step' }).click();
      const asked = page.getByRole('dialog', { name: 'Keep a folder in step' });
      await asked.getByRole('button', { name: 'papers' }).waitFor();
    },
  },
  {
    name: 'settings', role: 'admin',
    async reach(page) {
      await go(page, '#/settings');
      await page.getByRole('heading', { name: 'Settings' }).waitFor();
    },
  },
  {
    name: 'models', role: 'admin',
    async reach(page) {
      await go(page, '#/models');
      await page.getByRole('button', { name: /^Get / }).first().waitFor();
      await page.getByRole('button', { name: 'Change what finds passages' }).waitFor();
    },
  },
  {
    name: 'shortcuts', role: 'admin',
    async reach(page) {
      await go(page, '#/models');
      await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    },
  },
  {
    name: 'administration-status', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/status');
      await page.getByRole('heading', { name: /^Running/ }).waitFor();
    },
  },
  {
    name: 'administration-people', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/people');
      await page.getByRole('button', { name: 'More for reader' }).waitFor();
    },
  },
  {
    name: 'administration-tenants', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/tenants');
      await page.getByRole('button', { name: 'More for Public' }).waitFor();
    },
  },
  {
    name: 'administration-audit', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/audit');
      await page.getByRole('list', { name: 'Records' }).getByRole('listitem').first().waitFor();
    },
  },
  {
    name: 'administration-feedback', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/feedback');
      await page.getByRole('list', { name: 'Verdicts' }).getByText('It leaves out his bees.').waitFor();
    },
  },
  {
    name: 'administration-backups', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/backups');
      await page.getByText('There are no backups yet.').waitFor();
    },
  },
  {
    name: 'administration-licences', role: 'admin',
    async reach(page) {
      await go(page, '#/admin/licences');
      await page.getByRole('cell', { name: 'MIT', exact: true }).first().waitFor();
    },
  },
  {
    name: 'first-steps-1', role: 'admin',
    async reach(page) {
      await page.evaluate(() => localStorage.setItem('first-steps', '1'));
      await go(page, '#/welcome');
      await page.getByRole('heading', { name: 'Ask satchel about itself' }).waitFor();
    },
  },
  {
    name: 'first-steps-2', role: 'admin',
    async reach(page) {
      await page.evaluate(() => localStorage.setItem('first-steps', '2'));
      await go(page, '#/welcome');
      await page.getByRole('heading', { name: 'Add your documents' }).waitFor();
    },
  },
  {
    name: 'first-steps-3', role: 'admin',
    async reach(page) {
      await page.evaluate(() => localStorage.setItem('first-steps', '3'));
      await go(page, '#/welcome');
      await page.getByRole('heading', { name: 'How shall it answer?' }).waitFor();
    },
  },
  {
    name: 'chat-menu', role: 'admin',
    async reach(page) {
      await go(page, '#/chat');
      const open = page.getByRole('button', { name: 'Show the sidebar', exact: true });
      if (await open.isVisible()) await open.click();
      await page.getByRole('button', { name: /^Actions for chat/ }).first().click({ force: true });
      await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
    },
  },
  {
    name: 'chats', role: 'admin',
    async reach(page) {
      await go(page, '#/chats');
      await page.getByLabel('Choose a file of chats').waitFor({ state: 'attached' });
    },
  },
  {
    name: 'chat-instructions', role: 'admin',
    async reach(page, world) {
      await go(page, `#/chat/${world.answered}`);
      await page.getByRole('blockquote').first().waitFor();
      const open = page.getByRole('button', { name: 'Show the sidebar', exact: true });
      if (await open.isVisible()) await open.click();
      await page.getByRole('button', { name: /^Actions for chat/ }).first().click({ force: true });
      await page.getByRole('menuitem', { name: 'How it is answered' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'documents-preview', role: 'admin',
    async reach(page) {
      await go(page, '#/documents');
      await page.getByRole('button', { name: /^Coast/ }).click();
      await page.getByRole('button', { name: 'Actions for The lighthouse of Skerry Point', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Preview' }).click();
      await page.getByRole('dialog').getByText('Tobias Wren', { exact: false }).first().waitFor();
    },
  },
  {
    name: 'api', role: 'admin',
    async reach(page) {
      await page.goto(`${new URL(page.url()).origin}/api-docs`);
      await page.getByRole('navigation', { name: 'Endpoints' }).getByRole('link').first().waitFor();
    },
  },
  {
    name: 'api-endpoint', role: 'admin',
    async reach(page) {
      await page.goto(`${new URL(page.url()).origin}/api-docs#/post/chat/send`);
      await page.getByRole('article').getByRole('heading', { level: 1 }).waitFor();
    },
  },
  {
    name: 'settings-of-a-user', role: 'user',
    async reach(page) {
      await go(page, '#/settings');
      await page.getByRole('heading', { name: 'Settings' }).waitFor();
    },
  },
];

/** Until nothing moves and nothing is being fetched. */
export async function settled(page) {
  await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {
    // A stream of events stays open; what it announces is not waited for.
  });
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {}))));
}

/** What reaches over the edge of the window or of the view; tables and code scroll by themselves. Runs in the page. */
export function tooWide() {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const sideways = [...document.querySelectorAll('.scroll, dialog')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className} scrolls sideways by ${one.scrollWidth - one.clientWidth}`);
  if (wide <= 0) return sideways;
  const over = [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className} by ${wide}`);
  return [...sideways, ...over];
}

/**
 * A page of one who has a role, before its first view.
 * @param {any} satchel
 * @param {'admin' | 'user' | null} role
 * @param {any} options of the browser's context
 */
export async function enter(satchel, role, options) {
  const page = await satchel.open({ reducedMotion: 'reduce', ...options });
  if (role === 'admin') {
    await page.goto(satchel.link);
    await page.getByRole('heading', { name: 'Welcome. Choose a password' }).waitFor();
  } else {
    await page.goto(satchel.origin);
    await page.getByLabel('User name').waitFor();
  }
  if (role === 'user') {
    await page.getByLabel('User name').fill(READER.username);
    await page.getByLabel('Password').fill(READER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Your question').waitFor();
  }
  return page;
}

/**
 * Calls `check` on every view; each starts from a fresh page of its role.
 * @param {any} satchel
 * @param {any} world
 * @param {any} options of the browser's context
 * @param {(page: any, view: View) => Promise<void>} check
 */
export async function everyView(satchel, world, options, check) {
  for (const role of /** @type {const} */ ([null, 'admin', 'user'])) {
    const page = await enter(satchel, role, options);
    for (const view of VIEWS.filter((one) => one.role === role)) {
      try {
        await view.reach(page, world);
      } catch (error) {
        await page.screenshot({ path: path.join(output, `failed-${view.name}.png`) });
        throw new Error(`${view.name} was not reached: ${error.message}`);
      }
      await settled(page);
      await check(page, view);
      page.assertClean();
      await leave(page, role);
    }
    await page.context().close();
  }
}

/** Closes whatever a view left open. */
async function leave(page, role) {
  if (role === null) return void await page.reload();
  await page.goto(`${new URL(page.url()).origin}/#/chat`);
  await page.reload();
  await page.getByLabel('Your question').waitFor();
}
