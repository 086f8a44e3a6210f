// @ts-check
// A look at a passage where its number is pointed at or has the focus.

import { h } from './dom.js';
import { place } from './menu.js';
import { inPassing, pageOf, titleOf } from './words.js';

/** How long a number must be pointed at, in ms. */
const PATIENCE = 250;

/** Longest part of a passage that is shown. */
const EXCERPT = 420;

/** @type {HTMLElement | null} */
let shown = null;
let timer = 0;

function hide() {
  clearTimeout(timer);
  shown?.remove();
  shown = null;
}

/**
 * @param {HTMLElement} chip
 * @param {any} passage
 */
function show(chip, passage) {
  hide();
  if (!chip.isConnected) return;
  const whole = inPassing(passage.text);
  const text = whole.length > EXCERPT ? `${whole.slice(0, EXCERPT)}…` : whole;
  const box = h('div', { class: 'peek', popover: 'manual', 'aria-hidden': 'true' },
    h('p', { class: 'row' }, h('b', { class: 'cut grow' }, titleOf(passage)), h('span', { class: 'mute num nw' }, pageOf(passage))),
    h('p', { class: 'doc', dir: 'auto' }, text));
  document.body.append(box);
  box.showPopover();
  place(box, chip);
  shown = box;
}

/**
 * Lets the numbers inside `area` show their passages.
 * @param {HTMLElement} area
 * @param {(chip: HTMLElement) => any} passageOf
 */
export function peeking(area, passageOf) {
  const chipOf = (/** @type {Event} */ event) => /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('a.c'));
  area.addEventListener('pointerover', (event) => {
    const chip = chipOf(event);
    if (!chip || event.pointerType === 'touch') return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const passage = passageOf(chip);
      if (passage) show(chip, passage);
    }, PATIENCE);
  });
  area.addEventListener('pointerout', (event) => { if (chipOf(event)) hide(); });
  area.addEventListener('focusin', (event) => {
    const chip = chipOf(event);
    const passage = chip?.matches(':focus-visible') && passageOf(chip);
    if (chip && passage) show(chip, passage);
  });
  area.addEventListener('focusout', hide);
  area.addEventListener('click', hide);
}

addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
addEventListener('scroll', hide, { capture: true, passive: true });
addEventListener('hashchange', hide);
