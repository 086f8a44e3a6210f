// @ts-check
// What the check of each sentence found: marks in the text, and the tally that
// leads to the sentences without a source.

import { h, toast } from './dom.js';
import { t, tn } from './language.js';
import { hint } from './menu.js';

const WHY = () => t('Nothing in the passages that were found supports this sentence. It may be true, but your documents do not show it: check it yourself.');
const WEAK = () => t('The passages support this sentence only in part.');

/** How many sentences have a bar each; of more, the words say enough. */
const MOST_BARS = 50;

/**
 * A mark that says more where it is pointed at, has the focus, or is tapped.
 * @param {string} mark
 * @param {string} text
 */
function explained(mark, text) {
  const tapped = (/** @type {PointerEvent} */ event) => { if (event.pointerType === 'touch') toast(text); };
  return hint(h('button', { class: 'ns', type: 'button', onclick: tapped }, mark), text);
}

export class Checks {
  /** @param {HTMLElement} answer */
  constructor(answer) {
    this.answer = answer;
    this.visited = -1;
  }

  /** Marks the sentences of the finished answer. */
  mark() {
    for (const part of this.lasts('.s.none')) {
      part.after(explained(t('no source'), WHY()));
    }
    for (const part of this.lasts('.s.weak')) {
      part.after(explained(t('in part'), WEAK()));
    }
  }

  /**
   * The last part of each sentence: it may be in several, around what is bold in it.
   * @param {string} selector
   */
  lasts(selector) {
    const parts = [.../** @type {NodeListOf<HTMLElement>} */ (this.answer.querySelectorAll(selector))];
    return parts.filter((part, index) => parts[index + 1]?.dataset.sentence !== part.dataset.sentence);
  }

  /** @param {any} facts */
  tally(facts) {
    const checks = facts.checks ?? [];
    if (!checks.length) return '';
    const good = checks.filter((/** @type {any} */ one) => one.support !== 'unsupported').length;
    const words = facts.mode === 'quotes'
      ? tn(checks.length, '{good} of {count} is word for word', '{good} of {count} are word for word', { good })
      : tn(checks.length, '{good} of {count} sentence has a source', '{good} of {count} sentences have a source', { good });
    const bars = checks.length <= MOST_BARS && h('i', { 'aria-hidden': 'true' }, checks.map((/** @type {any} */ one) => h('b', { class: one.support === 'unsupported' ? 'o' : '' })));
    if (good === checks.length) return h('span', { class: 'tally' }, bars, words);
    return h('span', { class: 'tally' }, bars, h('button', { type: 'button', title: t('Go to the next sentence without a source'), onclick: () => this.next() }, words));
  }

  /** Goes to the next sentence without a source, and after the last to the first. */
  next() {
    const all = this.lasts('.s.none');
    if (!all.length) return;
    this.visited = (this.visited + 1) % all.length;
    const sentence = all[this.visited];
    sentence.tabIndex = -1;
    sentence.scrollIntoView({ block: 'center' });
    sentence.focus();
  }
}
