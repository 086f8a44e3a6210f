// @ts-check
// Models: what is installed and loaded, downloads with how far they are, and
// the catalogue. A part of the settings.

import { api, events, user } from './api.js';
import { confirmed, h, icon, iconButton, put, say, toast } from './dom.js';
import { plural, size } from './words.js';

/** How long to wait before a lost stream of progress is opened again, in ms. */
const RECONNECT = 2000;

/** What a download is doing, unless it is receiving. */
const DOING = {
  waiting: 'Waiting for another download',
  connecting: 'Connecting',
  retrying: 'The connection was lost, trying again',
  checking: 'Checking',
};

export class Models {
  constructor() {
    /** @type {any} what the server last listed */
    this.list = null;
    /** @type {Map<string, any>} downloads by file */
    this.downloads = new Map();
    /** @type {Set<string>} names that the server was just asked for */
    this.asked = new Set();
    this.onlyFitting = true;
    this.watching = new AbortController();
    this.isAdmin = user()?.role === 'admin';
    this.main = h('section', { 'aria-label': 'Models' });
    // Made once: what was typed stays when the rest is drawn again.
    this.form = this.byName();
    this.start();
  }

  async start() {
    await this.read();
    this.watch();
  }

  async read() {
    try {
      this.list = await api('GET', '/api/models');
      this.downloads = new Map(this.list.downloads.map((/** @type {any} */ one) => [one.name, one]));
      this.draw();
    } catch (error) {
      if (!this.watching.signal.aborted) this.main.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
    }
  }

  /** Follows what happens to models; a lost stream is opened again. */
  async watch() {
    while (!this.watching.signal.aborted) {
      try {
        for await (const { name, data } of events('/api/models/events', { signal: this.watching.signal })) {
          if (name === 'download') this.step(data);
          else await this.read();
        }
      } catch {
        // Lost, or left: the loop's condition tells them apart.
      }
      if (this.watching.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
      await this.read();
    }
  }

  /** @param {any} step */
  step(step) {
    const before = this.downloads.get(step.name)?.state;
    if (step.state === 'done') say(`${step.name} is installed`);
    if (['done', 'discarded'].includes(step.state)) return void this.read();
    this.downloads.set(step.name, step);
    const row = this.main.querySelector(`tr[data-file="${CSS.escape(step.name)}"]`);
    if (!row || before !== step.state) return this.draw();
    row.querySelector('.how')?.replaceWith(progress(step));
  }

  draw() {
    const focused = document.activeElement?.getAttribute('aria-label');
    const { models, machine, error } = this.list;
    const free = machine.available_bytes === null ? '' : `${size(machine.available_bytes)} of ${size(machine.memory_bytes)} memory free, `;
    this.main.replaceChildren(
      h('div', { class: 'hd' }, h('h2', {}, 'Models'), h('span', { class: 'mute num' }, `${free}${plural(machine.cores, 'core')}`)));
    if (!models.some((/** @type {any} */ one) => one.loaded || one.loading)) put(this.main, this.none(error));
    else if (error) put(this.main, h('p', { class: 'st bad' }, icon('warn', 's'), error));
    if (models.length) put(this.main, this.installed(models));
    if (this.isAdmin) put(this.main, this.catalogue(), this.form);
    if (focused) /** @type {HTMLElement | null} */ (this.main.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {string | null} error */
  none(error) {
    return h('div', { class: 'note' }, icon('quote'), h('div', { class: 'grow' },
      h('p', {}, h('b', {}, 'Answers are quotes: no chat model is loaded.')),
      h('p', {}, this.isAdmin
        ? 'To have answers written, get a model below, or put a GGUF file into the folder models of the data folder. Every sentence is still checked against your documents.'
        : 'To have answers written, ask an administrator to add a chat model.'),
      error && h('p', { class: 'st bad' }, icon('warn', 's'), error)));
  }

  /** @param {any[]} models */
  installed(models) {
    const row = (/** @type {any} */ one) => h('tr', {},
      h('th', { scope: 'row' }, one.title, h('small', { class: 'mute' }, one.name)),
      h('td', { class: 'n', 'data-l': 'Size' }, size(one.bytes)),
      h('td', { class: 'n', 'data-l': 'Memory' }, size(one.memory_bytes)),
      h('td', { class: 'full g' }, state(one)),
      h('td', { class: 'act' }, this.isAdmin && h('div', { class: 'acts' },
        !one.loaded && !one.loading && h('button', { class: 'b', type: 'button', 'aria-label': `Use ${one.title}`, onclick: () => this.ask('POST', `/api/models/${encodeURIComponent(one.name)}/use`) }, 'Use'),
        one.loaded && h('button', { class: 'b', type: 'button', 'aria-label': `Unload ${one.title}`, onclick: () => this.ask('POST', '/api/models/unload') }, 'Unload'),
        iconButton('trash', `Remove ${one.title}`, () => this.remove(one)))));
    return h('table', { class: 'grid stack' }, h('caption', { class: 'vh' }, 'Installed models'),
      head(['Installed', 'Size', 'Memory', 'State', '']), h('tbody', {}, models.map(row)));
  }

  catalogue() {
    const all = this.list.catalogue.filter((/** @type {any} */ one) => one.usable && !one.installed);
    const shown = all.filter((/** @type {any} */ one) => !this.onlyFitting || one.fits !== false || this.downloads.has(one.file))
      .sort((/** @type {any} */ a, /** @type {any} */ b) => Number(b.recommended) - Number(a.recommended));
    const known = new Set(all.map((/** @type {any} */ one) => one.file));
    const others = [...this.downloads.values()].filter((one) => !known.has(one.name));
    const change = (/** @type {any} */ event) => { this.onlyFitting = event.target.checked; this.draw(); };
    return [
      h('div', { class: 'hd' }, h('h3', {}, 'Chat models you can add'),
        h('label', { class: 'row' }, h('input', { type: 'checkbox', 'aria-label': 'Only what fits here', checked: this.onlyFitting, onchange: change }), 'Only what fits here')),
      h('p', { class: 'sub' }, 'Getting a model is the only thing for which satchel connects to the internet, and it does so only when you ask for it here.'),
      shown.length || others.length
        ? h('table', { class: 'grid stack' }, h('caption', { class: 'vh' }, 'Chat models with download size, memory and licence'),
          head(['Model', 'Download', 'Memory', 'Licence', '']),
          h('tbody', {}, others.map((one) => this.begun(one, one.name, one.repository, null)), shown.map((/** @type {any} */ one) => this.row(one))))
        : h('p', { class: 'mute' }, 'No other model fits into the memory that is free.'),
    ];
  }

  /** @param {any} model */
  row(model) {
    const download = this.downloads.get(model.file);
    if (download) return this.begun(download, model.title, model.summary, model);
    const large = model.fits === false;
    return h('tr', {},
      h('th', { scope: 'row' }, model.title, model.recommended && h('span', { class: 'mute' }, ' recommended for this machine'),
        h('small', { class: 'mute' }, `${model.summary} ${model.quantization}`)),
      h('td', { class: 'n', 'data-l': 'Download' }, size(model.bytes)),
      h('td', { class: 'n', 'data-l': 'Memory' }, large ? h('span', { class: 'st' }, icon('warn', 's'), size(model.memory_bytes)) : size(model.memory_bytes)),
      h('td', { class: 'full g', 'data-l': 'Licence' }, model.licence),
      h('td', { class: 'act' }, h('div', { class: 'acts' },
        h('button', { class: model.recommended ? 'b p' : 'b', type: 'button', disabled: this.asked.has(model.name), 'aria-label': `Get ${model.title}`, onclick: () => this.pull(model.name) }, icon('dl', 's'), large ? 'Get anyway' : 'Get'))));
  }

  /**
   * A model that is on its way, or stopped there.
   * @param {any} download
   * @param {string} title
   * @param {string} note
   * @param {any} model of the catalogue
   */
  begun(download, title, note, model) {
    const active = !['paused', 'failed'].includes(download.state);
    const path = `/api/models/${encodeURIComponent(download.name)}`;
    const again = model?.name ?? download.name;
    return h('tr', { 'data-file': download.name },
      h('th', { scope: 'row' }, title, h('small', { class: 'mute' }, note)),
      h('td', { class: 'full', colspan: '3' }, progress(download)),
      h('td', { class: 'act' }, h('div', { class: 'acts' },
        active
          ? h('button', { class: 'b', type: 'button', 'aria-label': `Pause ${title}`, onclick: () => this.ask('POST', `${path}/pause`) }, icon('pause', 's'), 'Pause')
          : h('button', { class: 'b', type: 'button', disabled: this.asked.has(again), 'aria-label': `Resume ${title}`, onclick: () => this.pull(again) }, icon('redo', 's'), 'Resume'),
        iconButton('trash', `Discard ${title}`, () => this.ask('DELETE', path)))));
  }

  byName() {
    const input = h('input', { class: 'f', name: 'model', required: true, 'aria-label': 'Model on the hub', placeholder: 'owner/repository:Q4_K_M', autocomplete: 'off', spellcheck: 'false' });
    const submit = async (/** @type {any} */ event) => {
      event.preventDefault();
      if (await this.pull(input.value.trim())) input.value = '';
    };
    return h('form', { class: 'form', onsubmit: submit },
      h('label', { class: 'field' }, 'Another GGUF model of the hub', h('div', { class: 'row' }, input, h('button', { class: 'b' }, icon('dl', 's'), 'Get'))));
  }

  /**
   * Starts or goes on with a download; whether the server took it on.
   * @param {string} name
   */
  async pull(name) {
    this.asked.add(name);
    this.draw();
    try {
      const begun = await api('POST', '/api/models/pull', { name });
      if (!this.downloads.has(begun.name)) this.downloads.set(begun.name, begun);
      return true;
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
      return false;
    } finally {
      this.asked.delete(name);
      this.draw();
    }
  }

  /** @param {any} model */
  async remove(model) {
    const yes = await confirmed({ title: `Remove ${model.title}?`, text: `The file of ${size(model.bytes)} is deleted from this machine.`, action: 'Remove' });
    if (yes) await this.ask('DELETE', `/api/models/${encodeURIComponent(model.name)}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   */
  async ask(method, path) {
    try {
      await api(method, path);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    await this.read();
  }

  leave() {
    this.watching.abort();
  }
}

/** @param {string[]} names the second and third are numbers, the last one has no name */
const head = (names) => h('thead', {}, h('tr', {}, names.map((name, n) => h('th', { scope: 'col', class: n === 1 || n === 2 ? 'n' : n === 3 ? 'g' : null }, name || h('span', { class: 'vh' }, 'Actions')))));

/** @param {any} model */
function state(model) {
  if (model.loaded) return h('span', { class: 'st' }, icon('check', 's'), 'In use');
  if (model.loading) return h('span', { class: 'st' }, h('progress', { 'aria-label': `Loading ${model.title}` }), 'Loading');
  if (model.fits === false) return h('span', { class: 'st' }, icon('warn', 's'), 'Needs more memory than is free');
  return '';
}

/** @param {any} download */
function progress(download) {
  const { state: now, received_bytes: received, total_bytes: total } = download;
  if (now === 'failed') return h('div', { class: 'how st bad' }, icon('warn', 's'), h('span', {}, download.error ?? 'The download failed'));
  const arrived = total ? `${size(received)} of ${size(total)}` : size(received);
  return h('div', { class: 'how' },
    h('div', { class: 'row' },
      h('progress', { class: 'grow', max: total ?? 1, value: total ? received : null, 'aria-label': `Download of ${download.name}` }),
      h('span', { class: 'num nw' }, arrived)),
    h('small', { class: 'num mute' }, now === 'paused' ? 'Paused' : now === 'receiving' ? speed(download) : DOING[/** @type {keyof typeof DOING} */ (now)] ?? ''));
}

/** @param {any} download */
function speed({ bytes_per_s: speed, received_bytes: received, total_bytes: total }) {
  if (!speed) return 'Receiving';
  const seconds = total ? (total - received) / speed : 0;
  const left = seconds > 90 ? `${Math.round(seconds / 60)} min left` : `${Math.ceil(seconds)} s left`;
  return `${total ? `${left} at ` : ''}${size(speed)}/s, resumes if interrupted`;
}
