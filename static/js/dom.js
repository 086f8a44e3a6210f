// @ts-check
// Making elements, announcing, asking back. Knows nothing of satchel.

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

/**
 * Tells a screen reader politely.
 * @param {string} text
 */
export function say(text) {
  const line = document.getElementById('say');
  if (line) line.textContent = text;
}

/**
 * Shows a short note for a while, and says it.
 * @param {string} text
 */
export function toast(text) {
  document.querySelector('.toast')?.remove();
  const note = h('div', { class: 'toast' }, text);
  document.body.append(note);
  say(text);
  setTimeout(() => note.remove(), 4000);
}

/**
 * Asks before something that cannot be undone.
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, action }) {
  return dialog(title, [h('p', { class: 'sub' }, text)], action).then((form) => form !== null);
}

/**
 * A dialog with a form; `null` when it was left.
 * @param {string} title
 * @param {Node[]} fields
 * @param {string} action label of the button that accepts
 * @returns {Promise<FormData | null>}
 */
export function dialog(title, fields, action) {
  return new Promise((resolve) => {
    const form = h('form', { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      fields,
      h('div', { class: 'ends' },
        h('button', { class: 'b q', type: 'button', onclick: () => box.close('') }, 'Cancel'),
        h('button', { class: 'b p', value: 'yes' }, action)));
    const box = h('dialog', { 'aria-labelledby': 'dialog-title' }, form);
    box.addEventListener('close', () => {
      resolve(box.returnValue === 'yes' ? new FormData(form) : null);
      box.remove();
    });
    document.body.append(box);
    box.showModal();
  });
}
