// @ts-check
// Documents: datasets, files with how far they are, adding and deleting.

import { api, events } from './api.js';
import { confirmed, dialog, h, icon, iconButton, put, toast } from './dom.js';
import { openOriginal } from './evidence.js';
import { Ledger, strip } from './ledger.js';
import { menuButton } from './shell.js';
import { upload, uploadList, watchUploads } from './uploads.js';
import { plural, size } from './words.js';

/** How many files one page of the list has. */
const PAGE = 100;

/** How long to wait before a lost stream of progress is opened again, in ms. */
const RECONNECT = 2000;

/** @type {string | null} the dataset that was looked at last */
let current = null;

/**
 * @param {string} [documentId] whose pages are shown at once
 * @returns {import('./main.js').View}
 */
export function documents(documentId) {
  const view = new Documents(documentId ?? null);
  return { main: view.main, title: 'Documents', leave: () => view.leave(), drop: (files) => view.add(files) };
}

class Documents {
  /** @param {string | null} wanted id of the document to begin with */
  constructor(wanted) {
    /** @type {any[]} */
    this.datasets = [];
    /** @type {Map<string, any>} */
    this.files = new Map();
    this.filter = '';
    /** @type {string | null} where the list continues */
    this.next = null;
    /** @type {Ledger | null} */
    this.ledger = null;
    this.watching = new AbortController();
    this.picker = h('input', { class: 'vh', id: 'pickf', type: 'file', multiple: true, 'aria-label': 'Choose files', onchange: () => this.picked() });
    this.tabs = h('nav', { class: 'tabs', 'aria-label': 'Datasets' });
    this.lede = h('section', { class: 'lede', hidden: true });
    this.uploads = h('div', {});
    this.heading = h('h2', { id: 'th' }, 'Files');
    this.tools = h('div', { class: 'row' });
    this.body = h('tbody');
    this.table = h('table', { class: 'grid stack' },
      h('caption', { class: 'vh' }, 'Files with status, size, pages and passages'),
      h('thead', {}, h('tr', {}, ['File', 'Status', 'Size', 'Pages', 'Passages', ''].map((name, n) => h('th', { scope: 'col', class: n > 1 && n < 5 ? 'n' : null }, name || h('span', { class: 'vh' }, 'Actions'))))),
      this.body);
    this.nothing = h('div', { class: 'nothing', hidden: true });
    this.adding = h('section', { 'aria-label': 'Adding files' },
      h('label', { class: 'drop' }, icon('file'),
        h('span', {}, h('b', {}, 'Drop files here'), ' or choose them'),
        h('span', { class: 'mute' }, 'PDF, Word, Excel, PowerPoint, OpenDocument, EPUB, mail, CSV, JSON, text, code, ZIP'),
        this.picker),
      this.uploads);
    this.finder = h('input', { class: 'f', id: 'ff', type: 'search', placeholder: 'Filter files', oninput: (/** @type {any} */ event) => this.filtered(event.target.value) });
    this.main = h('main', {},
      h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, 'Documents'),
        h('button', { class: 'b', type: 'button', onclick: () => this.newDataset() }, icon('plus', 's'), 'New dataset')),
      h('div', { class: 'scroll' }, h('div', { class: 'pagein' }, this.tabs, this.lede, this.adding,
        h('section', { 'aria-labelledby': 'th' },
          h('div', { class: 'hd' }, this.heading, this.tools,
            h('div', { class: 'icf' }, h('label', { class: 'vh', for: 'ff' }, 'Filter files'), icon('search', 's'),
              this.finder)),
          this.table, this.nothing))));
    this.unwatchUploads = watchUploads(() => this.drawUploads());
    this.drawUploads();
    if (wanted) this.showOnly(wanted);
    else this.start();
  }

  /**
   * Begins with the pages of one document, in its dataset.
   * @param {string} id
   */
  async showOnly(id) {
    try {
      const { document } = await api('GET', `/documents/${encodeURIComponent(id)}/pages`);
      current = document.dataset_id;
      this.ledger = new Ledger(document);
      this.finder.value = document.filename;
      this.filter = document.filename;
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    await this.start();
  }

  async start() {
    await this.listDatasets();
    await this.listFiles();
    this.watch();
  }

  picked() {
    this.add([...this.picker.files]);
    this.picker.value = '';
  }

  /** @param {Iterable<File>} files */
  add(files) {
    const dataset = this.datasets.find((one) => one.id === current);
    if (dataset?.builtin) return toast('The handbook is part of satchel. Choose another dataset first.');
    upload(files, current ?? '');
  }

  drawUploads() {
    this.uploads.replaceChildren(uploadList() ?? '');
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.listFiles(), 300);
  }

  async listDatasets() {
    try {
      this.datasets = (await api('GET', '/api/datasets')).datasets;
    } catch (error) {
      return this.failed(error);
    }
    if (!this.datasets.some((one) => one.id === current)) {
      current = (this.datasets.find((one) => one.name === 'Documents') ?? this.datasets.find((one) => !one.builtin))?.id ?? null;
    }
    this.tabs.replaceChildren(...this.datasets.map((one) => h('button', {
      type: 'button', 'aria-current': one.id === current ? 'page' : null,
      onclick: () => { current = one.id; this.ledger = null; this.start(); },
    }, h('b', {}, one.name), h('span', { class: 'num' }, `${plural(one.document_count, 'document')}, ${plural(one.page_count, 'page')}`))));
    this.drawDataset();
  }

  drawDataset() {
    const dataset = this.datasets.find((one) => one.id === current);
    this.adding.hidden = Boolean(dataset?.builtin);
    this.heading.textContent = dataset ? `Files in ${dataset.name}` : 'Files';
    this.tools.replaceChildren();
    if (dataset && !dataset.builtin) {
      put(this.tools,
        iconButton('pen', `Rename dataset ${dataset.name}`, () => this.rename(dataset)),
        iconButton('trash', `Delete dataset ${dataset.name}`, () => this.removeDataset(dataset)));
    }
    this.lede.hidden = !dataset?.pages_without_text;
    if (dataset?.pages_without_text) {
      this.lede.replaceChildren(
        h('h2', {}, `${dataset.pages_without_text.toLocaleString()} of ${plural(dataset.page_count, 'page')} have no text`),
        h('p', { class: 'sub' }, 'They are blank or images of pages, so satchel cannot search or quote them. Which they are stands in the ledger of each file below.'));
    }
  }

  async listFiles() {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (current) query.set('dataset_id', current);
    if (this.filter) query.set('q', this.filter);
    try {
      const list = await api('GET', `/api/documents?${query}`);
      this.total = list.total_count;
      this.next = list.next_cursor;
      this.files = new Map(list.documents.map((/** @type {any} */ one) => [one.id, one]));
      this.drawFiles();
    } catch (error) {
      this.failed(error);
    }
  }

  async more() {
    const query = new URLSearchParams({ limit: String(PAGE), cursor: this.next ?? '' });
    if (current) query.set('dataset_id', current);
    if (this.filter) query.set('q', this.filter);
    const list = await api('GET', `/api/documents?${query}`);
    this.next = list.next_cursor;
    for (const one of list.documents) this.files.set(one.id, one);
    this.drawFiles();
  }

  /** @param {string} text */
  filtered(text) {
    this.filter = text.trim();
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.listFiles(), 200);
  }

  /** @param {unknown} error */
  failed(error) {
    this.nothing.hidden = false;
    this.nothing.replaceChildren(icon('warn'), h('p', {}, /** @type {Error} */ (error).message),
      h('button', { class: 'b', type: 'button', onclick: () => this.start() }, 'Try again'));
  }

  drawFiles() {
    const focused = document.activeElement?.getAttribute('aria-label');
    const { ledger } = this;
    this.body.replaceChildren();
    for (const file of this.files.values()) {
      put(this.body, this.row(file));
      if (ledger && ledger.id === file.id) put(this.body, ledger.row);
    }
    if (this.next) put(this.body, h('tr', {}, h('td', { colspan: '6', class: 'in' }, h('button', { class: 'b', type: 'button', onclick: () => this.more() }, 'Show more files'))));
    this.table.hidden = !this.files.size;
    this.nothing.hidden = this.files.size > 0;
    if (!this.files.size) {
      this.nothing.replaceChildren(this.filter
        ? h('p', {}, `No file here has “${this.filter}” in its name or title.`)
        : h('p', {}, 'Nothing here yet. Add a file: it is read, cut into passages and ready to be asked within seconds.'));
    }
    if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {any} file */
  row(file) {
    const builtin = this.datasets.find((one) => one.id === file.dataset_id)?.builtin;
    const open = this.ledger?.id === file.id;
    const name = file.title || file.filename;
    return h('tr', { class: open ? 'sel' : null, 'data-id': file.id },
      h('th', { scope: 'row' },
        h('button', { type: 'button', class: 'x', 'aria-expanded': String(open), 'aria-label': `Pages of ${name}`, onclick: () => this.expand(file) }, icon('right', 's flip'), h('span', {}, name)),
        file.title && file.title !== file.filename && h('small', { class: 'mute' }, file.filename)),
      h('td', { class: 'full' }, status(file)),
      h('td', { class: 'n', 'data-l': 'Size' }, size(file.bytes)),
      h('td', { class: 'n', 'data-l': 'Pages' }, file.page_count.toLocaleString(), strip(file)),
      h('td', { class: 'n', 'data-l': 'Passages' }, file.chunk_count.toLocaleString()),
      h('td', { class: 'act' }, h('div', { class: 'acts' },
        file.status === 'failed' && iconButton('redo', `Try ${name} again`, () => this.retry(file)),
        iconButton('ext', `Open ${name}`, () => openOriginal(file.id)),
        !builtin && iconButton('trash', `Delete ${name}`, () => this.remove(file)))));
  }

  /** @param {any} file */
  expand(file) {
    this.ledger = this.ledger?.id === file.id ? null : new Ledger(file);
    this.drawFiles();
  }

  /** @param {any} file */
  async retry(file) {
    try {
      this.files.set(file.id, await api('POST', `/documents/${file.id}/retry`));
      this.drawFiles();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  /** @param {any} file */
  async remove(file) {
    const name = file.title || file.filename;
    const yes = await confirmed({ title: 'Delete this document?', text: `“${name}” is removed with its text and passages. Answers that cite it keep their words.`, action: 'Delete' });
    if (!yes) return;
    try {
      await api('DELETE', `/documents/${file.id}`);
      this.files.delete(file.id);
      this.drawFiles();
      toast('Document deleted');
      this.listDatasets();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  async newDataset() {
    const form = await dialog('New dataset', [
      h('label', { class: 'field' }, 'Name', h('input', { class: 'f', name: 'name', required: true, maxlength: '100', autofocus: true })),
      h('label', { class: 'field' }, 'Description', h('input', { class: 'f', name: 'description', maxlength: '2000' })),
    ], 'Create');
    if (!form) return;
    await this.change(async () => {
      const made = await api('POST', '/api/datasets', { name: form.get('name'), description: form.get('description') });
      current = made.id;
    });
  }

  /** @param {any} dataset */
  async rename(dataset) {
    const form = await dialog('Rename dataset', [
      h('label', { class: 'field' }, 'Name', h('input', { class: 'f', name: 'name', required: true, maxlength: '100', value: dataset.name })),
      h('label', { class: 'field' }, 'Description', h('input', { class: 'f', name: 'description', maxlength: '2000', value: dataset.description })),
    ], 'Save');
    if (!form) return;
    await this.change(() => api('PATCH', `/api/datasets/${dataset.id}`, { name: form.get('name'), description: form.get('description') }));
  }

  /** @param {any} dataset */
  async removeDataset(dataset) {
    const yes = await confirmed({ title: `Delete ${dataset.name}?`, text: `Its ${plural(dataset.document_count, 'document')} are removed with all their text and passages.`, action: 'Delete' });
    if (yes) await this.change(() => api('DELETE', `/api/datasets/${dataset.id}`));
  }

  /** @param {() => Promise<any>} work */
  async change(work) {
    try {
      await work();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    await this.listDatasets();
    await this.listFiles();
  }

  /** Follows what happens to documents; a lost stream is opened again. */
  async watch() {
    if (this.isWatching) return;
    this.isWatching = true;
    while (!this.watching.signal.aborted) {
      try {
        for await (const { data } of events('/api/events', { signal: this.watching.signal })) this.step(data);
      } catch {
        // Lost, or left: the loop's condition tells them apart.
      }
      if (this.watching.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
      await this.listFiles();
    }
  }

  /** @param {any} step */
  step(step) {
    const file = this.files.get(step.document_id);
    if (current === null) this.start();
    if (step.dataset_id !== current) return;
    if (step.deleted) {
      if (this.files.delete(step.document_id)) this.drawFiles();
      return;
    }
    if (!file || ['ready', 'failed'].includes(step.status)) {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => { this.listFiles(); this.listDatasets(); }, 300);
    }
    if (!file) return;
    Object.assign(file, {
      status: step.status, error: step.error, page_count: step.page_count, pages_without_text: step.pages_without_text,
      chunk_count: step.chunk_count, embedded_count: step.embedded_count,
    });
    this.body.querySelector(`tr[data-id="${file.id}"]`)?.replaceWith(this.row(file));
  }

  leave() {
    this.watching.abort();
    this.unwatchUploads();
    clearTimeout(this.soon);
  }
}

/** @param {any} file */
function status(file) {
  const unread = file.pages_without_text;
  if (file.status === 'failed') return h('span', { class: 'st bad' }, icon('warn', 's'), h('span', {}, `Failed: ${file.error ?? 'no reason is known'}`));
  if (file.status === 'ready') {
    const note = unread ? ` ${plural(unread, 'page')} without text` : '';
    return h('span', { class: 'st' }, icon(unread ? 'warn' : 'check', 's'), `Ready${note && ','}${note}`);
  }
  if (file.status === 'embedding') {
    return h('span', { class: 'st' }, h('progress', { max: Math.max(1, file.chunk_count), value: file.embedded_count, 'aria-label': `Embedding ${file.filename}` }), h('span', { class: 'num' }, `Embedding ${file.embedded_count} of ${file.chunk_count}`));
  }
  return h('span', { class: 'st' }, h('progress', { 'aria-label': `Reading ${file.filename}` }), file.status === 'queued' ? 'Waiting' : 'Reading');
}
