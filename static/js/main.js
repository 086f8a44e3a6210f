// @ts-check
// Starts the page: signs in, draws the frame, and shows the view that the
// address names.

import { renew, user, whenSignedOut } from './api.js';
import { h, put } from './dom.js';
import { acceptDrops } from './drop.js';
import { preferred, speak, t } from './language.js';
import { frame, watchConnection } from './shell.js';
import { chat } from './chat.js';
import { documents } from './documents.js';
import { settings } from './settings.js';
import { login, welcome } from './welcome.js';

/** @typedef {{main: HTMLElement, aside?: HTMLElement, title: string, leave?: () => void, drop?: (files: File[]) => void, wide?: boolean}} View */

const root = /** @type {HTMLElement} */ (document.getElementById('root'));

/** @type {View | null} */
let shown = null;

/** The parts of the address after `#/`. */
function address() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

async function route() {
  const { parts, query } = address();
  const [name = 'chat', ...rest] = parts;
  if (name === 'welcome') return alone(welcome(query.get('link')));
  if (!user()) {
    const renewed = await renew().catch((error) => error);
    if (renewed instanceof Error) return alone(unreachable(renewed.message));
    if (!renewed) return alone(login());
  }
  if (name === 'login') return void location.replace('#/chat');
  const views = { chat, documents, settings };
  const view = (views[/** @type {keyof typeof views} */ (name)] ?? chat)(...rest);
  shown?.leave?.();
  shown = view;
  document.title = `${view.title} · satchel`;
  frame(root, name, view);
}

/**
 * A view without the frame around it.
 * @param {HTMLElement} content
 */
function alone(content) {
  shown?.leave?.();
  shown = null;
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
acceptDrops((files) => shown?.drop?.(files));
addEventListener('hashchange', route);
await speak(preferred());
route();
