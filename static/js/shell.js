// @ts-check
// The frame: rail with chats and places, the main column, the aside. Lives on
// while views come and go.

import { alive, api, connection, user } from './api.js';
import { confirmed, h, icon, iconButton, logo, put, toast } from './dom.js';
import { t } from './language.js';
import { isAdmin } from './roles.js';
import { showShortcuts } from './shortcuts.js';
import { day } from './words.js';

/** @typedef {import('./main.js').View} View */

/** @type {HTMLElement | null} */
let app = null;
/** @type {any[]} */
let sessions = [];
let filter = '';

const wide = () => matchMedia('(min-width: 75rem)').matches;

/**
 * Shows a view inside the frame.
 * @param {HTMLElement} root
 * @param {string} place
 * @param {View} view
 */
export function frame(root, place, view) {
  if (!app || !app.isConnected) build(root);
  document.body.classList.remove('drawer');
  const old = document.getElementById('main');
  old?.replaceWith(view.main);
  view.main.id = 'main';
  view.main.tabIndex = -1;
  document.querySelector('aside.ev')?.remove();
  if (view.aside) app?.append(view.aside);
  for (const link of document.querySelectorAll('.foot a[data-place]')) {
    const here = /** @type {HTMLElement} */ (link).dataset.place === place;
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  markCurrent();
}

/** @param {HTMLElement} root */
function build(root) {
  const rail = h('nav', { class: 'rail', id: 'rail', 'aria-label': 'Main' },
    h('div', { class: 'brand' },
      h('a', { href: '#/chat' }, logo(), 'satchel'),
      iconButton('menu', 'Hide or show the sidebar', toggleRail, 'flip')),
    h('div', { class: 'top' },
      h('a', { class: 'b', href: '#/chat' }, icon('plus'), 'New chat'),
      h('div', { class: 'icf' },
        h('label', { class: 'vh', for: 'find' }, 'Search chats'),
        icon('search', 's'),
        h('input', {
          class: 'f', id: 'find', type: 'search', placeholder: 'Search chats',
          oninput: (/** @type {any} */ event) => { filter = event.target.value.toLowerCase(); list(); },
        }))),
    h('div', { class: 'sess', role: 'group', 'aria-label': 'Chats' }),
    h('div', { class: 'foot' },
      h('ul', { class: 'nav' },
        h('li', {}, h('a', { href: '#/documents', 'data-place': 'documents' }, icon('doc'), 'Documents')),
        h('li', {}, h('a', { href: '#/models', 'data-place': 'models' }, icon('model'), t('Models'))),
        isAdmin() && h('li', {}, h('a', { href: '#/admin', 'data-place': 'admin' }, icon('chart'), t('Administration'))),
        h('li', {}, h('a', { href: '#/settings', 'data-place': 'settings' }, icon('gear'), 'Settings'))),
      h('div', { class: 'who' },
        h('span', { class: 'ava' }, icon('user', 's')),
        h('div', { class: 'grow cut' }, user()?.username ?? ''),
        iconButton('help', t('Keyboard shortcuts'), showShortcuts),
        iconButton('theme', 'Switch between light and dark', switchTheme))));
  app = h('div', { class: 'app' }, rail, h('main', { id: 'main' }));
  const scrim = h('button', { class: 'scrim', tabindex: '-1', 'aria-label': 'Close', onclick: closeDrawer });
  root.replaceChildren(h('a', { class: 'skip', href: '#main', onclick: skip }, 'Skip to content'), /** @type {Node} */ (app), scrim);
  refreshSessions();
}

/** How often a server that is gone is looked for, in ms. */
const LOOK_AGAIN = 2000;

/** Says that the server is gone for as long as it is. */
export function watchConnection() {
  const note = h('div', { class: 'lost', role: 'alert' }, icon('warn', 's'), h('span', {}, 'The connection to satchel is lost. Looking for it.'));
  let timer = 0;
  connection.addEventListener('lost', () => {
    document.body.append(note);
    clearTimeout(timer);
    timer = setTimeout(alive, LOOK_AGAIN);
  });
  connection.addEventListener('found', () => {
    clearTimeout(timer);
    if (!note.isConnected) return;
    note.remove();
    toast('Connected again');
  });
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function toggleRail() {
  const name = wide() ? 'norail' : 'drawer';
  const on = document.body.classList.toggle(name);
  const main = document.getElementById('main');
  if (name === 'drawer') {
    if (main) main.inert = on;
    if (on) /** @type {HTMLElement | null} */ (document.querySelector('.rail a'))?.focus();
  }
}

/** Closes the drawer and gives the focus back. */
function closeDrawer() {
  if (!document.body.classList.contains('drawer')) return;
  document.body.classList.remove('drawer');
  const main = document.getElementById('main');
  if (main) main.inert = false;
  /** @type {HTMLElement | null} */ (document.querySelector('main .menu'))?.focus();
}
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeDrawer();
});

/** The button that opens the rail where it is a drawer. */
export const menuButton = () => iconButton('menu', 'Show the sidebar', toggleRail, 'menu flip');

export function switchTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark';
  setTheme(dark ? 'light' : 'dark');
}

/** @param {string} theme `light`, `dark` or `system` */
export function setTheme(theme) {
  if (theme === 'system') {
    localStorage.removeItem('theme');
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem('theme', theme);
    document.documentElement.dataset.theme = theme;
  }
}

/** Fetches the list of chats anew. */
export async function refreshSessions() {
  try {
    sessions = (await api('GET', '/chat/sessions')).sessions;
  } catch (error) {
    toast(`The chats could not be listed. ${/** @type {Error} */ (error).message}`);
  }
  list();
}

function list() {
  const box = document.querySelector('.sess');
  if (!box) return;
  const found = sessions.filter((one) => (one.title ?? '').toLowerCase().includes(filter));
  box.replaceChildren();
  if (!found.length) {
    put(box, h('h3', {}, filter ? 'No chat has this in its title.' : 'Your chats will be listed here.'));
  }
  /** @type {HTMLElement | null} */
  let items = null;
  let last = '';
  for (const one of found) {
    const when = day(one.updated_at);
    if (when !== last) {
      items = h('ul', { class: 'nav' });
      put(box, h('h3', {}, when), items);
      last = when;
    }
    const title = one.title || 'Untitled';
    put(/** @type {HTMLElement} */ (items), h('li', {},
      h('a', { href: `#/chat/${one.id}`, title, 'data-session': one.id }, h('span', { class: 'cut' }, title)),
      iconButton('trash', `Delete chat ${title}`, () => remove(one), 'del')));
  }
  markCurrent();
}

/** @param {any} session */
async function remove(session) {
  const yes = await confirmed({
    title: 'Delete this chat?',
    text: `“${session.title || 'Untitled'}” and its answers are removed. Your documents stay.`,
    action: 'Delete',
  });
  if (!yes) return;
  try {
    await api('DELETE', `/chat/sessions/${session.id}`);
  } catch (error) {
    return toast(/** @type {Error} */ (error).message);
  }
  toast('Chat deleted');
  if (location.hash === `#/chat/${session.id}`) location.hash = '#/chat';
  refreshSessions();
}

function markCurrent() {
  for (const link of document.querySelectorAll('a[data-session]')) {
    const here = location.hash === link.getAttribute('href');
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
