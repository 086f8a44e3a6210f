// @ts-check
// What a chat is restricted to: everything, whole datasets, or chosen documents;
// and the dialog in which they are chosen.

import { api } from './api.js';
import { dialog, h, icon, put } from './dom.js';
import { t, tn } from './language.js';
import { titleOf } from './words.js';

/** @typedef {{id: string, name: string}} Named */

/** Documents that the dialog lists at a time. */
const LISTED = 50;

/** How long typing must pause before it is searched for, in ms. */
const PAUSE = 200;

export class Scope {
  constructor() {
    /** @type {Named[]} */
    this.datasets = [];
    /** @type {Named[]} */
    this.documents = [];
  }

  /** The fields of a question that say it. */
  fields() {
    if (this.documents.length) return { document_ids: this.documents.map((one) => one.id), names: this.documents.map((one) => one.name) };
    if (this.datasets.length) return { dataset_ids: this.datasets.map((one) => one.id) };
    return {};
  }

  get isNarrow() {
    return this.documents.length > 0 || this.datasets.length > 1;
  }

  /** @param {Named} one */
  remove(one) {
    this.documents = this.documents.filter((other) => other !== one);
    this.datasets = this.datasets.filter((other) => other !== one);
  }

  /**
   * Becomes what a stored question was restricted to.
   * @param {any} stored its metadata
   * @param {any[]} datasets all that there are
   */
  async restore(stored, datasets) {
    const ids = stored?.dataset_ids ?? [];
    this.datasets = datasets.filter((one) => ids.includes(one.id)).map(({ id, name }) => ({ id, name }));
    const found = await Promise.all((stored?.document_ids ?? []).map(async (/** @type {string} */ id) => {
      const read = await api('GET', `/documents/${id}/pages`).catch(() => null);
      return read && { id, name: titleOf(read.document) };
    }));
    this.documents = found.filter(Boolean);
  }
}

/**
 * Lets the reader choose; whether anything was changed.
 * @param {Scope} scope
 * @param {any[]} datasets
 */
export async function choose(scope, datasets) {
  /** @type {Map<string, string>} */
  const documents = new Map(scope.documents.map(({ id, name }) => [id, name]));
  const ownSets = new Set(scope.datasets.map((one) => one.id));
  const list = h('div', { class: 'choices tall', role: 'group', 'aria-label': t('Documents') });
  const count = h('p', { class: 'mute', role: 'status' });
  const sets = datasets.map((one) => h('label', { class: 'row' }, h('input', {
    type: 'checkbox', value: one.id, checked: ownSets.has(one.id),
    onchange: (/** @type {any} */ event) => {
      if (event.target.checked) ownSets.add(one.id);
      else ownSets.delete(one.id);
      if (ownSets.size) documents.clear();
      draw();
    },
  }), one.name));
  /** @type {any[]} */
  let found = [];
  const draw = () => {
    for (const label of sets) label.firstElementChild.checked = ownSets.has(label.firstElementChild.value);
    const shown = new Map([...documents].map(([id, name]) => [id, name]));
    for (const one of found) if (!shown.has(one.id)) shown.set(one.id, titleOf(one));
    list.replaceChildren(...[...shown].map(([id, name]) => h('label', { class: 'row' }, h('input', {
      type: 'checkbox', value: id, checked: documents.has(id),
      onchange: (/** @type {any} */ event) => {
        if (event.target.checked) documents.set(id, name);
        else documents.delete(id);
        if (documents.size) ownSets.clear();
        tell();
        for (const label of sets) label.firstElementChild.checked = ownSets.has(label.firstElementChild.value);
      },
    }), h('span', { class: 'cut', translate: 'no' }, name))));
    if (!shown.size) put(list, h('p', { class: 'mute' }, t('No document found.')));
    tell();
  };
  const tell = () => {
    count.textContent = documents.size
      ? tn(documents.size, '{count} document chosen', '{count} documents chosen')
      : ownSets.size ? tn(ownSets.size, '{count} dataset chosen', '{count} datasets chosen') : t('Nothing chosen: all documents are searched.');
  };
  let timer = 0;
  const search = async (/** @type {string} */ text) => {
    const query = new URLSearchParams({ q: text, status: 'ready', limit: String(LISTED) });
    try {
      found = (await api('GET', `/api/documents?${query}`)).documents;
    } catch {
      found = [];
    }
    draw();
  };
  const box = h('input', {
    class: 'f', type: 'search', 'aria-label': t('Find a document'), placeholder: t('Find a document'),
    oninput: () => { clearTimeout(timer); timer = setTimeout(() => search(box.value.trim()), PAUSE); },
    onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Enter') event.preventDefault(); },
  });
  search('');
  draw();
  const taken = await dialog(t('Search only in…'), [
    h('fieldset', { class: 'choices' }, h('legend', { class: 'sub' }, t('Whole datasets')), sets),
    h('p', { class: 'sub' }, t('Or single documents')),
    h('div', { class: 'icf' }, icon('search', 's'), box),
    list,
    count,
  ], t('Use these'));
  if (!taken) return false;
  scope.documents = [...documents].map(([id, name]) => ({ id, name }));
  scope.datasets = datasets.filter((one) => ownSets.has(one.id)).map(({ id, name }) => ({ id, name }));
  return true;
}
