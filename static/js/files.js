// @ts-check
// The files of a dataset as a table: searched, sorted and filtered by the
// server, a page at a time; chosen, moved, read again and deleted.

import { api, request } from './api.js';
import { dialog, h, icon, iconButton, put, say, toast, undoable } from './dom.js';
import { openOriginal } from './evidence.js';
import { t, tn } from './language.js';
import { Ledger, strip } from './ledger.js';
import { menu } from './menu.js';
import { preview } from './preview.js';
import { day, moment, number, size, titleOf } from './words.js';

/** How many files one page of the list has. */
const PAGE = 50;

/** How long typing has to rest before it is searched for, in ms. */
const REST = 200;

/** The fates of files that can be asked for, as the server filters. */
const FILTERS = { all: {}, working: { status: 'queued,extracting,embedding' }, failed: { status: 'failed' }, unread: { without_text: 'true' } };

/** Orders in which the largest or newest comes first. */
const LARGEST_FIRST = ['added', 'size', 'pages', 'passages'];

/** @typedef {{id: string | null, builtin: boolean, others: any[], changed: () => void}} Place where the files are, and where they could be */

export class Files {
  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, any>} */
    this.files = new Map();
    /** @type {Set<string>} */
    this.chosen = new Set();
    /** Files that are off the list while they can still be brought back. @type {Set<string>} */
    this.taken = new Set();
    this.total = 0;
    this.offset = 0;
    this.words = '';
    this.sort = 'added';
    this.order = 'desc';
    /** @type {keyof typeof FILTERS} */
    this.fate = 'all';
    /** @type {Ledger | null} */
    this.ledger = null;
    this.asked = 0;
    this.soon = 0;
    this.reloading = 0;
    this.build();
  }

  build() {
    this.heading = h('h2', { id: 'th' }, t('Files'));
    this.finder = h('input', { class: 'f', id: 'ff', type: 'search', placeholder: t('Filter files'), autocomplete: 'off', oninput: () => this.later(() => this.find(this.finder.value)) });
    this.fates = h('select', { class: 'f', id: 'fate', onchange: () => { this.fate = this.fates.value; this.from(0); } },
      Object.entries({ all: t('All files'), working: t('In work'), failed: t('Failed'), unread: t('With pages that were not read') }).map(([value, words]) => h('option', { value }, words)));
    this.bulk = h('div', { class: 'bulk row wrap', role: 'group', 'aria-label': t('Chosen files'), hidden: true });
    this.all = h('input', { type: 'checkbox', 'aria-label': t('Choose all files of this page'), onchange: () => this.chooseAll(this.all.checked) });
    this.heads = h('tr', {});
    this.body = h('tbody');
    this.table = h('table', { class: 'grid stack files' }, h('caption', { class: 'vh' }, t('Files with status, size, pages and passages')), h('thead', {}, this.heads), this.body);
    this.nothing = h('div', { class: 'nothing', hidden: true });
    this.pager = h('nav', { class: 'row pager', 'aria-label': t('Pages of the list'), hidden: true });
    this.element = h('section', { 'aria-labelledby': 'th' },
      h('div', { class: 'hd' }, this.heading,
        h('label', { class: 'narrowing' }, h('span', { class: 'vh' }, t('Which files')), this.fates),
        h('label', { class: 'narrowing hide-l' }, h('span', { class: 'vh' }, t('Order')), this.orders()),
        h('div', { class: 'icf' }, h('label', { class: 'vh', for: 'ff' }, t('Filter files')), icon('search', 's'), this.finder)),
      this.bulk, this.table, this.nothing, this.pager);
  }

  /** @returns {[string, string, string | null][]} key, words, class */
  columns() {
    return [['name', t('File'), null], ['status', t('Status'), null], ['size', t('Size'), 'n'], ['pages', t('Pages'), 'n'], ['passages', t('Passages'), 'n'], ['added', t('Added'), 'n']];
  }

  /** The order, where there is no head of the table to click. */
  orders() {
    this.sorter = h('select', { class: 'f', onchange: () => this.sortBy(this.sorter.value, true) }, this.columns().map(([key, words]) => h('option', { value: key }, t('By: {column}', { column: words }))));
    this.sorter.value = this.sort;
    return this.sorter;
  }

  drawHeads() {
    const directions = { asc: 'ascending', desc: 'descending' };
    this.heads.replaceChildren(...this.columns().map(([key, words, kind], at) => h('th', {
      scope: 'col', class: kind, 'aria-sort': key === this.sort ? directions[/** @type {'asc' | 'desc'} */ (this.order)] : null,
    }, at === 0 && this.all, h('button', { type: 'button', class: 'x sort', onclick: () => this.sortBy(key) }, words, key === this.sort && icon(this.order === 'asc' ? 'up' : 'pick', 's')))),
    h('th', { scope: 'col' }, h('span', { class: 'vh' }, t('Actions'))));
  }

  /**
   * @param {string} key
   * @param {boolean} [anew] whatever the direction was
   */
  sortBy(key, anew = false) {
    const usual = LARGEST_FIRST.includes(key) ? 'desc' : 'asc';
    const turned = usual === 'asc' ? 'desc' : 'asc';
    this.order = key === this.sort && !anew && this.order === usual ? turned : usual;
    this.sort = key;
    this.sorter.value = key;
    this.from(0);
  }

  /** @param {() => void} work */
  later(work) {
    clearTimeout(this.soon);
    this.soon = setTimeout(work, REST);
  }

  reload() {
    this.reloading = 0;
    return this.load();
  }

  /** @param {string} words */
  find(words) {
    this.words = words.trim();
    this.finder.value = words;
    return this.from(0);
  }

  /**
   * Another dataset is shown.
   * @param {Place} place
   */
  moveTo(place) {
    this.place = place;
    this.chosen.clear();
    this.ledger = null;
    return this.find('');
  }

  /** @param {number} offset */
  from(offset) {
    this.offset = offset;
    this.chosen.clear();
    return this.load();
  }

  async load() {
    const asked = this.asked += 1;
    const query = new URLSearchParams({ limit: String(PAGE), offset: String(this.offset), sort: this.sort, order: this.order, ...FILTERS[this.fate] });
    if (this.place.id) query.set('dataset_id', this.place.id);
    if (this.words) query.set('q', this.words);
    try {
      const list = await api('GET', `/api/documents?${query}`);
      if (asked !== this.asked) return;
      this.total = list.total_count;
      if (!list.documents.length && this.offset) return void this.from(Math.max(0, this.offset - PAGE));
      this.files = new Map(list.documents.map((/** @type {any} */ one) => [one.id, one]));
      this.draw();
    } catch (error) {
      this.failed(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  failed(error) {
    this.nothing.hidden = false;
    this.nothing.replaceChildren(icon('warn'), h('p', {}, error.message), h('button', { class: 'b', type: 'button', onclick: () => this.load() }, t('Try again')));
  }

  draw() {
    const menu = this.body.querySelector('[popover]:popover-open');
    if (menu) {
      // It would be gone with its row while somebody chooses from it.
      menu.addEventListener('toggle', () => this.draw(), { once: true });
      return;
    }
    const focused = document.activeElement?.getAttribute('aria-label');
    const shown = [...this.files.values()].filter((one) => !this.taken.has(one.id));
    this.drawHeads();
    this.body.replaceChildren();
    for (const file of shown) {
      put(this.body, this.row(file));
      if (this.ledger?.id === file.id) put(this.body, this.ledger?.row);
    }
    this.table.hidden = !shown.length;
    this.nothing.hidden = shown.length > 0;
    if (!shown.length) this.nothing.replaceChildren(...this.emptiness());
    this.drawPager();
    this.drawBulk();
    if (focused) /** @type {HTMLElement | null} */ (this.element.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  emptiness() {
    if (this.words) return [h('p', {}, t('No file here has “{words}” in its name or title.', { words: this.words }))];
    if (this.fate !== 'all') return [icon('check'), h('p', {}, t('No file here is like that.'))];
    return [icon('doc'), h('p', {}, h('b', {}, t('Nothing here yet.')), ' ', t('Drop files or a whole folder here. Each is read, cut into passages and can be asked within seconds; what could not be read stands in its ledger.'))];
  }

  drawPager() {
    const last = Math.min(this.total, this.offset + PAGE);
    this.pager.hidden = this.total <= PAGE;
    const back = iconButton('left', t('Previous page'), () => this.from(Math.max(0, this.offset - PAGE)), 'flip');
    const on = iconButton('right', t('Next page'), () => this.from(this.offset + PAGE), 'flip');
    back.disabled = !this.offset;
    on.disabled = last >= this.total;
    this.pager.replaceChildren(h('span', { class: 'num grow', role: 'status' }, t('{first} to {last} of {total}', { first: this.offset + 1, last, total: this.total })), back, on);
  }

  /** @param {any} file */
  row(file) {
    const open = this.ledger?.id === file.id;
    const name = titleOf(file);
    const { builtin } = this.place;
    const under = [file.title !== file.filename && file.filename, file.metadata?.folder].filter(Boolean);
    return h('tr', { class: open ? 'sel' : null, 'data-id': file.id },
      h('th', { scope: 'row' }, h('div', { class: 'pickrow' },
        !builtin && h('input', { type: 'checkbox', checked: this.chosen.has(file.id), 'aria-label': t('Choose {name}', { name }), onchange: (/** @type {any} */ event) => this.choose(file.id, event.target.checked) }),
        h('div', { class: 'grow' },
          h('button', { type: 'button', class: 'x', 'aria-expanded': String(open), 'aria-label': t('Pages of {name}', { name }), onclick: () => this.expand(file) }, icon('right', 's flip'), h('span', { dir: 'auto' }, name)),
          under.map((one) => h('small', { class: 'mute' }, one))))),
      h('td', { class: 'full' }, status(file)),
      h('td', { class: 'n', 'data-l': t('Size') }, size(file.bytes)),
      h('td', { class: 'n', 'data-l': t('Pages') }, number(file.page_count), strip(file)),
      h('td', { class: 'n', 'data-l': t('Passages') }, number(file.chunk_count)),
      h('td', { class: 'n', 'data-l': t('Added') }, h('span', { title: moment(file.created_at) }, day(file.created_at))),
      h('td', { class: 'act' }, h('div', { class: 'acts' },
        file.status === 'failed' && !builtin && iconButton('redo', t('Try {name} again', { name }), () => this.again([file.id])),
        menu(t('Actions for {name}', { name }), () => this.actions(file)))));
  }

  /** @param {any} file */
  actions(file) {
    const done = ['ready', 'failed'].includes(file.status);
    const own = [
      null,
      { label: t('Read again'), symbol: 'redo', note: t('from the original'), disabled: !done, run: () => this.again([file.id]) },
      { label: t('Move to another dataset'), symbol: 'folder', disabled: !this.place.others.length, run: () => this.move([file.id]) },
      { label: t('Delete'), symbol: 'trash', bad: true, run: () => this.remove([file.id]) },
    ];
    return [
      { label: t('Preview'), symbol: 'eye', run: () => preview(file) },
      { label: t('Open original'), symbol: 'ext', run: () => openOriginal(file.id) },
      ...(this.place.builtin ? [] : own),
    ];
  }

  /** @param {any} file */
  expand(file) {
    this.ledger = this.ledger?.id === file.id ? null : this.ledgerOf(file);
    this.draw();
  }

  /** @param {any} file */
  ledgerOf(file) {
    const again = this.place.builtin ? null : () => this.again([file.id]);
    return new Ledger(file, this.columns().length + 1, { show: (page) => preview(this.files.get(file.id) ?? file, page), again });
  }

  /**
   * @param {string} id
   * @param {boolean} yes
   */
  choose(id, yes) {
    if (yes) this.chosen.add(id);
    else this.chosen.delete(id);
    this.drawBulk();
  }

  /** @param {boolean} yes */
  chooseAll(yes) {
    this.chosen = new Set(yes ? this.files.keys() : []);
    this.draw();
  }

  drawBulk() {
    const ids = [...this.chosen].filter((id) => this.files.has(id) && !this.taken.has(id));
    this.all.checked = ids.length > 0 && ids.length === this.files.size;
    this.all.indeterminate = ids.length > 0 && ids.length < this.files.size;
    this.all.hidden = this.place.builtin;
    this.bulk.hidden = !ids.length;
    if (!ids.length) return;
    this.bulk.replaceChildren(
      h('b', { class: 'grow num' }, tn(ids.length, '{count} file chosen', '{count} files chosen')),
      h('button', { class: 'b', type: 'button', onclick: () => this.again(ids) }, icon('redo', 's'), t('Read again')),
      h('button', { class: 'b', type: 'button', disabled: !this.place.others.length, onclick: () => this.move(ids) }, icon('folder', 's'), t('Move')),
      h('button', { class: 'b', type: 'button', onclick: () => this.remove(ids) }, icon('trash', 's'), t('Delete')));
  }

  /**
   * Does something to each; what is refused is said once.
   * @param {string[]} ids
   * @param {(id: string) => Promise<any>} work
   * @param {string} done
   */
  async each(ids, work, done) {
    let trouble = '';
    for (const id of ids) {
      try {
        await work(id);
      } catch (error) {
        trouble = `${titleOf(this.files.get(id) ?? { filename: id })}: ${/** @type {Error} */ (error).message}`;
      }
    }
    this.chosen.clear();
    toast(trouble || done);
    await this.load();
    this.place.changed();
  }

  /** @param {string[]} ids */
  again(ids) {
    return this.each(ids, (id) => api('POST', `/documents/${id}/reindex`, {}), tn(ids.length, '{count} file is read again', '{count} files are read again'));
  }

  /** @param {string[]} ids */
  async move(ids) {
    const choice = h('select', { class: 'f', name: 'to', autofocus: true }, this.place.others.map((one) => h('option', { value: one.id }, one.name)));
    const form = await dialog(tn(ids.length, 'Move {count} file', 'Move {count} files'), [h('label', { class: 'field' }, t('To the dataset'), choice)], t('Move'));
    if (!form) return;
    const to = String(form.get('to'));
    await this.each(ids, (id) => api('PATCH', `/api/documents/${id}`, { dataset_id: to }), tn(ids.length, '{count} file moved', '{count} files moved'));
  }

  /** @param {string[]} ids */
  remove(ids) {
    const back = () => {
      ids.forEach((id) => this.taken.delete(id));
      this.load();
    };
    ids.forEach((id) => this.taken.add(id));
    this.chosen.clear();
    this.draw();
    undoable(tn(ids.length, 'Document deleted', '{count} documents deleted'), {
      undo: back,
      commit: async () => {
        try {
          await request('/api/documents/delete', { method: 'POST', keepalive: true, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ document_ids: ids }) });
        } catch (error) {
          toast(/** @type {Error} */ (error).message);
        }
        back();
        this.place.changed();
      },
    });
  }

  /**
   * A step of some document's way.
   * @param {any} step `null`: some may have been missed
   */
  step(step) {
    const file = step && this.files.get(step.document_id);
    const here = step && step.dataset_id === this.place.id;
    if (step && !file && !here) return;
    const final = step && (step.deleted || ['ready', 'failed'].includes(step.status));
    // Steps come faster than lists: one that is on its way need not be put off.
    if (!file || !here || final) this.reloading ||= setTimeout(() => this.reload(), REST);
    if (!file || !here || step.deleted) return;
    Object.assign(file, {
      status: step.status, error: step.error, page_count: step.page_count, pages_without_text: step.pages_without_text,
      chunk_count: step.chunk_count, embedded_count: step.embedded_count,
    });
    // A row that is being used stays as it is until the list is drawn anew.
    const old = this.body.querySelector(`tr[data-id="${CSS.escape(file.id)}"]`);
    if (old && !old.contains(document.activeElement)) old.replaceWith(this.row(file));
    if (final && this.ledger?.id === file.id) this.ledger?.load();
    if (final) say(t('{name}: {status}', { name: titleOf(file), status: step.status === 'ready' ? t('Ready') : t('Failed') }));
  }

  leave() {
    clearTimeout(this.soon);
    clearTimeout(this.reloading);
  }
}

/** @param {any} file */
function status(file) {
  const unread = file.pages_without_text;
  if (file.status === 'failed') return h('span', { class: 'st bad' }, icon('warn', 's'), h('span', {}, t('Failed: {reason}', { reason: file.error ?? t('no reason is known') })));
  if (file.status === 'ready') {
    const words = unread ? tn(unread, 'Ready, {count} page not read', 'Ready, {count} pages not read') : t('Ready');
    return h('span', { class: 'st' }, icon(unread ? 'warn' : 'check', 's'), words);
  }
  if (file.status === 'embedding') {
    return h('span', { class: 'st' },
      h('progress', { max: Math.max(1, file.chunk_count), value: file.embedded_count, 'aria-label': t('Embedding {name}', { name: file.filename }) }),
      h('span', { class: 'num' }, t('Embedding {done} of {all}', { done: file.embedded_count, all: file.chunk_count })));
  }
  return h('span', { class: 'st' }, h('progress', { 'aria-label': t('Reading {name}', { name: file.filename }) }), file.status === 'queued' ? t('Waiting') : t('Reading'));
}
