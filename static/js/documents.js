// @ts-check
// Documents: datasets, adding files to them, and the list of what is there.

import { api } from './api.js';
import { deleteDataset, editDataset, isOwn, seenBy } from './datasets.js';
import { h, icon, put, toast } from './dom.js';
import { meant } from './drop.js';
import { Files } from './files.js';
import { t, tn } from './language.js';
import { languageNote } from './language_note.js';
import { menu } from './menu.js';
import { watchDocuments } from './progress.js';
import { menuButton } from './shell.js';
import { centre } from './tabs.js';
import { upload, uploadList, watchUploads } from './uploads.js';
import { WatchedFolders } from './watched_folders.js';

/** How soon the counts of datasets are asked for again, in ms. */
const RECOUNT = 400;

/** @type {string | null} the dataset that was looked at last */
let current = null;

/**
 * @param {string} [documentId] whose pages are shown at once
 * @returns {import('./main.js').View}
 */
export function documents(documentId) {
  const view = new Documents(documentId ?? null);
  return { main: view.main, title: t('Documents'), leave: () => view.leave(), drop: (files) => view.add(files) };
}

class Documents {
  /** @param {string | null} wanted id of the document to begin with */
  constructor(wanted) {
    /** @type {any[]} */
    this.datasets = [];
    /** Datasets that are off the page while they can still be brought back. @type {Set<string>} */
    this.taken = new Set();
    this.soon = 0;
    this.files = new Files(this.place());
    this.watched = new WatchedFolders(() => ({ datasets: this.datasets.filter((one) => isOwn(one) && !this.taken.has(one.id)), current }));
    this.build();
    this.unwatch = [watchUploads(() => this.drawUploads()), watchDocuments((step) => this.step(step))];
    this.drawUploads();
    this.start(wanted);
  }

  build() {
    this.picker = h('input', { class: 'vh', id: 'pickf', type: 'file', multiple: true, 'aria-label': t('Choose files'), onchange: () => this.picked(this.picker) });
    this.folder = h('input', { class: 'vh', id: 'pickd', type: 'file', multiple: true, webkitdirectory: true, 'aria-label': t('Choose a folder'), onchange: () => this.picked(this.folder) });
    this.tabs = h('nav', { class: 'tabs', 'aria-label': t('Datasets') });
    this.about = h('div', { class: 'about row' });
    // What stands below the datasets waits for them.
    this.head = h('div', { class: 'datasets', 'aria-busy': 'true' }, this.tabs, this.about);
    this.lede = h('section', { class: 'lede', hidden: true });
    this.note = h('div', { hidden: true });
    this.uploads = h('div', {});
    this.adding = h('section', { 'aria-label': t('Adding files') },
      h('div', { class: 'adding' },
        h('label', { class: 'drop' }, icon('file'),
          h('span', {}, h('b', {}, t('Drop files or folders here')), ' ', t('or choose them')),
          h('span', { class: 'mute' }, t('PDF, Word, Excel, PowerPoint, OpenDocument, EPUB, mail, CSV, JSON, text, code, ZIP')),
          this.picker),
        h('label', { class: 'b folderpick' }, icon('folder', 's'), t('Add a folder'), this.folder)),
      this.uploads);
    this.main = h('main', {},
      h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, t('Documents')),
        h('button', { class: 'b', type: 'button', onclick: () => this.edit() }, icon('plus', 's'), t('New dataset'))),
      h('div', { class: 'scroll' }, h('div', { class: 'pagein' }, this.head, this.lede, this.note, this.adding, this.watched.element, this.files.element)));
  }

  /** @param {string | null} wanted */
  async start(wanted) {
    /** @type {any} */
    let shown = null;
    if (wanted) {
      try {
        shown = (await api('GET', `/documents/${encodeURIComponent(wanted)}/pages`)).document;
        current = shown.dataset_id;
      } catch (error) {
        toast(/** @type {Error} */ (error).message);
      }
    }
    await this.listDatasets();
    if (shown) {
      this.files.ledger = this.files.ledgerOf(shown);
      await this.files.find(shown.filename);
    } else {
      await this.files.load();
    }
  }

  /** @returns {import('./files.js').Place} */
  place() {
    const dataset = this.dataset();
    return {
      id: current, builtin: Boolean(dataset?.builtin), changed: () => this.recount(),
      others: this.datasets.filter((one) => isOwn(one) && one.id !== current && !this.taken.has(one.id)),
    };
  }

  dataset() {
    return this.datasets.find((one) => one.id === current);
  }

  /** @param {HTMLInputElement} picker */
  picked(picker) {
    this.add(meant(picker.files ?? []));
    picker.value = '';
  }

  /** @param {Iterable<File>} files */
  add(files) {
    if (this.dataset()?.builtin) return toast(t('The handbook is part of satchel. Choose another dataset first.'));
    upload(files, current ?? '');
  }

  drawUploads() {
    const focused = this.uploads.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    this.uploads.replaceChildren(uploadList() ?? '');
    if (focused) /** @type {HTMLElement | null} */ (this.uploads.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  async listDatasets() {
    try {
      this.datasets = (await api('GET', '/api/datasets')).datasets;
    } catch (error) {
      this.head.removeAttribute('aria-busy');
      return this.files.failed(/** @type {Error} */ (error));
    }
    const there = this.datasets.filter((one) => !this.taken.has(one.id));
    if (!there.some((one) => one.id === current)) {
      current = (there.find((one) => one.name === 'Documents') ?? there.find(isOwn))?.id ?? null;
    }
    this.files.place = this.place();
    const focused = this.tabs.contains(document.activeElement);
    this.tabs.replaceChildren(...there.map((one) => this.tab(one)));
    if (focused) /** @type {HTMLElement | null} */ (this.tabs.querySelector('[aria-current]'))?.focus();
    this.drawDataset();
    await Promise.all([this.drawNote(), this.head.hasAttribute('aria-busy') && this.watched.load()]);
    this.head.removeAttribute('aria-busy');
    centre(this.tabs, this.tabs.querySelector('[aria-current]'));
  }

  /** @param {any} one */
  tab(one) {
    const { symbol } = seenBy(one.visibility);
    return h('button', { type: 'button', 'aria-current': one.id === current ? 'page' : null, onclick: () => this.show(one.id) },
      h('b', { translate: 'no' }, one.name, !one.builtin && one.visibility !== 'tenant' && icon(symbol, 's')),
      h('span', { class: 'num' }, t('{documents}, {pages}', { documents: tn(one.document_count, '{count} document', '{count} documents'), pages: tn(one.page_count, '{count} page', '{count} pages') })));
  }

  /** @param {string | null} id */
  async show(id) {
    current = id;
    const chosen = this.tabs.contains(document.activeElement);
    await this.listDatasets();
    await this.files.moveTo(this.place());
    // Who chose by keyboard goes on from there, whatever was drawn meanwhile.
    const lost = document.activeElement === document.body;
    if (chosen && lost) /** @type {HTMLElement | null} */ (this.tabs.querySelector('[aria-current]'))?.focus();
  }

  drawDataset() {
    const dataset = this.dataset();
    this.adding.hidden = Boolean(dataset?.builtin);
    this.files.heading.textContent = dataset ? t('Files in {name}', { name: dataset.name }) : t('Files');
    this.about.replaceChildren();
    this.about.hidden = !dataset;
    if (dataset) {
      const { symbol, words } = seenBy(dataset.visibility);
      const told = dataset.builtin ? t('The manual of satchel itself. It is asked when you have no documents.') : dataset.description;
      put(this.about, h('p', { class: 'grow sub' }, told, told && ' ', !dataset.builtin && h('span', { class: 'seen mute' }, icon(symbol, 's'), words)));
      if (!dataset.builtin) put(this.about, menu(t('Actions for dataset {name}', { name: dataset.name }), () => this.actions(dataset)));
    }
    this.lede.hidden = !dataset?.pages_without_text;
    if (dataset?.pages_without_text) {
      this.lede.replaceChildren(
        h('h2', {}, t('{unread} of {pages} were not read', { unread: dataset.pages_without_text, pages: tn(dataset.page_count, '{count} page', '{count} pages') })),
        h('p', { class: 'sub' }, t('They are blank, or pictures with hardly any text, so satchel cannot search or quote what they show. Which they are stands in the ledger of each file below.')));
    }
  }

  /** What the vectors do not know of the dataset, said once for all its files. */
  async drawNote() {
    const dataset = this.dataset();
    // Without it the documents are there all the same.
    const note = dataset && await languageNote(dataset).catch(() => null);
    // Another one is shown meanwhile, or this one was counted anew.
    if (dataset !== this.dataset()) return;
    this.note.hidden = !note;
    this.note.replaceChildren(note ?? '');
  }

  /** @param {any} dataset */
  actions(dataset) {
    return [
      { label: t('Edit and share'), symbol: 'pen', run: () => this.edit(dataset) },
      { label: t('Delete'), symbol: 'trash', bad: true, run: () => deleteDataset(dataset, (there) => this.keep(dataset, there)) },
    ];
  }

  /** @param {any} [dataset] */
  async edit(dataset) {
    const saved = await editDataset(dataset);
    if (saved) await this.show(saved.id);
  }

  /**
   * @param {any} dataset
   * @param {boolean} there
   */
  keep(dataset, there) {
    if (there) this.taken.delete(dataset.id);
    else this.taken.add(dataset.id);
    this.show(there ? dataset.id : null);
  }

  recount() {
    this.soon ||= setTimeout(() => {
      this.soon = 0;
      this.listDatasets();
    }, RECOUNT);
  }

  /** @param {any} step */
  step(step) {
    if (current === null) return void this.show(null);
    this.files.step(step);
    this.watched.step();
    if (!step || step.deleted || ['ready', 'failed'].includes(step.status)) this.recount();
  }

  leave() {
    this.unwatch.forEach((stop) => stop());
    this.files.leave();
    this.watched.leave();
    clearTimeout(this.soon);
  }
}
