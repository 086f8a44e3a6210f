// @ts-check
// Models: what is loaded and how fast it is here, what can be got, a file
// handed over, and the models that find and order passages.

import { api, events } from './api.js';
import { confirmed, h, icon, iconButton, put, say, toast } from './dom.js';
import { t } from './language.js';
import { ModelFile } from './model_file.js';
import { isOperator } from './roles.js';
import { searchModels } from './search_models.js';
import { menuButton } from './shell.js';
import { row, table } from './table.js';
import { duration, number, size } from './words.js';

/** How long to wait before a lost stream of progress is opened again, in ms. */
const RECONNECT = 2000;

/** @returns {Record<string, string>} what a download is doing, unless it is receiving */
const doing = () => ({
  waiting: t('Waiting for another download'),
  connecting: t('Connecting'),
  retrying: t('The connection was lost, trying again'),
  checking: t('Checking'),
  paused: t('Paused'),
});

/** The part of the address that shows the models that find passages. */
const SEARCH = 'search';

/**
 * @param {string} [place] what is looked for
 * @returns {import('./main.js').View}
 */
export function models(place) {
  const view = new Models(place ?? '');
  const drop = (/** @type {File[]} */ files) => view.dropped(files);
  return { main: view.main, title: t('Models'), leave: () => view.leave(), drop };
}

class Models {
  /** @param {string} place */
  constructor(place) {
    this.place = place;
    /** @type {any} what the server last listed */
    this.list = null;
    /** @type {Map<string, any>} downloads by file */
    this.downloads = new Map();
    /** @type {Set<string>} names that the server was just asked for */
    this.asked = new Set();
    this.onlyFitting = true;
    this.watching = new AbortController();
    this.operator = isOperator();
    this.chat = h('section', { 'aria-label': t('Chat models'), 'aria-busy': 'true' });
    // Made once: what was typed or is on its way stays when the rest is drawn again.
    this.form = this.byName();
    this.file = new ModelFile(() => this.read());
    this.search = this.operator ? searchModels((name) => this.pull(name)) : null;
    this.main = h('main', {},
      h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, t('Models'))),
      h('div', { class: 'scroll' }, h('div', { class: 'pagein' }, this.chat,
        this.operator && h('section', { 'aria-label': t('Other ways to a model') }, h('h2', {}, t('Another model')), h('div', { class: 'two' }, this.file.element, this.form)),
        this.search?.element)));
    this.start();
  }

  /** @param {File[]} files */
  dropped(files) {
    if (this.operator) this.file.take(files);
  }

  async start() {
    await this.read();
    if (this.place === SEARCH && this.search) {
      await this.search.draw();
      this.search.element.scrollIntoView();
    }
    this.watch();
  }

  async read() {
    try {
      this.list = await api('GET', '/api/models');
      this.downloads = new Map(this.list.downloads.map((/** @type {any} */ one) => [one.name, one]));
      this.draw();
      this.search?.draw();
    } catch (error) {
      if (!this.watching.signal.aborted) this.chat.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
    }
    this.chat.removeAttribute('aria-busy');
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
    if (step.state === 'done') say(t('{name} is installed', { name: step.name }));
    if (['done', 'discarded'].includes(step.state)) return void this.read();
    this.downloads.set(step.name, step);
    const line = this.chat.querySelector(`tr[data-file="${CSS.escape(step.name)}"]`);
    if (!line || before !== step.state) return this.draw();
    line.querySelector('.how')?.replaceWith(progress(step));
  }

  draw() {
    const focused = this.chat.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    const { models: all, machine, error } = this.list;
    const writing = all.filter((/** @type {any} */ one) => !['embedding', 'reranking', 'entailment'].includes(one.kind));
    this.chat.replaceChildren(h('div', { class: 'hd' }, h('h2', {}, t('Chat models')), h('span', { class: 'mute num' }, room(machine))));
    if (!writing.some((/** @type {any} */ one) => one.loaded || one.loading)) put(this.chat, this.none(error));
    else if (error) put(this.chat, h('p', { class: 'st bad' }, icon('warn', 's'), h('span', {}, error)));
    if (writing.length) put(this.chat, this.installed(writing));
    if (this.operator) put(this.chat, this.catalogue());
    if (focused) /** @type {HTMLElement | null} */ (this.chat.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {string | null} error */
  none(error) {
    return h('div', { class: 'note' }, icon('quote'), h('div', { class: 'grow' },
      h('p', {}, h('b', {}, t('Answers are quotes: no chat model is loaded.'))),
      h('p', {}, this.operator
        ? t('To have answers written, get a model below, or hand over a GGUF file. Every sentence is still checked against your documents.')
        : t('To have answers written, ask an administrator to add a chat model.')),
      error && h('p', { class: 'st bad' }, icon('warn', 's'), h('span', {}, error))));
  }

  /** @param {any[]} all */
  installed(all) {
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Installed') }, { name: t('Size'), kind: 'n' }, { name: t('Memory'), kind: 'n' }, { name: t('Writes'), kind: 'g' }, { name: t('State'), kind: 'full' }, { name: t('Actions'), kind: 'act' }]);
    const line = (/** @type {any} */ one) => row(columns, [
      [one.title, h('small', { class: 'mute' }, one.name)], size(one.bytes), size(one.memory_bytes), speedHere(one.speed), state(one),
      this.operator && [
        !one.loaded && !one.loading && h('button', { class: 'b', type: 'button', 'aria-label': t('Use {name}', { name: one.title }), onclick: () => this.ask('POST', `/api/models/${encodeURIComponent(one.name)}/use`) }, t('Use')),
        one.loaded && h('button', { class: 'b', type: 'button', 'aria-label': t('Unload {name}', { name: one.title }), onclick: () => this.ask('POST', '/api/models/unload') }, t('Unload')),
        iconButton('trash', t('Remove {name}', { name: one.title }), () => this.remove(one)),
      ].filter(Boolean),
    ]);
    return table(t('Installed models'), columns, h('tbody', {}, all.map(line)));
  }

  catalogue() {
    const chat = this.list.catalogue.filter((/** @type {any} */ one) => one.usable && !one.installed && one.kind === 'chat');
    const shown = chat.filter((/** @type {any} */ one) => !this.onlyFitting || one.fits !== false || this.downloads.has(one.file))
      .sort((/** @type {any} */ a, /** @type {any} */ b) => Number(b.recommended) - Number(a.recommended));
    const known = new Set(chat.map((/** @type {any} */ one) => one.file));
    const others = [...this.downloads.values()].filter((one) => !known.has(one.name));
    const change = (/** @type {any} */ event) => { this.onlyFitting = event.target.checked; this.draw(); };
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Model') }, { name: t('Download'), kind: 'n' }, { name: t('Memory'), kind: 'n' }, { name: t('Writes here'), kind: 'g' }, { name: t('Licence'), kind: 'full' }, { name: t('Actions'), kind: 'act' }]);
    return [
      h('div', { class: 'hd' }, h('h2', {}, t('Chat models you can add')),
        h('label', { class: 'row' }, h('input', { type: 'checkbox', 'aria-label': t('Only what fits here'), checked: this.onlyFitting, onchange: change }), t('Only what fits here'))),
      h('p', { class: 'sub' }, t('satchel connects to the internet to get a model, and only when you ask for it here. Speeds that are not measured are estimated from the size of the model and the speed of this machine’s memory.')),
      shown.length || others.length
        ? table(t('Chat models with download size, memory, speed and licence'), columns,
          h('tbody', {}, others.map((one) => this.begun(one, one.name, one.repository, null)), shown.map((/** @type {any} */ one) => this.offered(columns, one))))
        : h('p', { class: 'mute' }, t('No other model fits into the memory that is free.')),
    ];
  }

  /**
   * @param {import('./table.js').Column[]} columns
   * @param {any} model
   */
  offered(columns, model) {
    const download = this.downloads.get(model.file);
    if (download) return this.begun(download, model.title, model.summary, model);
    const large = model.fits === false;
    return row(columns, [
      [model.title, model.recommended && h('span', { class: 'mute' }, ` ${t('recommended for this machine')}`), h('small', { class: 'mute' }, `${model.summary} ${model.quantization}`)],
      size(model.bytes), large ? h('span', { class: 'st' }, icon('warn', 's'), size(model.memory_bytes)) : size(model.memory_bytes),
      speedHere(model.speed), model.licence,
      h('button', { class: model.recommended ? 'b p' : 'b', type: 'button', disabled: this.asked.has(model.name), 'aria-label': t('Get {name}', { name: model.title }), onclick: () => this.pull(model.name) }, icon('dl', 's'), large ? t('Get anyway') : t('Get')),
    ]);
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
      h('td', { class: 'full', colspan: '4' }, progress(download)),
      h('td', { class: 'act' }, h('div', { class: 'acts' },
        active
          ? h('button', { class: 'b', type: 'button', 'aria-label': t('Pause {name}', { name: title }), onclick: () => this.ask('POST', `${path}/pause`) }, icon('pause', 's'), t('Pause'))
          : h('button', { class: 'b', type: 'button', disabled: this.asked.has(again), 'aria-label': t('Resume {name}', { name: title }), onclick: () => this.pull(again) }, icon('redo', 's'), t('Resume')),
        iconButton('trash', t('Discard {name}', { name: title }), () => this.ask('DELETE', path)))));
  }

  byName() {
    const input = h('input', { class: 'f', name: 'model', required: true, 'aria-label': t('Model on the hub'), placeholder: 'owner/repository:Q4_K_M', autocomplete: 'off', spellcheck: 'false' });
    const submit = async (/** @type {any} */ event) => {
      event.preventDefault();
      if (await this.pull(input.value.trim())) input.value = '';
    };
    return h('form', { class: 'form', onsubmit: submit },
      h('label', { class: 'field' }, t('Another GGUF model of the hub'), h('div', { class: 'row' }, input, h('button', { class: 'b' }, icon('dl', 's'), t('Get'))),
        h('small', {}, t('Also models that find passages, rerank them or check citations.'))));
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
    const yes = await confirmed({ title: t('Remove {name}?', { name: model.title }), text: t('The file of {size} is deleted from this machine.', { size: size(model.bytes) }), action: t('Remove') });
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
    this.search?.leave();
  }
}

/** @param {any} machine */
function room(machine) {
  const cores = t('{number} cores', { number: machine.cores });
  if (machine.available_bytes === null) return cores;
  return t('{free} of {all} memory free, {cores}', { free: size(machine.available_bytes), all: size(machine.memory_bytes), cores });
}

/** @param {{tokens_per_second: number, measured: boolean} | null} speed */
export function speedHere(speed) {
  if (!speed) return '';
  const value = number(speed.tokens_per_second, { maximumFractionDigits: speed.tokens_per_second < 10 ? 1 : 0 });
  return speed.measured
    ? h('span', {}, h('b', { class: 'num' }, t('{number} tokens/s', { number: value })), ' ', t('measured'))
    : h('span', { class: 'mute' }, t('about {number} tokens/s, estimated', { number: value }));
}

/** @param {any} model */
function state(model) {
  if (model.loaded) return h('span', { class: 'st' }, icon('check', 's'), t('In use'));
  if (model.loading) return h('span', { class: 'st' }, h('progress', { 'aria-label': t('Loading {name}', { name: model.title }) }), t('Loading'));
  if (model.fits === false) return h('span', { class: 'st' }, icon('warn', 's'), t('Needs more memory than is free'));
  return '';
}

/** @param {any} download */
function progress(download) {
  const { state: now, received_bytes: received, total_bytes: total } = download;
  if (now === 'failed') return h('div', { class: 'how st bad' }, icon('warn', 's'), h('span', {}, download.error ?? t('The download failed')));
  const arrived = total ? t('{part} of {whole}', { part: size(received), whole: size(total) }) : size(received);
  return h('div', { class: 'how' },
    h('div', { class: 'row' },
      h('progress', { class: 'grow', max: total ?? 1, value: total ? received : null, 'aria-label': t('Download of {name}', { name: download.name }) }),
      h('span', { class: 'num nw' }, arrived)),
    h('small', { class: 'num mute' }, now === 'receiving' ? pace(download) : doing()[now] ?? ''));
}

/** @param {any} download */
function pace({ bytes_per_s: speed, received_bytes: received, total_bytes: total }) {
  if (!speed) return t('Receiving');
  const per = size(speed);
  return total
    ? t('{time} left at {size}/s, resumes if interrupted', { time: duration((total - received) / speed), size: per })
    : t('{size}/s, resumes if interrupted', { size: per });
}
