// @ts-check
// A field for a folder of the machine on which satchel runs: its path can be
// typed, or found by going down from the folders that the settings allow.

import { api } from './api.js';
import { h, icon, put } from './dom.js';
import { t, tn } from './language.js';
import { field } from './panel.js';

/** @typedef {{path: string | null, parent: string | null, folders: {name: string, path: string}[], left_out: number}} Choices */

export class FolderChooser {
  /** @param {string} name of the field in its form */
  constructor(name) {
    this.input = h('input', { class: 'f', name, required: true, autofocus: true, autocomplete: 'off', spellcheck: 'false', onchange: () => this.typed() });
    this.up = h('button', { type: 'button', class: 'b', hidden: true, onclick: () => this.open(this.above) }, icon('up', 's'), t('One folder up'));
    this.list = h('ul', { class: 'folders' });
    this.note = h('p', { class: 'mute', hidden: true });
    /** @type {string | null} where “One folder up” leads; `null`: to the folders of the settings */
    this.above = null;
    this.asked = 0;
    this.element = h('div', { class: 'chooser' },
      field(t('Folder'), this.input, t('On the machine on which satchel runs. Type its path, or choose it below.')),
      this.up, this.list, this.note);
    this.start();
  }

  /** Shows what the settings allow; where that is one folder, what is in it. */
  async start() {
    const choices = await this.ask(null);
    if (choices?.folders.length === 1) return this.open(choices.folders[0].path, false);
    if (choices) this.draw(choices);
  }

  typed() {
    const path = this.input.value.trim();
    if (path) this.open(path, false);
  }

  /**
   * Goes to a folder.
   * @param {string | null} path
   * @param {boolean} [moves] whether somebody went there, and chose it by that
   */
  async open(path, moves = true) {
    const choices = await this.ask(path);
    if (!choices) return;
    this.draw(choices);
    if (!moves) return;
    this.input.value = choices.path ?? '';
    // Who goes down by keyboard goes on there.
    /** @type {HTMLElement} */ (this.list.querySelector('button') ?? this.up).focus();
  }

  /**
   * @param {string | null} path
   * @returns {Promise<Choices | null>} `null` where it cannot be looked at, which is said
   */
  async ask(path) {
    const turn = this.asked += 1;
    const query = path === null ? '' : `?path=${encodeURIComponent(path)}`;
    try {
      const choices = await api('GET', `/api/watched-folders/choices${query}`);
      return turn === this.asked ? choices : null;
    } catch (error) {
      if (turn === this.asked) this.tell(h('span', { class: 'st bad' }, icon('warn', 's'), h('span', {}, /** @type {Error} */ (error).message)));
      return null;
    }
  }

  /** @param {Choices} choices */
  draw(choices) {
    this.above = choices.parent;
    this.up.hidden = choices.path === null;
    this.list.setAttribute('aria-label', choices.path === null ? t('Folders that may be watched') : t('Folders in {path}', { path: choices.path }));
    this.list.hidden = !choices.folders.length;
    this.list.replaceChildren(...choices.folders.map((one) => h('li', {},
      h('button', { type: 'button', onclick: () => this.open(one.path) }, icon('folder', 's'), h('span', { class: 'cut', translate: 'no' }, one.name)))));
    const left = choices.left_out;
    if (left) this.tell(tn(left, '{count} more folder is not shown. Type its path.', '{count} more folders are not shown. Type the path.'));
    else if (!choices.folders.length) this.tell(t('There is no folder in it.'));
    else this.note.hidden = true;
  }

  /** @param {import('./dom.js').Child} words */
  tell(words) {
    this.note.replaceChildren();
    put(this.note, words);
    this.note.hidden = false;
  }
}
