// @ts-check
// Why a passage was found: what each stage of the search gave it, and which
// place that was among the passages found.

import { h, icon } from './dom.js';
import { t } from './language.js';
import { hint } from './menu.js';
import { number, percent } from './words.js';

/**
 * @param {any} source
 * @param {any[]} sources all that were found
 */
export function why(source, sources) {
  const { scores } = source;
  /** @type {[string, string, (one: any) => number | null, (value: number) => string][]} */
  const stages = [
    [t('Same meaning'), t('How near the passage is to the question in meaning: the cosine of their vectors.'), (one) => one.scores?.cosine, (value) => number(value, { maximumFractionDigits: 2 })],
    [t('Same words'), t('How well the words of the question match, rare words counting more: the BM25 score of keyword search.'), (one) => one.scores?.bm25, (value) => number(value, { maximumFractionDigits: 1 })],
    [t('Both together'), t('The weighted sum of both, each brought to the scale from 0 to 1.'), (one) => one.scores?.fused, (value) => number(value, { maximumFractionDigits: 2 })],
    [t('Read closely'), t('How well each word of the question is met by a word of the passage in its context.'), (one) => one.scores?.late_interaction, (value) => number(value, { maximumFractionDigits: 2 })],
    [t('Read by the reranker'), t('What the reranking model gave the pair of question and passage.'), (one) => one.scores?.reranked, (value) => number(value, { maximumFractionDigits: 2 })],
    [t('Relevance'), t('The score in the end, fitted so that 95 of 100 passages that answer reach 70 %.'), (one) => one.score, percent],
  ];
  const rows = stages.map(([name, explained, of, write]) => {
    const value = of(source);
    const known = value !== null && value !== undefined;
    if (!known && name !== stages[1][0]) return null;
    return h('tr', {},
      h('th', { scope: 'row' }, hint(h('span', { tabindex: '0', class: 'term' }, name), explained)),
      h('td', { class: 'num' }, known ? write(value) : t('no match')),
      h('td', { class: 'num mute' }, known ? rank(sources.map(of), value) : ''));
  });
  return h('details', { class: 'why' },
    h('summary', {}, icon('pick', 's'), t('Why this passage'), h('span', { class: 'mute num' }, percent(source.score))),
    h('table', {}, h('tbody', {}, rows.filter(Boolean))),
    scores.bm25 === null && h('p', { class: 'mute' }, t('None of the question’s words is in it: it was found by its meaning.')));
}

/**
 * @param {(number | null)[]} all
 * @param {number} value
 */
function rank(all, value) {
  const better = all.filter((one) => one !== null && one !== undefined && one > value).length;
  return t('{place} of {count}', { place: better + 1, count: all.length });
}
