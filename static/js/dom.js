// @ts-check
// Making elements, announcing, asking back. Knows nothing of satchel. Menus and
// hints are in menu.js, tabs in tabs.js, tables in table.js.

import { t } from './language.js';

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Attributes that begin with `on` are listeners; `null`,
 * `undefined` and `false` leave an attribute out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {any} the element
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  put(element, ...children);
  return element;
}

/**
 * Appends children.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function put(element, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * A symbol of the page.
 * @param {string} name
 * @param {string} [kind] further classes
 */
export function icon(name, kind = '') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `i ${kind}`.trim());
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button that shows only a symbol.
 * @param {string} name symbol
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {string} [kind] further classes
 */
export function iconButton(name, label, onclick, kind = '') {
  return h('button', { type: 'button', class: `ib ${kind}`.trim(), 'aria-label': label, title: label, onclick }, icon(name));
}

/**
 * The satchel itself.
 */
export function logo() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'logo');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  /** @type {[string, Record<string, string>][]} */
  const shapes = [
    ['path', { d: 'M8.5 7V5.500a2 2 0 0 1 2-2h3a2 2 0 0 1 2 2V7', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6' }],
    ['rect', { x: '3.3', y: '7', width: '17.4', height: '13.2', rx: '1.8', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6' }],
    ['path', { d: 'M3.5 11.200h17v3.600h-17z', fill: 'var(--mark)' }],
    ['path', { d: 'M3.3 11.200h17.400M3.3 14.800h17.4', stroke: 'currentColor', 'stroke-width': '1.2' }],
  ];
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

/**
 * The nodes of HTML that the server rendered and sanitised.
 * @param {string} html
 */
export function fragment(html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const nodes = document.createDocumentFragment();
  nodes.append(...parsed.body.childNodes);
  return nodes;
}

/** How long a frame is waited for, in ms: a page that is not seen has none. */
const UNSEEN = 200;

/** @param {() => void} work is done in the next frame */
export function inFrame(work) {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    work();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, UNSEEN);
}

/**
 * Takes parts of the page out of reach of pointer, keyboard and screen reader, or gives them back.
 * @param {string} selector
 * @param {boolean} yes
 */
export function outOfReach(selector, yes) {
  for (const part of document.querySelectorAll(selector)) /** @type {HTMLElement} */ (part).inert = yes;
}

/**
 * Tells a screen reader politely.
 * @param {string} text
 */
export function say(text) {
  const line = document.getElementById('say');
  if (line) line.textContent = text;
}

/** How long a note stays, and one whose action can be taken, in ms. */
const NOTE = 4000;
const NOTE_WITH_ACTION = 8000;

/**
 * Shows a short note for a while, and says it. With an action it stays longer,
 * and as long as it is pointed at or has the focus.
 * @param {string} text
 * @param {{label: string, run: () => void}} [action]
 * @returns {{close: () => void}}
 */
export function toast(text, action) {
  document.querySelector('.toast')?.dispatchEvent(new Event('leave'));
  const note = h('div', { class: 'toast', popover: 'manual', role: 'status', 'aria-live': 'off' }, h('span', {}, text));
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    note.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, action ? NOTE_WITH_ACTION : NOTE);
  };
  if (action) {
    put(note, h('button', { class: 'b', type: 'button', onclick: () => { close(); action.run(); } }, action.label));
    for (const name of ['pointerenter', 'focusin']) note.addEventListener(name, () => clearTimeout(timer));
    for (const name of ['pointerleave', 'focusout']) note.addEventListener(name, wait);
  }
  note.addEventListener('leave', close);
  document.body.append(note);
  note.showPopover();
  say(text);
  wait();
  return { close };
}

/** Carries out what was taken away and can still be brought back. @type {(() => void | Promise<void>) | null} */
let pending = null;
addEventListener('pagehide', () => pending?.());

/** Carries out what can still be brought back: whoever leaves can no longer undo it. */
export const settled = async () => pending?.();

/**
 * Takes something away so that it can be taken back: shows a note with “Undo”,
 * and carries it out when its time is over, when the next one comes, or when
 * the page is left. The view takes it off the screen before it calls this.
 * @param {string} text what happened, as “Chat deleted”
 * @param {{commit: () => void | Promise<void>, undo: () => void}} work `commit` must say itself when it fails
 */
export function undoable(text, { commit, undo }) {
  pending?.();
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    note.close();
    if (pending === carryOut) pending = null;
  };
  const carryOut = () => {
    settle();
    return commit();
  };
  const note = toast(text, { label: t('Undo'), run: () => { settle(); undo(); } });
  timer = setTimeout(carryOut, NOTE_WITH_ACTION);
  pending = carryOut;
}

/**
 * Asks before something that cannot be undone.
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, action }) {
  return dialog(title, [h('p', { class: 'sub' }, text)], action).then((form) => form !== null);
}

let dialogs = 0;

/**
 * A dialog with a form; `null` when it was left. What is behind it is out of
 * reach meanwhile, and the focus goes back to where it was.
 * @param {string} title
 * @param {Child[]} fields
 * @param {string} action label of the button that accepts
 * @param {{accept?: (data: FormData) => Promise<unknown>, kind?: string}} [options] `accept` does the work while the dialog
 *   stays open: what it throws is shown inside, and nothing that was typed is lost. `kind`: further classes (`big`)
 * @returns {Promise<FormData | null>}
 */
export function dialog(title, fields, action, { accept, kind } = {}) {
  return new Promise((resolve) => {
    const id = `dialog-${dialogs += 1}`;
    const trouble = h('p', { class: 'st bad', role: 'alert', hidden: true });
    const yes = h('button', { class: 'b p', value: 'yes' }, action);
    /** @type {FormData | null} */
    let taken = null;
    const submit = async (/** @type {Event} */ event) => {
      const data = new FormData(form);
      if (!accept) return void (taken = data);
      event.preventDefault();
      yes.disabled = true;
      trouble.hidden = true;
      try {
        await accept(data);
        taken = data;
        box.close();
      } catch (error) {
        trouble.replaceChildren(icon('warn', 's'), h('span', {}, /** @type {Error} */ (error).message));
        trouble.hidden = false;
      }
      yes.disabled = false;
    };
    const form = h('form', { method: 'dialog', onsubmit: submit },
      h('h2', { id }, title),
      fields,
      trouble,
      h('div', { class: 'ends' },
        h('button', { class: 'b q', type: 'button', onclick: () => box.close() }, t('Cancel')),
        yes));
    const box = h('dialog', { 'aria-labelledby': id, class: kind }, form);
    box.addEventListener('close', () => {
      box.remove();
      resolve(taken);
    });
    document.body.append(box);
    box.showModal();
  });
}

/**
 * A dialog that only shows something; it closes by its button, by Esc and by a
 * click beside it.
 * @param {string} title
 * @param {Child[]} content
 * @param {string} [kind] further classes (`big`)
 * @returns {HTMLDialogElement} to close it
 */
export function sheet(title, content, kind) {
  const id = `dialog-${dialogs += 1}`;
  const box = h('dialog', { 'aria-labelledby': id, class: `sheet ${kind ?? ''}`.trim() },
    h('header', { class: 'row' }, h('h2', { id, class: 'grow' }, title), iconButton('close', t('Close'), () => box.close())),
    h('div', { class: 'inside' }, content));
  box.addEventListener('click', (/** @type {MouseEvent} */ event) => {
    const at = box.getBoundingClientRect();
    const outside = event.clientX < at.left || event.clientX > at.right || event.clientY < at.top || event.clientY > at.bottom;
    if (event.target === box && outside) box.close();
  });
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}
