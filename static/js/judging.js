// @ts-check
// "This was the passage": what the reader says answers the question, kept with
// the answer, and taken back the same way.

import { api } from './api.js';
import { h, icon, toast } from './dom.js';
import { t } from './language.js';

/** @typedef {{document_id: string, page: number, start: number, end: number}} Place */

/**
 * @param {Place} one
 * @param {Place} other
 */
const same = (one, other) => one.document_id === other.document_id && one.page === other.page && one.start === other.start && one.end === other.end;

/** The one that showed a passage last. @type {Judging | null} */
let current = null;

/**
 * The reader's last verdict on whether the documents answer: an earlier one that
 * they do not is taken back, and one that they do not takes all marks back.
 * @param {string} answer
 * @param {boolean} answerable
 */
export async function judgeAnswerable(answer, answerable) {
  if (answerable) {
    const earlier = (await api('GET', path(answer))).judgements.filter((/** @type {{unanswerable: boolean}} */ one) => one.unanswerable);
    for (const one of earlier) await api('DELETE', `${path(answer)}/${one.id}`);
  } else {
    await api('POST', path(answer), { unanswerable: true });
  }
  current?.judged(answer);
}

export class Judging {
  constructor() {
    this.element = h('button', { class: 'b judge', type: 'button', 'aria-pressed': 'false', hidden: true, onclick: () => this.toggle() }, icon('check', 's'), t('This was the passage'));
    /** What was marked for each answer that was looked at. @type {Map<string, (Place & {id: string})[]>} */
    this.marked = new Map();
    /** @type {string | null} the answer whose passage is shown */
    this.answer = null;
    /** @type {Place | null} */
    this.passage = null;
  }

  /** @param {string} answer whose marks may be gone */
  judged(answer) {
    this.marked.delete(answer);
    if (this.answer === answer) this.show(answer, this.passage);
  }

  /**
   * @param {string | null} answer `null`: it is not stored, and nothing can be said of it
   * @param {Place | null} passage
   */
  async show(answer, passage) {
    current = this;
    Object.assign(this, { answer, passage });
    this.element.hidden = true;
    if (!answer || !passage) return;
    try {
      if (!this.marked.has(answer)) this.marked.set(answer, (await api('GET', path(answer))).judgements);
    } catch {
      // An answer that is still being written is not there yet.
      return;
    }
    if (this.answer !== answer || this.passage !== passage) return;
    this.element.hidden = false;
    this.draw();
  }

  /** The mark on the passage that is shown. */
  get mark() {
    const { answer, passage } = this;
    return answer && passage ? this.marked.get(answer)?.find((one) => same(one, passage)) : undefined;
  }

  draw() {
    this.element.setAttribute('aria-pressed', String(Boolean(this.mark)));
  }

  async toggle() {
    const { answer, passage, mark } = this;
    const marked = answer && this.marked.get(answer);
    if (!answer || !passage || !marked) return;
    try {
      if (mark) {
        await api('DELETE', `${path(answer)}/${mark.id}`);
        marked.splice(marked.indexOf(mark), 1);
        toast(t('It is not marked any more.'));
      } else {
        const { document_id, page, start, end } = passage;
        marked.push(await api('POST', path(answer), { document_id, page, start, end }));
        toast(t('Thank you. Administrators of this satchel can measure the search with it.'));
      }
      this.draw();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }
}

/** @param {string} answer */
const path = (answer) => `/api/answers/${encodeURIComponent(answer)}/judgements`;
