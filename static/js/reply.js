// @ts-check
// One reply: its sources, its sentences as they arrive, and what the check of
// each sentence found.

import { blocksOf, replaceBlocks } from './blocks.js';
import { Checks } from './checks.js';
import { h, icon, iconButton, put, say, toast } from './dom.js';
import { details, gist } from './figures.js';
import { t, tn } from './language.js';
import { peeking } from './peek.js';
import { branches } from './question.js';
import { Reading } from './reading.js';
import { Verdict } from './verdict.js';
import { inPassing, number, pageOf, searched, titleOf } from './words.js';

/** @typedef {import('./evidence.js').Evidence} Evidence */

/**
 * @typedef {object} Actions what one can do with a reply
 * @property {() => void} again has the question answered once more
 * @property {() => void} withAll the same, with all passages
 * @property {(by: number) => void} step shows another answer in its place
 * @property {() => {session: string, question: string, answer: string} | null} ids
 */

export class Reply {
  /**
   * @param {Evidence} evidence where sources are opened
   * @param {Actions} actions
   */
  constructor(evidence, actions) {
    this.evidence = evidence;
    this.actions = actions;
    /** @type {any[]} */
    this.sources = [];
    /** @type {any[]} */
    this.citations = [];
    this.content = '';
    this.count = h('h2', {}, t('Searching'));
    this.coverage = h('span', {});
    this.meant = h('p', { class: 'meant', dir: 'auto', hidden: true });
    this.skeleton = h('div', { class: 'sk', 'aria-hidden': 'true' }, [1, 2, 3, 4].map(() => h('i')));
    this.list = h('ol', { class: 'src' });
    this.reading = new Reading();
    this.evidencePart = h('section', { 'aria-label': t('Sources') }, h('div', { class: 'srch' }, this.count, this.coverage), this.meant, this.skeleton, this.list, this.reading.element);
    this.mindText = h('div', { class: 'mind-text', dir: 'auto' });
    this.mindTitle = h('span', {}, t('Reasoning'));
    this.mind = h('details', { class: 'mind', hidden: true }, h('summary', {}, icon('pick', 's'), this.mindTitle), this.mindText);
    this.said = h('p', { class: 'said', hidden: true }, icon('quote', 's'), h('span', {}, h('b', {}, t('In the documents’ own words.')), ' ', t('These sentences are copied word for word, best match first. Nothing here was written by a model.')));
    this.answer = h('div', { class: 'answer', 'aria-busy': 'true', dir: 'auto' });
    this.checks = new Checks(this.answer);
    this.caret = h('span', { class: 'caret', 'aria-hidden': 'true' });
    this.note = h('div', {});
    this.leftOut = h('div', { class: 'note', hidden: true });
    this.branches = h('span', { class: 'at-branch' });
    this.footer = h('footer', { class: 'fin', hidden: true });
    this.element = h('article', { class: 'reply', 'aria-label': t('Answer') }, this.evidencePart, this.mind, this.said, this.answer, this.note, this.leftOut, this.footer);
    this.answer.addEventListener('click', (/** @type {MouseEvent} */ event) => this.clicked(event));
    peeking(this.element, (chip) => this.passageOf(chip));
  }

  /**
   * Takes events of the stream, in order; whether the complete answer was among them.
   * @param {{name: string, data: any}[]} batch
   */
  takeAll(batch) {
    let complete = false;
    for (const { name, data } of batch) complete = this.take(name, data) || complete;
    return complete;
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  take(name, data) {
    if (name === 'sources') this.showSources(data.sources, data.coverage, data.searched_for);
    else if (name === 'block') this.showBlock(data.index, data.html);
    else if (name === 'thinking') this.think(data.text);
    else if (name === 'error') throw Object.assign(new Error(data.error), { code: data.code });
    else if (name === 'message' && data.stage) this.read(data);
    else if (name === 'message' && typeof data.content === 'string') {
      this.complete(data);
      return true;
    }
    return false;
  }

  /**
   * @param {any[]} sources
   * @param {any} coverage
   * @param {string | null} [meant] what was searched for, where it is not what was asked
   */
  showSources(sources, coverage, meant) {
    this.sources = sources;
    this.skeleton.hidden = true;
    const documents = new Set(sources.map((one) => one.document_id)).size;
    const where = tn(documents, '{count} document', '{count} documents');
    const found = tn(sources.length, '{count} source in {where}', '{count} sources in {where}', { where });
    this.count.textContent = sources.length ? found : t('No source found');
    say(this.count.textContent);
    this.meant.textContent = meant ? t('Searched for “{words}”', { words: meant }) : '';
    this.meant.hidden = !meant;
    if (coverage) this.showCoverage(coverage);
    this.list.replaceChildren(...sources.map((one) => this.card(one)));
  }

  /** @param {any} coverage */
  showCoverage(coverage) {
    if (!coverage.documents && !coverage.pages) return;
    this.coverage.replaceChildren(searched(coverage));
    if (coverage.pages_without_text) {
      const without = tn(coverage.pages_without_text, '{count} was not read', '{count} were not read');
      put(this.coverage, ' ', h('a', { href: '#/documents' }, without));
    }
    if (coverage.documents_pending) {
      put(this.coverage, ' ', tn(coverage.documents_pending, '{count} document is not read yet.', '{count} documents are not read yet.'));
    }
  }

  /** @param {any} source */
  card(source) {
    const open = (/** @type {any} */ event) => this.evidence.open(this, source.number, null, event.currentTarget);
    return h('li', {}, h('button', { type: 'button', 'data-source': source.number, onclick: open },
      h('span', { class: 'k' }, source.number),
      h('b', { class: 'cut' }, titleOf(source)),
      h('span', { class: 'pg num' }, pageOf(source)),
      h('span', { class: 'doc cut', dir: 'auto' }, inPassing(source.text))));
  }

  /** @param {any} stage what is being done */
  read(stage) {
    // Whole documents are read before it is known which passages matter.
    if (stage.parts && !this.sources.length) this.count.textContent = t('Reading');
    this.reading.take(stage);
  }

  /** @param {string} text more of what the model thinks */
  think(text) {
    this.mind.hidden = false;
    this.reading.hide();
    this.mindTitle.textContent = t('Thinking');
    put(this.mindText, text);
  }

  /**
   * @param {number} index
   * @param {string} html
   */
  showBlock(index, html) {
    this.reading.hide();
    this.mindTitle.textContent = t('Reasoning');
    const [block] = blocksOf(html);
    if (!block) return;
    this.said.hidden = !block.classList.contains('quote');
    const old = this.answer.children[index];
    if (old && old !== this.caret) old.replaceWith(block);
    else this.answer.insertBefore(block, this.caret.isConnected && this.caret.parentNode === this.answer ? this.caret : null);
    if (!this.said.hidden) return;
    block.append(this.caret);
  }

  /** @param {any} answer the last frame */
  complete(answer) {
    this.citations = answer.citations;
    this.content = answer.content;
    this.caret.remove();
    if (answer.mode === 'nothing_found') this.nothing(answer);
    else replaceBlocks(this.answer, answer.html, () => this.checks.mark());
    this.finish(answer);
    say(t('Answer complete'));
  }

  /** @param {any} message an answer of a stored chat */
  showStored(message) {
    const facts = message.metadata ?? {};
    this.citations = message.sources ?? [];
    this.content = message.content;
    const byNumber = new Map(this.citations.map((one) => [one.number, one]));
    const cited = [...byNumber.values()].sort((a, b) => a.number - b.number);
    this.showSources(facts.sources?.length ? facts.sources : cited, facts.coverage, facts.searched_for);
    if (facts.reasoning) {
      this.mind.hidden = false;
      this.mindText.textContent = facts.reasoning;
    }
    // One that was cut off says so itself: nothing is known of what there was to find.
    if (facts.mode === 'nothing_found' && facts.finish_reason !== 'error') this.nothing(facts);
    else if (facts.html) {
      this.answer.replaceChildren(...blocksOf(facts.html));
      this.checks.mark();
    } else this.answer.replaceChildren(h('p', {}, message.content));
    this.finish(facts);
    say('');
  }

  /** @param {any} facts */
  nothing(facts) {
    this.evidencePart.hidden = !this.sources.length;
    this.answer.replaceChildren(h('div', { class: 'note' }, icon('search'), h('div', { class: 'grow' }, refusal(facts.coverage))));
  }

  /**
   * Says what the model did not get to see.
   * @param {any} leftOut
   */
  showLeftOut(leftOut) {
    this.leftOut.hidden = !leftOut;
    if (!leftOut) return;
    const { for_time: slow, for_context: room, for_bound: beyond = 0, of, first_token_seconds: limit } = leftOut;
    const time = slow > 0 && tn(slow, '{count} of {of} passages was left out so that the answer starts within about {limit} s.', '{count} of {of} passages were left out so that the answer starts within about {limit} s.', { of, limit });
    const context = room > 0 && tn(room, '{count} of {of} passages was left out because the model has no room for more.', '{count} of {of} passages were left out because the model has no room for more.', { of });
    const bound = beyond > 0 && tn(beyond, '{count} of {of} passages was left out because no more is read for one answer, evenly over the documents.', '{count} of {of} passages were left out because no more is read for one answer, evenly over the documents.', { of });
    this.leftOut.replaceChildren(icon('doc'), h('div', { class: 'grow' },
      h('p', {}, [time, context, bound].filter(Boolean).join(' ')),
      slow + beyond > 0 && h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: () => this.actions.withAll() }, t('Use all passages')))));
  }

  /**
   * Which of the answers in its place it is.
   * @param {{number: number, of: number}} place
   */
  place(place) {
    this.branches.replaceChildren();
    put(this.branches, branches(place, [t('Previous answer'), t('Next answer')], this.actions.step));
  }

  /** @param {any} facts */
  finish(facts) {
    this.settle();
    this.showLeftOut(facts.left_out);
    this.said.hidden = facts.mode !== 'quotes';
    this.element.setAttribute('aria-label', facts.mode === 'quotes' ? t('Answer in quotes') : t('Answer'));
    this.footer.replaceChildren(
      facts.mode === 'nothing_found' ? '' : this.checks.tally(facts),
      h('span', { class: 'num' }, gist(facts)),
      this.branches,
      h('span', { class: 'acts' },
        iconButton('copy', t('Copy answer with sources'), () => this.copy()),
        new Verdict(this.actions.ids, facts.mode === 'nothing_found').buttons,
        iconButton('info', t('Details of this answer'), () => details(facts, this.sources.length)),
        iconButton('redo', t('Answer again'), () => this.actions.again())));
    this.footer.hidden = false;
  }

  /** Nothing is awaited any more. */
  settle() {
    this.caret.remove();
    this.reading.hide();
    this.skeleton.hidden = true;
    this.mindTitle.textContent = t('Reasoning');
    this.answer.setAttribute('aria-busy', 'false');
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const at = /** @type {Element} */ (event.target);
    const copy = at.closest('button.copy-code');
    if (copy) return void this.copyCode(copy);
    const note = at.closest('a.fn');
    if (note) {
      event.preventDefault();
      return this.toNote(note.getAttribute('href') ?? '');
    }
    const chip = /** @type {HTMLElement | null} */ (at.closest('a.c'));
    if (!chip) return;
    event.preventDefault();
    const index = chip.dataset.citation === undefined ? null : Number(chip.dataset.citation);
    this.evidence.open(this, Number(chip.dataset.source), index, chip);
  }

  /** @param {string} href of the mark of a footnote */
  toNote(href) {
    const number = href.replace('#note-', '');
    const note = /** @type {HTMLElement | null} */ (this.answer.querySelector(`[data-note="${CSS.escape(number)}"]`));
    if (!note) return;
    note.tabIndex = -1;
    note.scrollIntoView({ block: 'center' });
    note.focus();
  }

  /**
   * What a chip or a card stands for.
   * @param {HTMLElement} chip
   */
  passageOf(chip) {
    const wanted = Number(chip.dataset.source);
    const source = this.sources.find((one) => one.number === wanted);
    const cited = chip.dataset.citation === undefined ? null : this.citations[Number(chip.dataset.citation)];
    return cited ?? source ?? null;
  }

  /** @param {Element} button in a block of code */
  copyCode(button) {
    const code = button.closest('.code')?.querySelector('pre')?.textContent ?? '';
    return write(code);
  }

  copy() {
    const cited = new Map(this.citations.map((one) => [one.number, one]));
    const sources = [...cited.values()].sort((a, b) => a.number - b.number).map((one) => `[${number(one.number)}] ${[titleOf(one), pageOf(one)].filter(Boolean).join(', ')}`);
    return write([this.content, '', ...sources].join('\n').trim());
  }

  /** The asker stopped it before there was a word. */
  stopped() {
    this.settle();
    if (!this.sources.length) this.count.textContent = t('Stopped');
    this.note.replaceChildren(h('p', { class: 'mute' }, t('Stopped.')), this.more());
    say(t('Stopped'));
  }

  /** The question has no answer: the server ended before it gave one. */
  unanswered() {
    this.settle();
    this.evidencePart.hidden = true;
    this.note.replaceChildren(h('div', { class: 'note' }, icon('info'), h('div', { class: 'grow' },
      h('p', {}, t('This question was not answered.')),
      h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: () => this.actions.again() }, t('Answer it now')), this.branches))));
  }

  /** The way to ask again where there is no footer. */
  more() {
    return h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: () => this.actions.again() }, icon('redo', 's'), t('Answer again')), this.branches);
  }

  /** @param {string} message */
  fail(message) {
    this.settle();
    if (!this.sources.length) this.evidencePart.hidden = true;
    const kept = this.answer.childElementCount ? ` ${t('What was written is kept, with its sources.')}` : '';
    this.note.replaceChildren(h('div', { class: 'note err', role: 'alert' }, icon('warn'), h('div', { class: 'grow' },
      h('p', {}, h('b', {}, message), kept),
      h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: () => this.actions.again() }, t('Try again')), this.branches))));
  }
}

/**
 * Why there is no answer, and what to do about it.
 * @param {any} coverage what was searched
 */
function refusal(coverage) {
  const reason = (/** @type {string} */ text) => h('p', {}, h('b', {}, text));
  const way = (/** @type {string} */ text) => h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/documents' }, text));
  if (!coverage || coverage.documents || coverage.pages) {
    const covered = coverage ? searched(coverage) : '';
    return [reason(t('Your documents do not say.')),
      h('p', {}, t('No passage was found that answers this question.'), ' ', covered),
      way(t('See what can be searched'))];
  }
  // Every search takes time; a selected text is read without one.
  if (!coverage.took_ms) {
    return [reason(t('The selected text does not say.')), h('p', {}, t('Nothing in it answers this question.'))];
  }
  const { documents_pending: pending } = coverage;
  const waiting = pending && tn(pending, '{count} document is not read yet.', '{count} documents are not read yet.');
  return [reason(t('No documents are ready to be searched.')),
    pending
      ? h('p', {}, waiting, ' ', t('Ask again once they have been read.'))
      : h('p', {}, t('Add documents, or choose others to be searched.')),
    way(pending ? t('See what can be searched') : t('Add documents'))];
}

/** @param {string} text */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t('Copied'));
  } catch {
    toast(t('The browser does not allow copying here.'));
  }
}
