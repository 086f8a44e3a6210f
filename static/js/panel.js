// @ts-check
// A part of a view that is filled from the server, and says so where that
// fails. Knows nothing of what is in it.

import { request } from './api.js';
import { h, icon, put, say } from './dom.js';

/** @typedef {import('./dom.js').Child} Child */

/** @typedef {{element: HTMLElement, draw: () => Promise<void>}} Panel */

/**
 * @param {unknown} error
 * @returns {HTMLElement}
 */
export const trouble = (error) => h('p', { class: 'st bad', role: 'alert' }, icon('warn', 's'), h('span', {}, /** @type {Error} */ (error).message));

/**
 * A section that `fill` gives its content, now and each time it is drawn. The
 * focus stays where it was, as far as its element is there again. Until the
 * first content is there the section is busy, and what stands below it waits.
 * @param {string} label
 * @param {() => Promise<Child[]>} fill
 * @returns {Panel}
 */
export function panel(label, fill) {
  const element = h('section', { 'aria-label': label, 'aria-busy': 'true' });
  let drawing = 0;
  const draw = async () => {
    const turn = drawing += 1;
    /** @type {Child[]} */
    let content;
    try {
      content = await fill();
    } catch (error) {
      content = [trouble(error)];
    }
    // Another drawing began meanwhile, and knows better.
    if (turn !== drawing) return;
    const focused = element.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    element.replaceChildren();
    put(element, ...content);
    element.removeAttribute('aria-busy');
    if (focused) element.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  draw();
  return { element, draw };
}

/**
 * A heading with what can be done beside it.
 * @param {string} text
 * @param {...Child} tools
 */
export const heading = (text, ...tools) => h('div', { class: 'hd' }, h('h2', {}, text), tools);

let fields = 0;

/**
 * A labelled control of a form.
 * @param {string} label
 * @param {HTMLElement} control
 * @param {string} [note] explains it, below
 */
export function field(label, control, note) {
  const id = `field-of-${fields += 1}`;
  control.id = id;
  if (note) control.setAttribute('aria-describedby', `${id}-note`);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, note && h('small', { id: `${id}-note` }, note));
}

/**
 * A choice of one.
 * @param {Record<string, any>} attributes
 * @param {[string, string][]} options value and text
 * @param {string} [chosen]
 */
export const select = (attributes, options, chosen) => h('select', { class: 'f', ...attributes },
  options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)));

/**
 * Fetches a file with the caller's token and hands it to the browser to keep.
 * @param {string} path
 * @param {string} name
 */
export async function save(path, name) {
  const file = await (await request(path)).blob();
  const address = URL.createObjectURL(file);
  h('a', { href: address, download: name }).click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  say(name);
}
