// @ts-check
// What people think of answers.

import { api } from '../api.js';
import { h, icon, put, toast } from '../dom.js';
import { t } from '../language.js';
import { field, heading, save, select, trouble } from '../panel.js';
import { moment } from '../words.js';

/** @returns {[string, string][]} */
const kinds = () => [['', t('All')], ['thumbs_up', t('Helpful')], ['thumbs_down', t('Not helpful')], ['report_inaccurate', t('Wrong')]];

const SYMBOLS = { thumbs_up: 'thumb-up', thumbs_down: 'thumb-down', report_inaccurate: 'warn' };

export function feedback() {
  const list = h('ul', { class: 'verdicts', 'aria-label': t('Verdicts') });
  const nothing = h('p', { class: 'mute', hidden: true }, t('Nobody has judged an answer yet. Thumbs stand below each answer.'));
  const more = h('button', { class: 'b', type: 'button', hidden: true, onclick: () => read(false) }, t('Show older'));
  const kind = select({ name: 'kind', onchange: () => read(true) }, kinds());
  /** @type {string | null} */
  let cursor = null;
  let turn = 0;
  /** @type {Map<string, string>} */
  let names = new Map();

  /** @param {boolean} anew */
  async function read(anew) {
    const now = turn += 1;
    const wanted = new URLSearchParams({ feedback_type: kind.value });
    if (!anew && cursor) wanted.set('cursor', cursor);
    try {
      if (!names.size) names = new Map((await api('GET', '/api/users')).users.map((/** @type {any} */ one) => [one.id, one.username]));
      const page = await api('GET', `/api/feedback?${wanted}`);
      if (now !== turn) return;
      if (anew) list.replaceChildren();
      cursor = page.next_cursor;
      put(list, ...page.feedback.map(entry));
      more.hidden = !cursor;
      nothing.hidden = list.childElementCount > 0;
    } catch (error) {
      list.replaceChildren(h('li', {}, trouble(error)));
    }
  }

  /** @param {any} one */
  function entry(one) {
    const name = kinds().find(([value]) => value === one.feedback_type)?.[1] ?? one.feedback_type;
    const symbol = SYMBOLS[/** @type {keyof typeof SYMBOLS} */ (one.feedback_type)] ?? 'info';
    return h('li', { class: 'card' },
      h('div', { class: 'row wrap' }, h('span', { class: 'st' }, icon(symbol, 's'), h('b', {}, name)),
        h('span', { class: 'mute grow' }, t('{who}, {when}', { who: names.get(one.user_id) ?? t('somebody'), when: moment(one.created_at) })),
        h('a', { class: 'b', href: `#/chat/${encodeURIComponent(one.session_id)}/${encodeURIComponent(one.response_id)}`, 'aria-label': t('Show the answer to: {question}', { question: one.question }) }, icon('right', 's'), t('Show the answer'))),
      one.feedback_text && h('p', {}, one.feedback_text),
      h('details', {}, h('summary', {}, icon('pick', 's'), one.question || t('The question was deleted.')), h('p', { class: 'said' }, one.answer || t('The answer was deleted.'))));
  }

  async function carry() {
    try {
      await save(`/api/feedback/export?feedback_type=${kind.value}`, 'feedback.jsonl');
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  async function carryGold() {
    try {
      await save('/api/gold/export', 'gold.jsonl');
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  read(true);
  return h('section', { 'aria-label': t('Feedback') },
    heading(t('Feedback'),
      h('button', { class: 'b', type: 'button', onclick: carryGold, title: t('Questions with the passages that people marked as their answers, for satchel eval') }, icon('dl', 's'), t('Export the gold set')),
      h('button', { class: 'b', type: 'button', onclick: carry }, icon('dl', 's'), t('Export'))),
    h('div', { class: 'filters' }, field(t('Verdict'), kind)),
    list, nothing, h('div', {}, more));
}
