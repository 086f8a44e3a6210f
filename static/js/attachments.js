// @ts-check
// Files for one question: uploaded at once, and asked as soon as they are read.

import { api, events, request } from './api.js';
import { h, icon, iconButton, put, say } from './dom.js';
import { t } from './language.js';

/**
 * @typedef {object} Attachment
 * @property {string} name
 * @property {'sending' | 'reading' | 'ready' | 'failed'} state
 * @property {string} id of the document
 * @property {string} message
 * @property {AbortController} life
 */

export class Attachments {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Attachment[]} */
    this.all = [];
    this.element = h('ul', { class: 'tokens', 'aria-label': t('Attached files'), hidden: true });
  }

  get isReady() {
    return this.all.every((one) => one.state === 'ready');
  }

  get hasFailed() {
    return this.all.some((one) => one.state === 'failed');
  }

  /**
   * @param {Iterable<File>} files
   * @param {string} dataset '' for the default one
   */
  add(files, dataset) {
    for (const file of files) {
      /** @type {Attachment} */
      const one = { name: file.name, state: 'sending', id: '', message: '', life: new AbortController() };
      this.all.push(one);
      this.upload(one, file, dataset);
    }
    this.draw();
  }

  /**
   * @param {Attachment} one
   * @param {File} file
   * @param {string} dataset
   */
  async upload(one, file, dataset) {
    const { signal } = one.life;
    try {
      const form = new FormData();
      if (dataset) form.append('dataset_id', dataset);
      form.append('file', file, file.name);
      const sent = await (await request('/documents/upload', { method: 'POST', body: form, signal })).json();
      one.id = sent.id;
      one.state = 'reading';
      this.draw();
      await this.read(one, signal);
    } catch (error) {
      if (signal.aborted) return;
      one.state = 'failed';
      one.message = /** @type {Error} */ (error).message;
    }
    if (one.state === 'failed') say(`${one.name}: ${one.message}`);
    this.draw();
    this.changed();
  }

  /**
   * Waits until a document can be searched.
   * @param {Attachment} one
   * @param {AbortSignal} signal
   */
  async read(one, signal) {
    for await (const { data } of events(`/documents/${one.id}/events`, { signal })) {
      if (data.status === 'failed' || data.deleted) throw new Error(data.error || t('This file could not be read.'));
      if (data.status === 'ready') break;
    }
    const { document } = await api('GET', `/documents/${one.id}/pages`);
    if (document.status !== 'ready') throw new Error(document.error || t('This file could not be read.'));
    one.state = 'ready';
  }

  /** @param {Attachment} one */
  remove(one) {
    one.life.abort();
    this.all = this.all.filter((other) => other !== one);
    this.draw();
    this.changed();
  }

  /** Gives the documents to a question, and is empty again. */
  take() {
    const taken = this.all.filter((one) => one.state === 'ready');
    this.all = [];
    this.draw();
    return taken;
  }

  draw() {
    this.element.hidden = !this.all.length;
    this.element.replaceChildren(...this.all.map((one) => this.token(one)));
  }

  /** @param {Attachment} one */
  token(one) {
    const states = { sending: t('Uploading'), reading: t('Reading'), ready: '', failed: one.message };
    const item = h('li', { class: `token ${one.state === 'failed' ? 'bad' : ''}` }, icon(one.state === 'failed' ? 'warn' : 'attach', 's'), h('span', { class: 'cut' }, one.name));
    if (states[one.state]) put(item, h('span', { class: 'mute' }, states[one.state]));
    put(item, iconButton('close', t('Remove {name}', { name: one.name }), () => this.remove(one)));
    return item;
  }
}
