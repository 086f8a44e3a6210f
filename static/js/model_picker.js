// @ts-check
// The model that writes the answers, in the bar of the chat: which it is, and for
// those who look after the instance, another in its place.

import { api } from './api.js';
import { dialog, h, icon, put, say, toast } from './dom.js';
import { t } from './language.js';
import { speedHere } from './models.js';
import { isOperator } from './roles.js';
import { size } from './words.js';

/** How often a model that is being loaded is looked after, in ms. */
const LOOK_EVERY = 500;

/** Value of the choice of no model. */
const NONE = '';

export class ModelPicker {
  /** @param {(writes: boolean) => void} told whether a model writes the answers */
  constructor(told) {
    this.told = told;
    this.left = false;
    this.element = isOperator()
      ? h('button', { class: 'tag model', type: 'button', hidden: true, 'aria-haspopup': 'dialog', onclick: () => this.choose() })
      : h('a', { class: 'tag model', href: '#/models', hidden: true });
    this.describe();
  }

  leave() {
    this.left = true;
  }

  async describe() {
    try {
      const status = await api('GET', '/api/status');
      const name = status.chat_model?.name ?? null;
      this.draw(name ? 'model' : 'quote', name ?? t('Quotes only'), name ? t('This model writes the answers') : t('No chat model: answers are quotes of your documents'));
      this.told(Boolean(name));
    } catch {
      // It is a convenience; other requests report that the server is gone.
    }
  }

  /**
   * @param {string} symbol
   * @param {string} name
   * @param {string} about
   */
  draw(symbol, name, about) {
    this.element.replaceChildren(icon(symbol, 's'), h('span', { class: 'cut' }, name));
    if (isOperator()) put(this.element, icon('pick', 's'));
    this.element.title = about;
    this.element.setAttribute('aria-label', t('Who answers: {name}', { name }));
    this.element.hidden = false;
  }

  async choose() {
    /** @type {any[]} */
    let models;
    try {
      models = await installed();
    } catch (error) {
      return toast(/** @type {Error} */ (error).message);
    }
    const before = models.find((/** @type {any} */ one) => one.loaded || one.loading)?.name ?? NONE;
    /** @type {string | null} */
    let chosen = null;
    const accept = async (/** @type {FormData} */ data) => {
      const name = String(data.get('model'));
      if (name === before) return;
      await (name === NONE ? api('POST', '/api/models/unload') : api('POST', `/api/models/${encodeURIComponent(name)}/use`));
      chosen = name;
    };
    await dialog(t('Who shall answer?'), [
      h('div', { class: 'opts', role: 'radiogroup', 'aria-label': t('Who shall answer?') },
        option(NONE, t('Your documents themselves'), t('Quotes, word for word. No model is loaded.'), before),
        models.map((/** @type {any} */ one) => option(one.name, one.title, [size(one.bytes), ' · ', speedHere(one.speed)], before))),
      h('p', { class: 'sub' }, t('It holds for everybody who uses this satchel.'), ' ',
        h('a', { href: '#/models', onclick: (/** @type {Event} */ event) => /** @type {Element} */ (event.target).closest('dialog')?.close() }, t('More models'))),
    ], t('Use'), { accept });
    if (chosen !== null) await this.follow();
    return undefined;
  }

  /** Says how far a model is, until it is there or is not. */
  async follow() {
    try {
      for (;;) {
        const loading = (await installed()).find((/** @type {any} */ one) => one.loading);
        if (this.left || !loading) break;
        this.draw('clock', loading.title, t('Loading {name}', { name: loading.title }));
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      }
      const { error } = await api('GET', '/api/models');
      if (error) toast(error);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    if (this.left) return;
    await this.describe();
    say(this.element.getAttribute('aria-label') ?? '');
  }
}

/** The models that write, as far as they are here. */
async function installed() {
  const { models } = await api('GET', '/api/models');
  return models.filter((/** @type {any} */ one) => !['embedding', 'reranking', 'entailment'].includes(one.kind));
}

/**
 * @param {string} value
 * @param {string} name
 * @param {any} about
 * @param {string} chosen
 */
const option = (value, name, about, chosen) => h('label', { class: 'opt' },
  h('input', { type: 'radio', name: 'model', value, checked: value === chosen }),
  h('span', {}, h('b', { translate: value ? 'no' : null }, name), h('small', {}, about)));
