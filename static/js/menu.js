// @ts-check
// What opens at a control and lies on top: menus of actions, and hints that
// explain. Knows nothing of satchel.
//
//   menu(t('More'), () => [
//     { label: t('Rename'), symbol: 'pen', run: () => rename(one) },
//     null,                                        // a line
//     { label: t('Delete'), symbol: 'trash', bad: true, run: () => remove(one) },
//   ])
//   hint(element, t('How well the passage fits the question'))

import { h, icon, put } from './dom.js';

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {string} [symbol]
 * @property {string} [note] a second line
 * @property {string} [href] makes it a link
 * @property {() => void} [run]
 * @property {boolean} [checked] makes it one that is on or off
 * @property {boolean} [disabled]
 * @property {boolean} [bad] for what takes something away
 */

let menus = 0;

/** Between a control and what opens at it, in pixels. */
const GAP = 4;

/**
 * A button that opens a menu of actions: arrow keys, Home, End and first
 * letters move in it, Esc and a click elsewhere close it.
 * @param {string} label of the button
 * @param {() => (Item | null)[]} items asked for each time it opens
 * @param {{symbol?: string, text?: string, kind?: string}} [look] `text` stands on the button beside its symbol
 * @returns {HTMLElement} a span that holds both
 */
export function menu(label, items, { symbol = 'more', text, kind = '' } = {}) {
  const id = `menu-${menus += 1}`;
  const button = text === undefined
    ? h('button', { type: 'button', class: `ib ${kind}`.trim(), 'aria-label': label, title: label }, icon(symbol))
    : h('button', { type: 'button', class: `b ${kind}`.trim(), 'aria-label': label }, symbol && icon(symbol, 's'), text, icon('pick', 's'));
  const list = h('div', { class: 'menu-list', id, role: 'menu', 'aria-label': label, popover: 'auto' });
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.popoverTargetElement = list;
  button.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    list.showPopover();
    const all = entries(list);
    all.at(event.key === 'ArrowUp' ? -1 : 0)?.focus();
  });
  list.addEventListener('beforetoggle', (/** @type {any} */ event) => {
    const opens = event.newState === 'open';
    // At once: the event that says it is open comes later than the open list.
    button.setAttribute('aria-expanded', String(opens));
    if (opens) list.replaceChildren(...items().map((item) => entry(item, list)));
  });
  list.addEventListener('toggle', (/** @type {any} */ event) => {
    if (event.newState !== 'open') return;
    place(list, button);
    if (!list.contains(document.activeElement)) entries(list)[0]?.focus();
  });
  list.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => move(event, list, button));
  return h('span', { class: 'menu-of' }, button, list);
}

/**
 * @param {Item | null} item
 * @param {HTMLElement} list
 */
function entry(item, list) {
  if (!item) return h('hr', { role: 'separator' });
  const inside = [
    item.checked === undefined ? item.symbol && icon(item.symbol, 's') : icon(item.checked ? 'check' : 'blank', 's'),
    h('span', { class: 'grow' }, item.label, item.note && h('small', {}, item.note)),
  ];
  const shared = {
    role: item.checked === undefined ? 'menuitem' : 'menuitemcheckbox',
    'aria-checked': item.checked === undefined ? null : String(item.checked),
    tabindex: '-1',
    class: item.bad ? 'bad' : null,
    onclick: () => {
      list.hidePopover();
      item.run?.();
    },
  };
  if (item.href) return h('a', { ...shared, href: item.href }, inside);
  return h('button', { ...shared, type: 'button', disabled: item.disabled }, inside);
}

/** @param {HTMLElement} list */
const entries = (list) => /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role^=menuitem]:not(:disabled)')]);

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} list
 * @param {HTMLElement} button
 */
function move(event, list, button) {
  const all = entries(list);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = {
    ArrowDown: (at + 1) % all.length,
    ArrowUp: (at - 1 + all.length) % all.length,
    Home: 0,
    End: all.length - 1,
  }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all[to]?.focus();
  } else if (event.key === 'Tab') {
    list.hidePopover();
    button.focus();
  } else if (event.key === 'Escape') {
    // Nothing else that Esc closes is closed with it.
    event.stopPropagation();
    event.preventDefault();
    list.hidePopover();
    button.focus();
  } else if (event.key.length === 1 && event.key !== ' ') {
    const after = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    after.find((one) => one.textContent?.trim().toLocaleLowerCase().startsWith(event.key.toLocaleLowerCase()))?.focus();
  }
}

/**
 * Puts what lies on top below its control, or above it where there is no room,
 * and never over the edge of the window.
 * @param {HTMLElement} box
 * @param {Element} anchor
 */
export function place(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const fromEnd = getComputedStyle(anchor).direction === 'rtl';
  const start = fromEnd ? at.right - width : at.left;
  const other = fromEnd ? at.left : at.right - width;
  const fits = start >= GAP && start + width <= innerWidth - GAP;
  const left = Math.max(GAP, Math.min(fits ? start : other, innerWidth - width - GAP));
  const below = at.bottom + GAP;
  const above = at.top - GAP - height;
  const top = below + height <= innerHeight - GAP || above < GAP ? Math.min(below, innerHeight - height - GAP) : above;
  box.style.left = `${Math.round(left)}px`;
  box.style.top = `${Math.round(Math.max(GAP, top))}px`;
}

/** How long something must be pointed at before its hint shows, in ms. */
const PATIENCE = 350;

/** The hint that shows, if one does. @type {HTMLElement | null} */
let shownHint = null;

/**
 * Explains an element where it is pointed at or has the focus, and to screen
 * readers. The hint itself can be pointed at, and Esc hides it.
 * @template {HTMLElement} T
 * @param {T} element that can have the focus
 * @param {string | (() => string)} text
 * @returns {T} the element
 */
export function hint(element, text) {
  const words = () => (typeof text === 'string' ? text : text());
  let timer = 0;
  /** @type {HTMLElement | null} */
  let box = null;
  const hide = () => {
    clearTimeout(timer);
    box?.remove();
    if (shownHint === box) shownHint = null;
    box = null;
  };
  const hideSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, 150);
  };
  const show = () => {
    if (box || !element.isConnected) return;
    shownHint?.dispatchEvent(new Event('leave'));
    box = h('div', { class: 'hint', popover: 'manual', 'aria-hidden': 'true', onpointerenter: () => clearTimeout(timer), onpointerleave: hideSoon, onleave: hide }, words());
    // Inside the dialog it belongs to, or else it would be out of reach.
    put(element.closest('dialog') ?? document.body, box);
    /** @type {HTMLElement} */ (box).showPopover();
    place(/** @type {HTMLElement} */ (box), element);
    shownHint = box;
  };
  element.setAttribute('aria-description', words());
  element.addEventListener('pointerenter', (event) => {
    if (event.pointerType === 'touch') return;
    clearTimeout(timer);
    timer = setTimeout(show, PATIENCE);
  });
  element.addEventListener('pointerleave', hideSoon);
  element.addEventListener('focus', () => { if (element.matches(':focus-visible')) show(); });
  element.addEventListener('blur', hide);
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !box) return;
    event.stopPropagation();
    hide();
  });
  return element;
}

// A view that was left takes its hint with it.
addEventListener('hashchange', () => shownHint?.dispatchEvent(new Event('leave')));
