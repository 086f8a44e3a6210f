// @ts-check
// Folders of the machine on which satchel runs that datasets are kept in step
// with: which there are, how each stands, and adding, pausing and stopping them.
// Only operators see any of it.

import { api } from './api.js';
import { confirmed, dialog, h, icon, put, sheet, toast } from './dom.js';
import { FolderChooser } from './folder_chooser.js';
import { t, tn } from './language.js';
import { menu } from './menu.js';
import { field, heading, select, trouble } from './panel.js';
import { isOperator } from './roles.js';
import { row, table } from './table.js';
import { ago, number } from './words.js';

/** How often the list is looked at, and while something is being read, in ms. */
const LOOK_EVERY = 10_000;
const SOON = 2500;

/** @typedef {{datasets: any[], current: string | null}} Place the datasets that can be chosen, and the one that is shown */

export class WatchedFolders {
  /** @param {() => Place} place */
  constructor(place) {
    this.place = place;
    /** @type {any[]} */
    this.folders = [];
    /** @type {string[]} */
    this.watchable = [];
    /** Folders whose failed files are shown. @type {Set<string>} */
    this.unfolded = new Set();
    this.shown = '';
    this.timer = 0;
    /** When the list is looked at next. */
    this.due = Infinity;
    this.left = false;
    this.list = h('div', {});
    this.element = h('section', { 'aria-label': t('Folders kept in step'), hidden: true },
      heading(t('Folders kept in step'), h('button', { class: 'b', type: 'button', onclick: () => this.add() }, icon('folder', 's'), t('Keep a folder in step'))),
      this.list);
  }

  async load() {
    if (!isOperator() || this.left) return;
    let wait = LOOK_EVERY;
    try {
      const { watched_folders: folders, watchable } = await api('GET', '/api/watched-folders');
      this.folders = folders;
      this.watchable = watchable;
      if (folders.some((/** @type {any} */ one) => ['starting', 'working'].includes(one.state))) wait = SOON;
      this.draw();
    } catch (error) {
      this.shown = '';
      this.list.replaceChildren(trouble(error));
    }
    this.element.hidden = false;
    this.due = Infinity;
    this.lookIn(document.hidden ? LOOK_EVERY : wait);
  }

  /** Something became of some document. */
  step() {
    if (this.folders.length) this.lookIn(SOON);
  }

  /**
   * Looks at the list after a time, unless it is looked at sooner.
   * @param {number} wait in ms
   */
  lookIn(wait) {
    const due = Date.now() + wait;
    if (this.left || due >= this.due) return;
    this.due = due;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), wait);
  }

  draw() {
    // What is the same, or being used, stays as it is.
    const now = JSON.stringify(this.folders.map((one) => [one, one.looked_at && ago(one.looked_at)]));
    if (now === this.shown || this.list.querySelector(':popover-open')) return;
    this.shown = now;
    const focused = this.list.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    this.list.replaceChildren(this.folders.length ? this.table() : h('p', { class: 'sub' }, t('satchel can keep a dataset in step with a folder of the machine on which it runs: what is added, changed or removed there is added, changed or removed here.')));
    if (focused) /** @type {HTMLElement | null} */ (this.list.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  table() {
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Folder') }, { name: t('Dataset') }, { name: t('Files'), kind: 'n' }, { name: t('State'), kind: 'full' }, { name: t('Actions'), kind: 'act' }]);
    const rows = this.folders.map((one) => row(columns, [
      [h('span', { class: 'path', translate: 'no' }, one.path), h('small', { class: 'mute' }, patterns(one))],
      h('span', { translate: 'no' }, one.dataset_name),
      one.looked_at ? number(one.file_count) : '–',
      this.state(one),
      menu(t('Actions for folder {path}', { path: one.path }), () => [
        one.paused
          ? { label: t('Resume'), symbol: 'play', run: () => this.pause(one, false) }
          : { label: t('Pause'), symbol: 'pause', run: () => this.pause(one, true) },
        { label: t('Stop watching'), symbol: 'stop', bad: true, run: () => this.stop(one) },
      ]),
    ], { 'data-id': one.id }));
    return table(t('Folders kept in step'), columns, h('tbody', {}, rows));
  }

  /** @param {any} one */
  state(one) {
    const cell = h('div', {}, standing(one));
    const looked = one.looked_at && !one.paused && t('Last look: {when}', { when: ago(one.looked_at) });
    put(cell, looked && h('small', { class: 'mute' }, looked));
    if (one.failed_count) {
      const left = one.failed_count - one.failed.length;
      const toggled = (/** @type {Event} */ event) => {
        const { open } = /** @type {HTMLDetailsElement} */ (event.target);
        if (open) this.unfolded.add(one.id);
        else this.unfolded.delete(one.id);
      };
      put(cell, h('details', { open: this.unfolded.has(one.id), ontoggle: toggled },
        h('summary', {}, t('Which and why')),
        h('ul', { class: 'failed' }, one.failed.map((/** @type {any} */ file) => h('li', {}, h('b', { translate: 'no' }, file.path), ' ', file.reason))),
        left > 0 && h('p', { class: 'mute' }, tn(left, '{count} more file', '{count} more files'))));
    }
    return cell;
  }

  async add() {
    if (!this.watchable.length) return void explain();
    const { datasets, current } = this.place();
    if (!datasets.length) return toast(t('Make a dataset first.'));
    const chooser = new FolderChooser('path');
    const chosen = datasets.some((one) => one.id === current) ? current ?? '' : datasets[0].id;
    const accept = (/** @type {FormData} */ form) => api('POST', '/api/watched-folders', {
      path: String(form.get('path')).trim(), dataset_id: form.get('dataset'), include: listed(form.get('include')), exclude: listed(form.get('exclude')),
    });
    const added = await dialog(t('Keep a folder in step'), [
      chooser.element,
      field(t('Dataset'), select({ name: 'dataset' }, datasets.map((one) => [one.id, one.name]), chosen), t('What is removed from the folder is removed from the dataset, too. Documents that you added yourself stay.')),
      h('details', {}, h('summary', {}, t('Only some files')),
        field(t('Take only'), h('input', { class: 'f', name: 'include', autocomplete: 'off' }), t('Patterns such as {example}, separated by commas. Empty: all that satchel reads.', { example: '*.md' })),
        field(t('Leave out'), h('input', { class: 'f', name: 'exclude', autocomplete: 'off' }), t('Files and folders that fit a pattern such as {example}; several are separated by commas.', { example: 'drafts' }))),
    ], t('Keep in step'), { accept });
    if (!added) return;
    toast(t('The folder is being compared with the dataset'));
    await this.load();
  }

  /**
   * @param {any} one
   * @param {boolean} paused
   */
  async pause(one, paused) {
    await this.change(() => api('PATCH', `/api/watched-folders/${one.id}`, { paused }), paused ? t('Paused: changes are not followed') : t('Changes are followed again'));
  }

  /** @param {any} one */
  async stop(one) {
    const yes = await confirmed({ title: t('Stop watching this folder?'), text: t('Changes in {path} are followed no longer. The documents that came from it stay in the dataset {dataset}.', { path: one.path, dataset: one.dataset_name }), action: t('Stop watching') });
    if (yes) await this.change(() => api('DELETE', `/api/watched-folders/${one.id}`), t('The folder is watched no longer. Its documents stay.'));
  }

  /**
   * @param {() => Promise<any>} work
   * @param {string} done
   */
  async change(work, done) {
    try {
      await work();
      toast(done);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    await this.load();
  }

  leave() {
    this.left = true;
    clearTimeout(this.timer);
  }
}

/**
 * How a folder stands, in words.
 * @param {any} one
 */
function standing(one) {
  const st = (/** @type {string} */ symbol, /** @type {string} */ words, kind = '') => h('span', { class: `st ${kind}`.trim() }, icon(symbol, 's'), h('span', {}, words));
  const works = (/** @type {string} */ words) => h('span', { class: 'st' }, h('progress', { 'aria-label': t('Reading {name}', { name: one.path }) }), h('span', {}, words));
  if (one.paused) return st('pause', t('Paused'));
  if (one.error) return st('warn', t('Not followed: {reason}', { reason: one.error }), 'bad');
  if (one.reading && one.left_count) return works(tn(one.left_count, 'Reading {name}, {count} more waits', 'Reading {name}, {count} more wait', { name: one.reading }));
  if (one.reading) return works(t('Reading {name}', { name: one.reading }));
  if (one.unfinished_count) return works(tn(one.unfinished_count, '{count} document is being read', '{count} documents are being read'));
  if (one.unsettled_count) return works(tn(one.unsettled_count, '{count} file is still changing', '{count} files are still changing'));
  if (one.state === 'starting') return works(t('Looking for the first time'));
  if (one.failed_count) return st('warn', tn(one.failed_count, '{count} file could not be read', '{count} files could not be read'));
  return st('check', t('In step'));
}

/**
 * What of a folder is taken and left out, where that is said.
 * @param {any} one
 */
function patterns({ include, exclude }) {
  const parts = [
    include.length && t('only {patterns}', { patterns: include.join(', ') }),
    exclude.length && t('without {patterns}', { patterns: exclude.join(', ') }),
  ];
  return parts.filter(Boolean).join('; ');
}

/**
 * Patterns that are separated by commas.
 * @param {FormDataEntryValue | null} text
 */
const listed = (text) => String(text ?? '').split(',').map((one) => one.trim()).filter(Boolean);

/** Says what allows folders to be chosen. */
function explain() {
  sheet(t('Keep a folder in step'), [
    h('p', {}, t('satchel can keep a dataset in step with a folder of the machine on which it runs: what is added, changed or removed there is added, changed or removed here.')),
    h('p', {}, t('The settings allow no folder of this machine to be chosen on the page. Start satchel with the setting “watchable”, which names the folder below which all may be chosen:')),
    h('pre', {}, h('code', {}, 'satchel serve --watchable /srv/papers')),
  ]);
}
