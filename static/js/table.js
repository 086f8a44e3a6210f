// @ts-check
// Tables that become lists on narrow screens, and bars of progress. Knows
// nothing of satchel.
//
//   const columns = [{ name: t('Name') }, { name: t('Size'), kind: 'n' }, { name: t('Actions'), kind: 'act' }];
//   const body = h('tbody', {}, all.map((one) => row(columns, [one.name, size(one.bytes), iconButton(…)], { 'data-id': one.id })));
//   table(t('Files'), columns, body)

import { h, put } from './dom.js';

/** @typedef {import('./dom.js').Child} Child */

/**
 * @typedef {object} Column
 * @property {string} name its heading; on narrow screens the label of a cell
 * @property {'n' | 'act' | 'full' | 'g'} [kind] `n`: numbers, aligned at the end. `act`: buttons; the heading is for screen readers.
 *   `full`: has a line of its own on narrow screens, without its label. `g`: as `full`, with a gap before it
 */

/**
 * @param {string} caption for screen readers
 * @param {Column[]} columns the first one names its row
 * @param {HTMLElement} body a `tbody` of rows
 * @returns {HTMLElement}
 */
export function table(caption, columns, body) {
  const heading = (/** @type {Column} */ { name, kind }) => h('th', { scope: 'col', class: kind ?? null },
    kind === 'act' ? h('span', { class: 'vh' }, name) : name);
  return h('table', { class: 'grid stack' }, h('caption', { class: 'vh' }, caption), h('thead', {}, h('tr', {}, columns.map(heading))), body);
}

/**
 * @param {Column[]} columns
 * @param {(Child | Child[])[]} cells
 * @param {Record<string, any>} [attributes]
 * @returns {HTMLElement}
 */
export function row(columns, cells, attributes = {}) {
  return h('tr', attributes, cells.map((cell, at) => {
    const { name, kind } = columns[at];
    if (at === 0) return h('th', { scope: 'row' }, cell);
    if (kind === 'act') return h('td', { class: 'act' }, h('div', { class: 'acts' }, cell));
    const whole = kind === 'full' || kind === 'g';
    return h('td', { class: kind === 'g' ? 'full g' : kind ?? null, 'data-l': whole ? null : name }, cell);
  }));
}

/**
 * A bar with its words. `set` moves it; a share of `null` says that nobody
 * knows how far it is.
 * @param {string} label
 * @returns {{element: HTMLElement, set: (share: number | null, words?: string) => void}}
 */
export function progress(label) {
  const bar = h('progress', { class: 'grow', max: '1', 'aria-label': label });
  const said = h('span', { class: 'num nw mute' });
  const element = h('div', { class: 'row' });
  put(element, bar, said);
  return {
    element,
    set(share, words = '') {
      if (share === null) bar.removeAttribute('value');
      else bar.value = Math.min(1, Math.max(0, share));
      said.textContent = words;
    },
  };
}
