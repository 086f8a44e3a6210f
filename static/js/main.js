// @ts-check
// Starts the page: signs in, draws the frame, and shows the view that the
// address names.

import { renew, user, whenSignedOut } from './api.js';
import { h, put } from './dom.js';
import { acceptDrops } from './drop.js';
import { preferred, speak, t } from './language.js';
import { frame, watchConnection } from './shell.js';
import { chat } from './chat.js';
import { chats } from './chats.js';
import { documents } from './documents.js';
import { models } from './models.js';
import { settings } from './settings.js';
import { listenForShortcuts } from './shortcuts.js';
import { login, signInByAddress, steps } from './welcome.js';

/** @typedef {{main: HTMLElement, aside?: HTMLElement, title: string, leave?: () => void, drop?: (files: File[]) => void, wide?: boolean}} View */

const root = /** @type {HTMLElement} */ (document.getElementById('root'));

/** @type {View | null} */
let shown = null;

/** The first steps, while they are shown. @type {ReturnType<typeof steps> | null} */
let first = null;

/** Ends what is shown. */
function left() {
  shown?.leave?.();
  shown = null;
  first?.leave();
  first = null;
}

/** The parts of the address after `#/`. */
function address() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

/** How often the address has changed. */
let turns = 0;

async function route() {
  const turn = ++turns;
  const { parts, query } = address();
  const [name = 'chat', ...rest] = parts;
  const link = query.get('link');
  if (name === 'welcome' && link) return alone(signInByAddress(link));
  if (!user()) {
    const renewed = await renew().catch((error) => error);
    // Another view was asked for meanwhile.
    if (turn !== turns) return;
    if (renewed instanceof Error) return alone(unreachable(renewed.message));
    if (!renewed) return alone(login());
  }
  if (name === 'login') return void location.replace('#/chat');
  if (name === 'welcome') {
    const begun = steps();
    alone(begun.element);
    first = begun;
    return;
  }
  /** @type {Record<string, (...rest: string[]) => View>} */
  const views = { chat, chats, documents, models, settings };
  // Few need the administration: its modules come when it is asked for.
  if (name === 'admin') views.admin = (await import('./admin/administration.js')).administration;
  if (turn !== turns) return;
  const view = (views[name] ?? chat)(...rest);
  left();
  shown = view;
  document.title = `${view.title} · satchel`;
  frame(root, name, view);
}

/**
 * A view without the frame around it.
 * @param {HTMLElement} content
 */
function alone(content) {
  left();
  document.title = 'satchel';
  root.replaceChildren(content);
}

/** @param {string} message */
function unreachable(message) {
  const box = h('main', { class: 'hello', id: 'main' });
  put(box, h('div', { class: 'note err', role: 'alert' }, h('div', { class: 'grow' },
    h('p', {}, h('b', {}, message)),
    h('p', { class: 'row wrap' }, h('button', { class: 'b', onclick: () => location.reload() }, t('Try again'))))));
  return box;
}

whenSignedOut(() => {
  if (location.hash !== '#/login') location.hash = '#/login';
  else route();
});
watchConnection();
listenForShortcuts();
acceptDrops((files) => (shown ?? first)?.drop?.(files));
addEventListener('hashchange', route);
await speak(preferred());
route();
