// @ts-check
// What the reader thinks of an answer: a thumb, and a reason if there is one; and
// whether the documents answer the question at all, which is kept for the gold set.

import { api } from './api.js';
import { dialog, h, iconButton, toast } from './dom.js';
import { judgeAnswerable } from './judging.js';
import { t } from './language.js';

/** Which of the reasons says that no answer could be right. */
const UNANSWERABLE = 3;

export class Verdict {
  /**
   * @param {() => {session: string, question: string, answer: string} | null} ids
   * @param {boolean} nothingFound it says that the documents do not answer the question
   */
  constructor(ids, nothingFound) {
    this.ids = ids;
    const good = nothingFound ? t('Right: the documents do not answer this') : t('Good answer');
    this.up = iconButton('thumb-up', good, () => this.give(this.up, 'thumbs_up', '', nothingFound));
    this.down = iconButton('thumb-down', t('Bad answer'), () => this.ask());
    this.buttons = [this.up, this.down];
    for (const one of this.buttons) one.setAttribute('aria-pressed', 'false');
  }

  async ask() {
    const kinds = [
      ['report_inaccurate', t('It is wrong')],
      ['thumbs_down', t('It does not answer my question')],
      ['thumbs_down', t('It cites the wrong passage')],
      ['thumbs_down', t('The documents do not answer this')],
      ['thumbs_down', t('Something else')],
    ];
    const choices = kinds.map(([, label], index) => h('label', { class: 'row' }, h('input', { type: 'radio', name: 'kind', value: String(index), checked: index === 0 }), label));
    await dialog(t('What is wrong with this answer?'), [
      h('fieldset', { class: 'choices' }, h('legend', { class: 'vh' }, t('Reason')), choices),
      h('label', { class: 'fl' }, h('span', {}, t('In your words, if you like')), h('textarea', { class: 'f', name: 'text', rows: '3', maxlength: '1900' })),
      h('p', { class: 'mute' }, t('Administrators of this satchel read it. It goes nowhere else.')),
    ], t('Send'), {
      accept: (data) => {
        const chosen = Number(data.get('kind') ?? 0);
        const [kind, label] = kinds[chosen];
        const text = String(data.get('text') ?? '').trim();
        return this.send(this.down, kind, text ? `${label}: ${text}` : label, chosen === UNANSWERABLE);
      },
    });
  }

  /**
   * @param {HTMLElement} button
   * @param {string} kind
   * @param {string} text
   * @param {boolean} unanswerable
   */
  async give(button, kind, text, unanswerable) {
    try {
      await this.send(button, kind, text, unanswerable);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {HTMLElement} button
   * @param {string} kind
   * @param {string} text
   * @param {boolean} unanswerable the reader says that the documents do not answer the question
   */
  async send(button, kind, text, unanswerable) {
    const ids = this.ids();
    if (!ids) return;
    await api('POST', '/chat/feedback', {
      session_id: ids.session, query_id: ids.question, response_id: ids.answer, feedback_type: kind, feedback_text: text || undefined,
    });
    await judgeAnswerable(ids.answer, !unanswerable);
    for (const one of this.buttons) one.setAttribute('aria-pressed', String(one === button));
    toast(t('Thank you. Your verdict is kept with the answer.'));
  }
}
