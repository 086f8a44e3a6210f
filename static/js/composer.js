// @ts-check
// Where questions are written: the box, what they are restricted to, files for
// one question, sending and stopping. Knows nothing of answers.

import { api } from './api.js';
import { Attachments } from './attachments.js';
import { h, icon, iconButton, put, toast } from './dom.js';
import { t } from './language.js';
import { hint } from './menu.js';
import { Scope, choose } from './scope.js';

/** The values of entries of the list that are no dataset. */
const CHOOSE = '…';
const ALL = '*';

/** The dataset that was chosen last; the empty one is all. */
let chosenDataset = '';

/** Longest part of a selected text that is repeated. */
const EXCERPT = 120;

/** @typedef {{message: string, scope: any, think: boolean}} Written */

export class Composer {
  /** @param {{ask: (written: Written) => void, stop: () => void, listed: (datasets: any[]) => void}} actions */
  constructor(actions) {
    this.actions = actions;
    this.busy = false;
    this.thinks = false;
    this.waiting = false;
    this.selection = '';
    this.scope = new Scope();
    /** @type {any[]} */
    this.datasets = [];
    this.attachments = new Attachments(() => this.attached());
    this.box = h('textarea', {
      id: 'q', rows: '1', placeholder: t('Ask your documents'), dir: 'auto',
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      oninput: () => this.fit(),
    });
    this.dataset = h('select', { id: 'dataset', onchange: () => this.picked() });
    this.chosen = h('ul', { class: 'tokens', 'aria-label': t('Search only in'), hidden: true });
    this.about = h('div', { class: 'token about', hidden: true });
    this.files = h('input', { type: 'file', multiple: true, hidden: true, 'aria-label': t('Files for this question'), onchange: () => this.attach() });
    this.thinkButton = h('button', { class: 'b q think', type: 'button', 'aria-pressed': 'false', hidden: true, onclick: () => this.think() }, t('Think first'));
    hint(this.thinkButton, () => t('The model thinks before it answers. That takes longer and helps with questions that need several steps; models that cannot think are not changed by it.'));
    this.sendButton = h('button', { class: 'ib p', type: 'submit', 'aria-label': t('Send'), title: t('Send') }, icon('send'));
    this.stopButton = iconButton('stop', t('Stop writing'), () => actions.stop(), 'p');
    this.stopButton.hidden = true;
    this.element = h('form', { class: 'composer', 'aria-label': t('Ask'), onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.send(); } },
      this.about,
      this.chosen,
      this.attachments.element,
      h('label', { class: 'vh', for: 'q' }, t('Your question')),
      this.box,
      h('div', {},
        iconButton('attach', t('Attach files to this question'), () => this.files.click()),
        this.files,
        h('label', { class: 'pick' }, icon('doc', 's'), h('span', { class: 'vh' }, t('Search in')), this.dataset, icon('pick', 's')),
        this.thinkButton,
        h('span', { class: 'grow' }),
        this.sendButton,
        this.stopButton));
    this.drawScope();
    this.list();
  }

  focus() {
    this.box.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  /** Lets the box grow where the browser does not do so itself. */
  fit() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.box.style.height = 'auto';
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  async list() {
    try {
      const { datasets } = await api('GET', '/api/datasets');
      this.datasets = datasets;
      const known = datasets.find((/** @type {any} */ one) => one.id === chosenDataset);
      if (known && !this.scope.documents.length && !this.scope.datasets.length) this.scope.datasets = [{ id: known.id, name: known.name }];
      this.drawScope();
      this.actions.listed(datasets);
    } catch {
      // All documents can be asked without the list.
    }
  }

  /** @param {any} stored what the last question of the chat was restricted to */
  async restore(stored) {
    if (!stored?.dataset_ids?.length && !stored?.document_ids?.length) return;
    if (!this.datasets.length) await this.list();
    await this.scope.restore(stored, this.datasets);
    this.drawScope();
  }

  async picked() {
    const { value } = this.dataset;
    if (value === CHOOSE) {
      await choose(this.scope, this.datasets);
    } else {
      chosenDataset = value === ALL ? '' : value;
      this.scope.documents = [];
      this.scope.datasets = this.datasets.filter((one) => one.id === value).map(({ id, name }) => ({ id, name }));
    }
    this.drawScope();
    this.focus();
  }

  drawScope() {
    const { scope } = this;
    this.dataset.replaceChildren(
      ...(scope.isNarrow ? [h('option', { value: '' }, t('Only these')), h('option', { value: ALL }, t('All documents'))] : [h('option', { value: '' }, t('All documents'))]),
      ...this.datasets.map((one) => h('option', { value: one.id, translate: 'no' }, one.name)),
      h('option', { value: CHOOSE }, t('Choose…')));
    this.dataset.value = scope.documents.length || scope.datasets.length !== 1 ? '' : scope.datasets[0].id;
    const shown = scope.isNarrow ? [...scope.documents, ...scope.datasets] : [];
    this.chosen.hidden = !shown.length;
    this.chosen.replaceChildren(...shown.map((one) => h('li', { class: 'token' }, icon('doc', 's'), h('span', { class: 'cut', translate: 'no' }, one.name),
      iconButton('close', t('No longer only in {name}', { name: one.name }), () => { scope.remove(one); this.drawScope(); }))));
  }

  attach() {
    this.attachments.add([...this.files.files], this.writable());
    this.files.value = '';
    this.focus();
  }

  /** The dataset that new files go to: the one that is asked, unless nothing can be added to it. */
  writable() {
    const chosen = this.datasets.find((one) => one.id === this.dataset.value);
    return chosen && !chosen.builtin ? chosen.id : '';
  }

  /** A file is read, failed, or is gone. */
  attached() {
    if (this.waiting && this.attachments.isReady) this.send();
    if (this.attachments.hasFailed) this.waiting = false;
  }

  /**
   * The next question is about this text and nothing else.
   * @param {string} text
   */
  askAbout(text) {
    this.selection = text;
    this.about.hidden = !text;
    const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
    this.about.replaceChildren(icon('quote', 's'), h('span', { class: 'doc cut', dir: 'auto' }, t('About “{text}”', { text: excerpt })));
    put(this.about, iconButton('close', t('No longer about this text'), () => { this.askAbout(''); this.focus(); }));
    if (text) this.focus();
  }

  send() {
    const message = this.box.value.trim();
    if (!message || this.busy) return;
    if (this.attachments.hasFailed) return void toast(t('Remove the file that could not be read first.'));
    if (!this.attachments.isReady) {
      this.waiting = true;
      return void toast(t('Your question is asked as soon as the files are read.'));
    }
    this.waiting = false;
    const files = this.attachments.take();
    const scope = this.selection
      ? { selected_text: this.selection }
      : files.length ? { document_ids: files.map((one) => one.id), names: files.map((one) => one.name) } : this.scope.fields();
    this.askAbout('');
    this.box.value = '';
    this.fit();
    this.actions.ask({ message, scope, think: this.thinks });
  }

  /** Thinking first, or no longer. */
  think() {
    this.thinks = !this.thinks;
    this.thinkButton.setAttribute('aria-pressed', String(this.thinks));
  }

  /** @param {boolean} writes whether a chat model writes the answers */
  setModel(writes) {
    this.thinkButton.hidden = !writes;
    if (!writes) this.thinks = false;
  }

  /** @param {boolean} busy whether an answer is being given */
  setBusy(busy) {
    this.busy = busy;
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (!busy && document.activeElement === document.body) this.focus();
  }

  leave() {
    for (const one of [...this.attachments.all]) one.life.abort();
  }
}
