// @ts-check
// The ledger of a document: what became of each of its pages, and what it was.

import { api } from './api.js';
import { h, icon, put } from './dom.js';
import { t, tn } from './language.js';
import { row, table } from './table.js';
import { versionList } from './versions.js';
import { languageNames, number } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Lines of the ledger that are drawn; more are said and not drawn. */
const MOST_LINES = 400;

/**
 * How many pages were read, where some were not.
 * @param {any} file
 */
export function strip(file) {
  if (!file.pages_without_text) return null;
  return h('small', { class: 'mute' }, t('{count} read', { count: file.page_count - file.pages_without_text }));
}

export class Ledger {
  /**
   * @param {any} file
   * @param {number} columns of the table that it stands in
   * @param {{show: (page: number) => void, again: (() => void) | null}} can what can be done with the document
   */
  constructor(file, columns, can) {
    this.id = file.id;
    this.can = can;
    this.box = h('div', { class: 'ledger' }, h('p', { class: 'mute' }, t('Reading the ledger')));
    this.row = h('tr', {}, h('td', { class: 'in', colspan: String(columns) }, this.box));
    this.load();
  }

  async load() {
    try {
      const { document, pages } = await api('GET', `/documents/${this.id}/pages`);
      const replaced = document.version > 1;
      const { versions } = replaced ? await api('GET', `/api/documents/${this.id}/versions`) : { versions: [] };
      this.draw(document, pages, versionList(versions));
    } catch (error) {
      this.box.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
    }
  }

  /**
   * @param {any} file
   * @param {any[]} pages
   * @param {HTMLElement | null} versions
   */
  draw(file, pages, versions) {
    const again = this.can.again && h('button', { class: 'b', type: 'button', onclick: this.can.again }, icon('redo', 's'), t('Read again'));
    if (!pages.length) {
      const why = file.status === 'failed' ? t('Nothing was read: {reason}', { reason: file.error }) : t('Nothing has been read yet.');
      this.box.replaceChildren(h('div', { class: 'row wrap' }, h('p', { class: 'grow' }, why), file.status === 'failed' && again));
      put(this.box, versions);
      return;
    }
    const unread = pages.filter((one) => one.outcome !== 'text').length;
    const words = unread
      ? t('{read} read, {unread} not', { read: tn(pages.length - unread, '{count} page', '{count} pages'), unread })
      : tn(pages.length, 'All {count} page has text', 'All {count} pages have text');
    const lines = ranges(pages);
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: file.paged ? t('Pages') : t('Parts') }, { name: t('What is on them'), kind: 'full' }, { name: t('Characters'), kind: 'n' }, { name: t('Passages'), kind: 'n' }]);
    this.box.replaceChildren(
      picture(pages, words),
      h('div', { class: 'row wrap' }, h('p', { class: 'key grow' }, words),
        file.language && h('p', { class: 'mute' }, t('Language: {language}', { language: languageNames([file.language]) })), again),
      table(t('Pages of {name}', { name: file.filename }), columns, h('tbody', {}, lines.slice(0, MOST_LINES).map((one) => this.line(columns, one)))));
    const left = lines.length - MOST_LINES;
    if (left > 0) put(this.box, h('p', { class: 'mute' }, tn(left, '{count} more line is not shown.', '{count} more lines are not shown.')));
    put(this.box, versions);
  }

  /**
   * @param {import('./table.js').Column[]} columns
   * @param {Range} range
   */
  line(columns, { first, last, outcome, reason, characters, chunks }) {
    const words = first === last ? number(first) : t('{first} to {last}', { first, last });
    const what = { text: reason ? t('Text; not all was read: {reason}', { reason }) : t('Text'), no_text: t('No text: blank or an image'), failed: t('Not read: {reason}', { reason }) };
    // The first cell has no label of its own where the table is a list.
    const label = h('span', { class: 'hide-l mute' }, columns[0].name, ' ');
    return row(columns, [
      [label, characters
        ? h('button', { type: 'button', class: 'x num', 'aria-label': t('Show the text of page {page}', { page: first }), onclick: () => this.can.show(first) }, words)
        : h('span', { class: 'num' }, words)],
      outcome === 'text' ? what.text : h('span', { class: 'st' }, icon('warn', 's'), what[outcome]),
      number(characters), number(chunks),
    ]);
  }
}

/** @typedef {{first: number, last: number, outcome: 'text' | 'no_text' | 'failed', reason: string, characters: number, chunks: number}} Range */

/**
 * Neighbouring pages with the same fate, as one.
 * @param {any[]} pages
 * @returns {Range[]}
 */
function ranges(pages) {
  /** @type {Range[]} */
  const found = [];
  for (const page of pages) {
    const last = found.at(-1);
    const reason = page.reason ?? '';
    if (last && last.outcome === page.outcome && last.reason === reason && last.last + 1 === page.number) {
      last.last = page.number;
      last.characters += page.characters;
      last.chunks += page.chunks;
    } else {
      found.push({ first: page.number, last: page.number, outcome: page.outcome, reason, characters: page.characters, chunks: page.chunks });
    }
  }
  return found;
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
