// @ts-check
// The passages before and after one, and the way to them.

import { api } from './api.js';
import { h } from './dom.js';
import { t } from './language.js';
import { inPassing } from './words.js';

export class Nearby {
  /** @param {(passage: any) => void} turnTo */
  constructor(turnTo) {
    this.turnTo = turnTo;
    this.element = h('section', { class: 'near', 'aria-label': t('Nearby passages'), hidden: true });
    /** @type {any} what the neighbours are wanted of */
    this.wanted = null;
  }

  /**
   * @param {any} place the page that is shown
   * @param {any} passage the passage on it; `null`: none, and nothing is near
   */
  async show(place, passage) {
    this.wanted = passage;
    this.element.hidden = true;
    this.element.replaceChildren();
    if (!passage) return;
    const { chunks } = place;
    const here = chunks.find((/** @type {any} */ one) => one.chunk_index === passage.chunk_index);
    if (!here) return;
    const isLast = place.page >= place.page_count && chunks.at(-1) === here;
    const [before, after] = await Promise.all([
      here.chunk_index > 0 ? this.fetch(place, here.chunk_index - 1) : null,
      isLast ? null : this.fetch(place, here.chunk_index + 1),
    ]);
    if (this.wanted !== passage || (!before && !after)) return;
    this.element.replaceChildren(h('h4', {}, t('Nearby passages')));
    if (before) this.element.append(this.item(before, t('Before')));
    if (after) this.element.append(this.item(after, t('After')));
    this.element.hidden = false;
  }

  /**
   * @param {any} place
   * @param {number} index
   */
  async fetch(place, index) {
    const chunk = await api('GET', `/documents/${place.document_id}/chunks/${index}`).catch(() => null);
    if (!chunk) return null;
    const { page, page_number: number, start, end } = chunk.metadata;
    return { document_id: place.document_id, chunk_index: index, page, page_number: number, start, end, text: chunk.content };
  }

  /**
   * @param {any} passage
   * @param {string} label
   */
  item(passage, label) {
    const where = passage.page_number ? t('{where}, page {number}', { where: label, number: passage.page_number }) : label;
    return h('button', { type: 'button', onclick: () => this.turnTo(passage) },
      h('span', { class: 'mute num' }, where),
      h('span', { class: 'doc', dir: 'auto' }, inPassing(passage.text)));
  }
}
