// @ts-check
// What stands above the part of a long list that is looked at: drawn after it,
// a little in each frame, without moving what is seen.

import { inFrame } from './dom.js';

/** Longest time that one frame is kept waiting, in ms. */
const SLICE = 8;

/** @param {() => void} work is done once the next frame is seen */
const afterFrame = (work) => inFrame(() => setTimeout(work));

/**
 * Fills a list upwards.
 * @param {Element} scroll what scrolls
 * @param {Element} before the topmost element that is there
 * @param {() => Element | null} next the one above the last; `null`: there is no more
 * @param {() => boolean} follows whether the end is looked at and is to stay in sight
 */
export function fillAbove(scroll, before, next, follows) {
  const work = () => {
    const end = performance.now() + SLICE;
    /** @type {Element[]} */
    const some = [];
    let one = next();
    while (one) {
      some.unshift(one);
      one = performance.now() < end ? next() : null;
    }
    if (!some.length) return;
    const height = scroll.scrollHeight;
    before.before(...some);
    // Browsers without scroll anchoring would jump.
    if (follows()) scroll.scrollTop += scroll.scrollHeight - height;
    before = some[0];
    afterFrame(work);
  };
  afterFrame(work);
}
