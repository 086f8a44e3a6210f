// @ts-check
// Tabs: one panel shown at a time. Knows nothing of satchel.
//
//   const parts = tabs(t('Administration'), [
//     { id: 'users', label: t('Users'), panel: () => users() },
//     { id: 'log', label: t('Log'), note: t('90 days'), panel: () => log() },
//   ], { chosen: 'users', onchange: (id) => { location.hash = `#/admin/${id}`; } });
//   put(main, parts.element);

import { h } from './dom.js';

/**
 * @typedef {object} Tab
 * @property {string} id
 * @property {string} label
 * @property {string | number} [note] stands below the label
 * @property {() => Node} panel made each time the tab is chosen
 */

let groups = 0;

/**
 * Scrolls a row of tabs sideways, and nothing else, until one is in its middle:
 * on a phone there are more than fit.
 * @param {HTMLElement} list
 * @param {Element | null} one
 */
export function centre(list, one) {
  if (!one) return;
  const frame = list.getBoundingClientRect();
  const box = one.getBoundingClientRect();
  list.scrollBy({ left: box.left + box.width / 2 - frame.left - frame.width / 2 });
}

/**
 * @param {string} label
 * @param {Tab[]} entries
 * @param {{chosen?: string, onchange?: (id: string) => void}} [options]
 * @returns {{element: HTMLElement, choose: (id: string) => void}}
 */
export function tabs(label, entries, { chosen, onchange } = {}) {
  const group = `tabs-${groups += 1}`;
  const panel = h('div', { role: 'tabpanel', id: `${group}-panel`, tabindex: '0' });
  const buttons = entries.map((one) => h('button', {
    type: 'button', role: 'tab', id: `${group}-${one.id}`, 'aria-controls': panel.id, tabindex: '-1',
    onclick: () => choose(one.id),
  }, h('b', {}, one.label), one.note !== undefined && h('span', {}, one.note)));
  const list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label, onkeydown: key }, buttons);

  /** @param {string} id */
  function show(id) {
    const at = Math.max(0, entries.findIndex((one) => one.id === id));
    buttons.forEach((button, n) => {
      button.setAttribute('aria-selected', String(n === at));
      button.tabIndex = n === at ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', buttons[at].id);
    panel.replaceChildren(entries[at].panel());
    // The first time the tabs are not on the page yet.
    queueMicrotask(() => centre(list, buttons[at]));
    return entries[at].id;
  }

  /** @param {string} id */
  function choose(id) {
    const now = show(id);
    onchange?.(now);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const forward = getComputedStyle(list).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    const back = forward === 'ArrowRight' ? 'ArrowLeft' : 'ArrowRight';
    const to = { [forward]: at + 1, [back]: at - 1 + buttons.length, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = to % buttons.length;
    buttons[next].focus();
    choose(entries[next].id);
  }

  show(chosen ?? entries[0].id);
  return { element: h('div', { class: 'tabbed' }, list, panel), choose };
}
