// @ts-check
// One question as it was asked: what it was restricted to, wording it anew, and
// the way to its other wordings.

import { h, icon, iconButton, put } from './dom.js';
import { t, tn } from './language.js';

/** Longest part of a selected text that is repeated. */
const EXCERPT = 160;

/**
 * The way between the messages in one place; nothing where there is but one.
 * @param {{number: number, of: number}} place
 * @param {[string, string]} labels of the buttons
 * @param {(by: number) => void} step
 */
export function branches({ number, of }, [previous, next], step) {
  if (of < 2) return null;
  const before = iconButton('left', previous, () => step(-1), 'flip');
  const after = iconButton('right', next, () => step(1), 'flip');
  before.disabled = number <= 1;
  after.disabled = number >= of;
  return h('span', { class: 'branches', role: 'group', 'aria-label': t('Versions') }, before, h('span', { class: 'num' }, t('{number} / {of}', { number, of })), after);
}

export class Question {
  /**
   * @param {{content: string, metadata?: any}} message
   * @param {{edit: (text: string) => void, step: (by: number) => void}} actions
   */
  constructor({ content, metadata }, actions) {
    this.content = content;
    this.actions = actions;
    this.words = h('p', { class: 'ask', dir: 'auto' }, h('span', { class: 'vh' }, t('You asked:'), ' '), content);
    this.acts = h('div', { class: 'asked-acts' });
    this.element = h('div', { class: 'asked' }, restriction(metadata ?? {}), this.words, this.acts);
    this.editButton = iconButton('pen', t('Edit question'), () => this.edit());
    this.place({ number: 1, of: 1 });
  }

  /**
   * Which of the wordings in its place it is.
   * @param {{number: number, of: number}} place
   */
  place(place) {
    this.acts.replaceChildren();
    put(this.acts, this.editButton, branches(place, [t('Previous wording'), t('Next wording')], this.actions.step));
  }

  edit() {
    const box = h('textarea', { class: 'f', rows: '2', 'aria-label': t('Edit question'), dir: 'auto' });
    box.value = this.content;
    const leave = () => {
      form.replaceWith(this.words);
      this.acts.hidden = false;
      this.editButton.focus();
    };
    const ask = () => {
      const text = box.value.trim();
      if (!text) return;
      leave();
      this.actions.edit(text);
    };
    const form = h('form', {
      class: 'edit',
      onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); ask(); },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          leave();
        } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          ask();
        }
      },
    }, box, h('div', { class: 'ends' },
      h('button', { class: 'b q', type: 'button', onclick: leave }, t('Cancel')),
      h('button', { class: 'b p' }, t('Ask'))));
    this.words.replaceWith(form);
    this.acts.hidden = true;
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }
}

/** @param {any} scope what a question was restricted to */
function restriction(scope) {
  const { selected_text: selected, document_ids: documents = [], dataset_ids: datasets = [] } = scope;
  const parts = [];
  if (selected) {
    const excerpt = selected.length > EXCERPT ? `${selected.slice(0, EXCERPT)}…` : selected;
    parts.push(h('q', { class: 'about doc', dir: 'auto' }, excerpt));
  }
  const only = scope.names?.join(', ')
    ?? (documents.length ? tn(documents.length, 'In {count} chosen document', 'In {count} chosen documents') : '');
  if (only) parts.push(h('span', { class: 'only' }, icon('doc', 's'), only));
  else if (datasets.length > 1) parts.push(h('span', { class: 'only' }, icon('doc', 's'), tn(datasets.length, 'In {count} dataset', 'In {count} datasets')));
  return parts.length ? h('div', { class: 'asked-of' }, parts) : null;
}
