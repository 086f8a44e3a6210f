// @ts-check
// The audit log: who did what to which object, when and from where.

import { api } from '../api.js';
import { h, icon, put, toast } from '../dom.js';
import { spoken, t } from '../language.js';
import { menu } from '../menu.js';
import { field, heading, save, select, trouble } from '../panel.js';
import { day } from '../words.js';

/** Records that are fetched at once. */
const PAGE = 100;

export function audit() {
  const list = h('ol', { class: 'log', 'aria-label': t('Records') });
  const more = h('button', { class: 'b', type: 'button', hidden: true, onclick: () => read(false) }, t('Show older records'));
  const nothing = h('p', { class: 'mute', hidden: true }, t('No record fits.'));
  const action = select({ name: 'action' }, [['', t('All actions')]]);
  const form = h('form', { class: 'filters', 'aria-label': t('Filter records'), onsubmit: (/** @type {Event} */ event) => event.preventDefault(), onchange: () => read(true) },
    field(t('Action'), action),
    field(t('User'), h('input', { class: 'f', name: 'user', type: 'search', placeholder: t('Name or id'), autocomplete: 'off' })),
    field(t('From'), h('input', { class: 'f', name: 'from', type: 'date' })),
    field(t('To'), h('input', { class: 'f', name: 'to', type: 'date' })));
  /** @type {string | null} where the list goes on */
  let cursor = null;
  let turn = 0;
  let lastDay = '';

  function query() {
    const data = new FormData(form);
    const wanted = new URLSearchParams();
    for (const name of ['action', 'user']) {
      const value = String(data.get(name) ?? '').trim();
      if (value) wanted.set(name, value);
    }
    // Days are the reader's own.
    if (data.get('from')) wanted.set('since', new Date(`${data.get('from')}T00:00`).toISOString());
    if (data.get('to')) {
      const end = new Date(`${data.get('to')}T00:00`);
      end.setDate(end.getDate() + 1);
      wanted.set('until', end.toISOString());
    }
    return wanted;
  }

  /** @param {boolean} anew from the newest record on */
  async function read(anew) {
    const now = turn += 1;
    const wanted = query();
    wanted.set('limit', String(PAGE));
    if (!anew && cursor) wanted.set('cursor', cursor);
    try {
      const page = await api('GET', `/api/audit?${wanted}`);
      if (now !== turn) return;
      if (anew) {
        list.replaceChildren();
        lastDay = '';
      }
      cursor = page.next_cursor;
      put(list, ...page.records.flatMap(entry));
      more.hidden = !cursor;
      nothing.hidden = list.childElementCount > 0;
    } catch (error) {
      list.replaceChildren(h('li', {}, trouble(error)));
    }
  }

  /** @param {any} record */
  function entry(record) {
    const today = day(record.at);
    const head = today === lastDay ? [] : [h('li', { class: 'of' }, h('h3', {}, today))];
    lastDay = today;
    const what = [h('b', {}, actionName(record.action)), record.object && [' ', h('span', { class: 'mute' }, record.object)]].flat();
    const refused = record.outcome !== 'done';
    return [...head, h('li', {},
      h('time', { datetime: record.at, title: record.at }, new Date(record.at).toLocaleTimeString(spoken())),
      h('span', { class: 'w cut', title: record.address ?? '' }, record.username ?? t('unknown'), record.address && h('small', {}, record.address)),
      refused
        ? h('span', { class: 'st bad' }, icon('warn', 's'), h('span', {}, ...what, ' ', record.outcome === 'refused' ? t('was refused') : t('failed')))
        : h('span', { class: 'said-of' }, ...what))];
  }

  async function offerActions() {
    const { actions } = await api('GET', '/api/audit/actions');
    put(action, actions.map((/** @type {string} */ name) => h('option', { value: name }, actionName(name))));
  }

  /** @param {'csv' | 'jsonl'} format */
  async function carry(format) {
    const wanted = query();
    wanted.set('format', format);
    try {
      await save(`/api/audit/export?${wanted}`, `audit.${format}`);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  offerActions().catch((error) => toast(error.message));
  read(true);
  return h('section', { 'aria-label': t('Audit log') },
    heading(t('Audit log'), menu(t('Export records'), () => [
      { label: t('For a spreadsheet (CSV)'), symbol: 'dl', run: () => carry('csv') },
      { label: t('A record a line (JSONL)'), symbol: 'dl', run: () => carry('jsonl') },
    ], { symbol: 'dl', text: t('Export') })),
    h('p', { class: 'sub' }, t('Whatever changes something leaves a record here, and none holds the words of a question or an answer. Times are those of this browser.')),
    form, list, nothing, h('div', {}, more));
}

/**
 * An action as the server names it, in words.
 * @param {string} name
 */
function actionName(name) {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
