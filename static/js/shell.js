// @ts-check
// The frame: rail with chats and places, the main column, the aside. Lives on
// while views come and go.

import { alive, connection, user } from './api.js';
import { h, icon, iconButton, logo, outOfReach, toast } from './dom.js';
import { t } from './language.js';
import { isAdmin } from './roles.js';
import { markCurrent, railChats, refreshSessions } from './sessions.js';
import { showShortcuts } from './shortcuts.js';

export { refreshSessions };

/** @typedef {import('./main.js').View} View */

/** @type {HTMLElement | null} */
let app = null;

/** Whether the rail stands beside the rest, and is no drawer over it. */
const wide = matchMedia('(min-width: 75rem)');

/** What the drawer lies over. */
const BEHIND = '#main, aside.ev, .skip';

/**
 * Shows a view inside the frame.
 * @param {HTMLElement} root
 * @param {string} place
 * @param {View} view
 */
export function frame(root, place, view) {
  if (!app || !app.isConnected) build(root);
  document.body.classList.remove('drawer');
  outOfReach(BEHIND, false);
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
  const chats = railChats();
  const rail = h('nav', { class: 'rail', id: 'rail', 'aria-label': t('Main') },
    h('div', { class: 'brand' },
      h('a', { href: '#/chat' }, logo(), 'satchel'),
      iconButton('menu', t('Hide or show the sidebar'), toggleRail, 'flip')),
    h('div', { class: 'top' },
      h('a', { class: 'b', href: '#/chat' }, icon('plus'), t('New chat')),
      chats.field),
    chats.list,
    h('div', { class: 'foot' },
      h('ul', { class: 'nav' },
        h('li', {}, h('a', { href: '#/documents', 'data-place': 'documents' }, icon('doc'), t('Documents'))),
        h('li', {}, h('a', { href: '#/models', 'data-place': 'models' }, icon('model'), t('Models'))),
        isAdmin() && h('li', {}, h('a', { href: '#/admin', 'data-place': 'admin' }, icon('chart'), t('Administration'))),
        h('li', {}, h('a', { href: '#/settings', 'data-place': 'settings' }, icon('gear'), t('Settings')))),
      h('div', { class: 'who' },
        h('span', { class: 'ava' }, icon('user', 's')),
        h('div', { class: 'grow cut' }, user()?.username ?? ''),
        iconButton('help', t('Keyboard shortcuts'), showShortcuts),
        iconButton('theme', t('Switch between light and dark'), switchTheme))));
  app = h('div', { class: 'app' }, rail, h('main', { id: 'main' }));
  const scrim = h('button', { class: 'scrim', tabindex: '-1', 'aria-label': t('Close'), onclick: closeDrawer });
  root.replaceChildren(h('a', { class: 'skip', href: '#main', onclick: skip }, t('Skip to content')), /** @type {Node} */ (app), scrim);
  refreshSessions();
}

/** How often a server that is gone is looked for, in ms. */
const LOOK_AGAIN = 2000;

/** Says that the server is gone for as long as it is. */
export function watchConnection() {
  const note = h('div', { class: 'lost', role: 'alert' }, icon('warn', 's'), h('span', {}, t('The connection to satchel is lost. Looking for it.')));
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
    toast(t('Connected again'));
  });
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function toggleRail() {
  if (wide.matches) return void document.body.classList.toggle('norail');
  if (document.body.classList.contains('drawer')) return closeDrawer();
  document.body.classList.add('drawer');
  outOfReach(BEHIND, true);
  /** @type {HTMLElement | null} */ (document.querySelector('.rail a'))?.focus();
}

/** Closes the drawer and gives the focus back. */
function closeDrawer() {
  if (!document.body.classList.contains('drawer')) return;
  document.body.classList.remove('drawer');
  outOfReach(BEHIND, false);
  /** @type {HTMLElement | null} */ (document.querySelector('main .menu'))?.focus();
}
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeDrawer();
});
// In another layout other parts lie over each other.
for (const edge of ['75rem', '56.25rem']) matchMedia(`(min-width: ${edge})`).addEventListener('change', closeDrawer);

/** The button that opens the rail where it is a drawer. */
export const menuButton = () => iconButton('menu', t('Show the sidebar'), toggleRail, 'menu flip');

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
