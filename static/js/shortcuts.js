// @ts-check
// The keys that do something everywhere, and the sheet that lists them. What a
// key does is done to what is on the page, by its accessible name or class.

import { h, sheet } from './dom.js';
import { t } from './language.js';

/**
 * @typedef {object} Shortcut
 * @property {string} keys as people read them, with a space between keys pressed together
 * @property {string} does
 * @property {(event: KeyboardEvent) => boolean} [hit]
 * @property {() => void} [run] left out where the view itself listens
 */

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The key that commands are given with. */
const COMMAND = isMac ? '⌘' : 'Ctrl';

/** @param {KeyboardEvent} event */
const commanded = (event) => (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;

/** @param {string} selector */
function press(selector) {
  const button = /** @type {HTMLElement | null} */ (document.querySelector(selector));
  button?.click();
}

/** @param {string} selector */
function focus(selector) {
  const input = /** @type {HTMLElement | null} */ (document.querySelector(selector));
  input?.focus();
}

/** @returns {Shortcut[]} */
const shortcuts = () => [
  { keys: `${COMMAND} Shift O`, does: t('New chat'), hit: (event) => commanded(event) && event.shiftKey && event.code === 'KeyO', run: newChat },
  { keys: '/', does: t('To the question'), hit: (event) => plain(event) && event.key === '/', run: () => focus('#q') },
  { keys: `${COMMAND} K`, does: t('Search chats'), hit: (event) => commanded(event) && !event.shiftKey && event.code === 'KeyK', run: searchChats },
  { keys: `${COMMAND} B`, does: t('Hide or show the sidebar'), hit: (event) => commanded(event) && !event.shiftKey && event.code === 'KeyB', run: () => press('.rail .brand button') },
  { keys: `${COMMAND} .`, does: t('Hide or show the sources panel'), hit: (event) => commanded(event) && event.key === '.', run: () => press('main > .bar button:has(use[href="#pane"])') },
  { keys: 'Enter', does: t('Send the question') },
  { keys: 'Shift Enter', does: t('A new line in the question') },
  { keys: 'Esc', does: t('Stop the answer; close what lies on top'), hit: (event) => event.key === 'Escape' && nothingOpen(), run: stop },
  { keys: '?', does: t('This list'), hit: (event) => plain(event) && event.key === '?', run: showShortcuts },
];

/**
 * A key of its own, which is not meant for what is being typed.
 * @param {KeyboardEvent} event
 */
function plain(event) {
  const at = /** @type {HTMLElement} */ (event.target);
  const typing = at.matches?.('input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]');
  return !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** Whether Esc has nothing to close: then it stops the answer. */
const nothingOpen = () => document.body.classList.contains('noev') && !document.body.classList.contains('drawer')
  && !document.querySelector('dialog[open], [popover=auto]:popover-open');

function newChat() {
  location.hash = '#/chat';
  // The view is there when the address has been read.
  setTimeout(() => focus('#q'));
}

function searchChats() {
  const hidden = matchMedia('(min-width: 75rem)').matches ? document.body.classList.contains('norail') : !document.body.classList.contains('drawer');
  if (hidden) press('main .menu');
  setTimeout(() => focus('.rail input[type=search]'));
}

function stop() {
  press('.composer button:has(use[href="#stop"]):not([hidden])');
}

/** Shows all shortcuts. */
export function showShortcuts() {
  if (document.querySelector('dialog[open]')) return;
  const line = (/** @type {Shortcut} */ one) => [h('dt', {}, one.does), h('dd', {}, one.keys.split(' ').map((key) => h('kbd', {}, key)))];
  sheet(t('Keyboard shortcuts'), [h('dl', { class: 'keys' }, shortcuts().flatMap(line))]);
}

/** Listens from now on. */
export function listenForShortcuts() {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const one = shortcuts().find((shortcut) => shortcut.hit?.(event));
    if (!one?.run) return;
    // Esc means more than one thing, and others listen for it too.
    if (event.key !== 'Escape') event.preventDefault();
    one.run();
  });
}
