// @ts-check
// The blocks of an answer as they stand on the page: the server's HTML, with a
// way to copy code and room for wide tables. Puts the finished form of an answer
// in the place of its growing one, a few blocks a frame, and without moving what
// the reader looks at.

import { fragment, h, inFrame } from './dom.js';
import { t } from './language.js';

/** How long the work of one frame may take, in ms. */
const BUDGET = 3;

/** What each block was made from. @type {WeakMap<Element, string>} */
const sources = new WeakMap();

/**
 * The blocks of sanitised HTML.
 * @param {string} html
 * @returns {Element[]}
 */
export function blocksOf(html) {
  const blocks = [...fragment(html).children];
  return blocks.map((block) => {
    const source = block.outerHTML;
    const dressed = dress(block);
    sources.set(dressed, source);
    return dressed;
  });
}

/** @param {Element} block */
function dress(block) {
  for (const pre of block.querySelectorAll('pre')) pre.replaceWith(code(pre));
  for (const table of block.querySelectorAll('table')) table.replaceWith(wide(table));
  if (block.matches('pre')) return code(block);
  if (block.matches('table')) return wide(block);
  return block;
}

/** @param {Element} pre */
function code(pre) {
  const { language = '' } = /** @type {HTMLElement} */ (pre).dataset;
  const inside = /** @type {Element} */ (pre.cloneNode(true));
  inside.setAttribute('tabindex', '0');
  return h('div', { class: 'code' },
    h('header', {}, h('span', {}, language), h('button', { class: 'copy-code', type: 'button' }, t('Copy code'))),
    inside);
}

/** @param {Element} table */
const wide = (table) => h('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': t('Table') }, table.cloneNode(true));

/**
 * @param {HTMLElement} target whose children are blocks
 * @param {string} html
 * @param {() => void} done
 */
export function replaceBlocks(target, html, done) {
  const blocks = blocksOf(html);
  let at = 0;
  const step = () => {
    const end = performance.now() + BUDGET;
    const still = holding(target);
    while (at < blocks.length && performance.now() < end) {
      const old = target.children[at];
      if (!old) target.append(blocks[at]);
      else if (sources.get(old) !== sources.get(blocks[at])) old.replaceWith(blocks[at]);
      at += 1;
    }
    if (at === blocks.length) {
      while (target.children.length > at) target.lastElementChild?.remove();
    }
    still();
    inFrame(at < blocks.length ? step : done);
  };
  // Reading the HTML was work enough for this frame.
  inFrame(step);
}

/**
 * Notes where the block stands that is at the top of what is seen; the returned
 * function brings its successor back to that place.
 * @param {HTMLElement} target
 */
function holding(target) {
  const scroll = target.closest('.scroll');
  if (!scroll) return () => {};
  const top = scroll.getBoundingClientRect().top;
  if (target.getBoundingClientRect().top >= top) return () => {};
  const index = [...target.children].findIndex((one) => one.getBoundingClientRect().bottom > top);
  const before = target.children[index]?.getBoundingClientRect().top;
  return () => {
    const after = target.children[index]?.getBoundingClientRect().top;
    if (before !== undefined && after !== undefined) scroll.scrollTop += after - before;
  };
}
