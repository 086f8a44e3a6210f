// @ts-check
// The ledger of a document: what became of each of its pages.

import { api } from './api.js';
import { h, icon, put } from './dom.js';
import { plural } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * A small picture of how many pages have text, where some have none.
 * @param {any} file
 */
export function strip(file) {
  if (!file.pages_without_text) return null;
  const read = file.page_count - file.pages_without_text;
  return h('small', { class: 'mute' }, `${read} with text`);
}

export class Ledger {
  /** @param {any} file */
  constructor(file) {
    this.id = file.id;
    this.box = h('div', { class: 'ledger' }, h('p', { class: 'mute' }, 'Reading the ledger'));
    this.row = h('tr', {}, h('td', { class: 'in', colspan: '6' }, this.box));
    this.load();
  }

  async load() {
    try {
      const { document, pages } = await api('GET', `/documents/${this.id}/pages`);
      this.draw(document, pages);
    } catch (error) {
      this.box.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
    }
  }

  /**
   * @param {any} file
   * @param {any[]} pages
   */
  draw(file, pages) {
    if (!pages.length) {
      this.box.replaceChildren(h('p', {}, file.status === 'failed' ? `Nothing was read: ${file.error}` : 'Nothing has been read yet.'));
      return;
    }
    const unread = pages.filter((one) => one.outcome !== 'text');
    const words = unread.length ? `${plural(pages.length - unread.length, 'page')} with text, ${unread.length} without` : `All ${plural(pages.length, 'page has', 'pages have')} text`;
    this.text = h('div', {});
    this.box.replaceChildren(
      picture(pages, words),
      h('p', { class: 'key' }, words),
      h('table', { class: 'grid' },
        h('caption', { class: 'vh' }, `Pages of ${file.filename}`),
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, file.paged ? 'Page' : 'Part'), h('th', { scope: 'col' }, 'What is on it'), h('th', { scope: 'col', class: 'n' }, 'Characters'), h('th', { scope: 'col', class: 'n' }, 'Passages'))),
        h('tbody', {}, pages.map((one) => this.line(one)))),
      this.text);
  }

  /** @param {any} page */
  line(page) {
    const what = { text: page.reason ? `Text; not all was read: ${page.reason}` : 'Text', no_text: 'No text: blank or an image', failed: `Not read: ${page.reason ?? ''}` };
    return h('tr', {},
      h('td', { class: 'num' }, page.outcome === 'text'
        ? h('button', { type: 'button', class: 'x', 'aria-label': `Show the text of page ${page.number}`, onclick: () => this.show(page.number) }, String(page.number))
        : page.number),
      h('td', {}, what[/** @type {keyof typeof what} */ (page.outcome)]),
      h('td', { class: 'n' }, page.characters.toLocaleString()),
      h('td', { class: 'n' }, page.chunks));
  }

  /** @param {number} number */
  async show(number) {
    const page = await api('GET', `/documents/${this.id}/pages/${number}`);
    this.text.replaceChildren(h('div', { class: 'page', dir: 'auto' }, h('div', { class: 'text' }, page.text), h('p', { class: 'folio num' }, number)));
    this.text.scrollIntoView({ block: 'nearest' });
  }
}

/**
 * A bar with a mark for each page that has text.
 * @param {any[]} pages
 * @param {string} label
 */
function picture(pages, label) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({ class: 'led', viewBox: `0 0 ${pages.length} 10`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label })) svg.setAttribute(name, value);
  let start = -1;
  for (let at = 0; at <= pages.length; at += 1) {
    const has = pages[at]?.outcome === 'text';
    if (has && start < 0) start = at;
    if (!has && start >= 0) {
      const rect = document.createElementNS(SVG, 'rect');
      for (const [name, value] of Object.entries({ x: start, width: at - start, height: 10 })) rect.setAttribute(name, String(value));
      put(svg, rect);
      start = -1;
    }
  }
  return svg;
}
