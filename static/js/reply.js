// @ts-check
// One reply: its sources, its sentences as they arrive, and what the check of
// each sentence found.

import { Reading } from './reading.js';
import { fragment, h, icon, iconButton, put, say, toast } from './dom.js';
import { pageOf, plural, searched, seconds, titleOf } from './words.js';

/** @typedef {import('./evidence.js').Evidence} Evidence */

export class Reply {
  /**
   * @param {Evidence} evidence where sources are opened
   * @param {() => void} again asks the same question once more
   * @param {() => void} withAll the same, with all passages
   */
  constructor(evidence, again, withAll) {
    this.evidence = evidence;
    this.again = again;
    this.withAll = withAll;
    /** @type {any[]} */
    this.sources = [];
    /** @type {any[]} */
    this.citations = [];
    this.content = '';
    this.count = h('h2', {}, 'Searching');
    this.coverage = h('span', {});
    this.skeleton = h('div', { class: 'sk', 'aria-hidden': 'true' }, [1, 2, 3, 4].map(() => h('i')));
    this.list = h('ol', { class: 'src' });
    this.reading = new Reading();
    this.evidencePart = h('section', { 'aria-label': 'Sources' }, h('div', { class: 'srch' }, this.count, this.coverage), this.skeleton, this.list, this.reading.element);
    this.said = h('p', { class: 'said', hidden: true }, icon('quote', 's'), h('span', {}, h('b', {}, 'In the documents’ own words.'), ' These sentences are copied word for word, best match first. Nothing here was written by a model.'));
    this.answer = h('div', { class: 'answer', 'aria-busy': 'true' });
    this.caret = h('span', { class: 'caret', 'aria-hidden': 'true' });
    this.leftOut = h('div', { class: 'note', hidden: true });
    this.footer = h('footer', { class: 'fin', hidden: true });
    this.element = h('article', { class: 'reply', 'aria-label': 'Answer' }, this.evidencePart, this.said, this.answer, this.leftOut, this.footer);
    this.answer.addEventListener('click', (/** @type {MouseEvent} */ event) => this.clicked(event));
  }

  /**
   * Takes an event of the stream; whether it was the complete answer.
   * @param {string} name
   * @param {any} data
   */
  take(name, data) {
    if (name === 'sources') this.showSources(data.sources, data.coverage);
    else if (name === 'block') this.showBlock(data.index, data.html);
    else if (name === 'error') throw new Error(data.error);
    else if (name === 'message' && data.stage) this.reading.take(data);
    else if (name === 'message' && typeof data.content === 'string') {
      this.complete(data);
      return true;
    }
    return false;
  }

  /**
   * @param {any[]} sources
   * @param {any} coverage
   */
  showSources(sources, coverage) {
    this.sources = sources;
    this.skeleton.hidden = true;
    const documents = new Set(sources.map((one) => one.document_id)).size;
    const found = `${plural(sources.length, 'source')} in ${plural(documents, 'document')}`;
    this.count.textContent = sources.length ? found : 'No source found';
    say(this.count.textContent);
    if (coverage) this.showCoverage(coverage);
    this.list.replaceChildren(...sources.map((one) => this.card(one)));
  }

  /** @param {any} coverage */
  showCoverage(coverage) {
    this.coverage.replaceChildren(searched(coverage));
    if (coverage.pages_without_text) put(this.coverage, ' ', h('a', { href: '#/documents' }, `${coverage.pages_without_text.toLocaleString()} have no text`));
    if (coverage.documents_pending) put(this.coverage, ` ${plural(coverage.documents_pending, 'document is', 'documents are')} not read yet.`);
  }

  /** @param {any} source */
  card(source) {
    const open = (/** @type {any} */ event) => this.evidence.open(this, source.number, null, event.currentTarget);
    return h('li', {}, h('button', { type: 'button', 'data-source': source.number, onclick: open },
      h('span', { class: 'k' }, source.number),
      h('b', { class: 'cut' }, titleOf(source)),
      h('span', { class: 'pg num' }, pageOf(source)),
      h('span', { class: 'doc cut' }, source.text)));
  }

  /**
   * @param {number} index
   * @param {string} html
   */
  showBlock(index, html) {
    this.reading.hide();
    const nodes = fragment(html);
    const block = /** @type {Element} */ (nodes.firstElementChild ?? h('p', {}, nodes));
    this.said.hidden = !block.classList.contains('quote');
    const old = this.answer.children[index];
    if (old && old !== this.caret) old.replaceWith(block);
    else this.answer.insertBefore(block, this.caret.isConnected ? this.caret : null);
    if (!this.said.hidden) return;
    block.append(this.caret);
  }

  /** @param {any} answer the last frame */
  complete(answer) {
    this.citations = answer.citations;
    this.content = answer.content;
    this.finish(answer);
    if (answer.mode === 'nothing_found') this.nothing(answer);
    else this.showAnswer(answer.html);
    say('Answer complete');
  }

  /** @param {any} message an answer of a stored chat */
  showStored(message) {
    const facts = message.metadata ?? {};
    this.citations = message.sources ?? [];
    this.content = message.content;
    const byNumber = new Map(this.citations.map((one) => [one.number, one]));
    this.showSources([...byNumber.values()].sort((a, b) => a.number - b.number), facts.coverage);
    if (facts.mode === 'nothing_found') this.nothing(facts);
    else if (facts.html) this.showAnswer(facts.html);
    else this.answer.replaceChildren(h('p', {}, message.content));
    this.finish(facts);
    say('');
  }

  /** @param {string} html */
  showAnswer(html) {
    this.answer.replaceChildren(fragment(html));
    const unsupported = [.../** @type {NodeListOf<HTMLElement>} */ (this.answer.querySelectorAll('.s.none'))];
    for (const [index, part] of unsupported.entries()) {
      // A sentence may be in several parts, around what is bold in it.
      if (unsupported[index + 1]?.dataset.sentence === part.dataset.sentence) continue;
      part.after(h('span', { class: 'ns', title: 'Nothing in the passages shown supports this sentence' }, 'no source'));
    }
  }

  /** @param {any} facts */
  nothing(facts) {
    const searchedText = facts.coverage ? searched(facts.coverage) : '';
    this.evidencePart.hidden = !this.sources.length;
    this.answer.replaceChildren(h('div', { class: 'note' }, icon('search'), h('div', { class: 'grow' },
      h('p', {}, h('b', {}, 'Your documents do not say.')),
      h('p', {}, `No passage was found that answers this question. ${searchedText}`),
      h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/documents' }, 'See what can be searched')))));
  }

  /**
   * Says what the model did not get to see.
   * @param {any} leftOut
   */
  showLeftOut(leftOut) {
    this.leftOut.hidden = !leftOut;
    if (!leftOut) return;
    this.leftOut.replaceChildren(icon('doc'), h('div', { class: 'grow' },
      h('p', {}, `${leftOut.note}.`),
      leftOut.for_time > 0 && h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: () => this.withAll() }, 'Use all passages'))));
  }

  /** @param {any} facts */
  finish(facts) {
    this.caret.remove();
    this.showLeftOut(facts.left_out);
    this.answer.setAttribute('aria-busy', 'false');
    this.reading.hide();
    this.skeleton.hidden = true;
    this.said.hidden = facts.mode !== 'quotes';
    this.element.setAttribute('aria-label', facts.mode === 'quotes' ? 'Answer in quotes' : 'Answer');
    /** @type {Record<string, string>} */
    const endings = { length: 'Cut off: the longest answer was reached', cancelled: 'Stopped' };
    const ending = endings[facts.finish_reason];
    const { prompt, reused, completion } = facts.usage ?? {};
    const parts = [facts.model ?? 'No model', completion ? plural(completion, 'token') : '',
      prompt ? `read ${(prompt - reused).toLocaleString()} of ${plural(prompt, 'token')}` : '',
      reused ? `${reused.toLocaleString()} reused` : '',
      facts.first_token_ms ? `first word after ${seconds(facts.first_token_ms)}` : '', ending ?? ''];
    this.footer.replaceChildren(
      facts.mode === 'nothing_found' ? '' : this.tally(facts),
      h('span', { class: 'num' }, parts.filter(Boolean).join(' · ')),
      h('span', { class: 'acts' },
        iconButton('copy', 'Copy answer with sources', () => this.copy()),
        iconButton('redo', 'Ask again', this.again)));
    this.footer.hidden = false;
  }

  /** @param {any} facts */
  tally(facts) {
    const checks = facts.checks ?? [];
    const good = checks.filter((/** @type {any} */ one) => one.support !== 'unsupported').length;
    const words = facts.mode === 'quotes'
      ? `${good} of ${checks.length} are word for word`
      : `${good} of ${plural(checks.length, 'sentence has', 'sentences have')} a source`;
    const bars = h('i', { 'aria-hidden': 'true' }, checks.map((/** @type {any} */ one) => h('b', { class: one.support === 'unsupported' ? 'o' : '' })));
    if (good === checks.length) return h('span', { class: 'tally' }, bars, words);
    return h('span', { class: 'tally' }, bars, h('button', { type: 'button', title: 'Go to the sentence without a source', onclick: () => this.toUnsupported() }, words));
  }

  toUnsupported() {
    const sentence = this.answer.querySelector('.s.none');
    if (!sentence) return;
    sentence.tabIndex = -1;
    sentence.scrollIntoView({ block: 'center' });
    sentence.focus();
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const chip = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('a.c'));
    if (!chip) return;
    event.preventDefault();
    const index = chip.dataset.citation === undefined ? null : Number(chip.dataset.citation);
    this.evidence.open(this, Number(chip.dataset.source), index, chip);
  }

  async copy() {
    const cited = new Map(this.citations.map((one) => [one.number, one]));
    const sources = [...cited.values()].sort((a, b) => a.number - b.number).map((one) => `[${one.number}] ${[titleOf(one), pageOf(one)].filter(Boolean).join(', ')}`);
    try {
      await navigator.clipboard.writeText([this.content, ...sources].join('\n'));
      toast('Copied');
    } catch {
      toast('The browser does not allow copying here.');
    }
  }

  /** The asker stopped it. */
  stopped() {
    this.caret.remove();
    this.skeleton.hidden = true;
    this.reading.hide();
    if (!this.sources.length) this.count.textContent = 'Stopped';
    this.answer.setAttribute('aria-busy', 'false');
    put(this.answer, h('p', { class: 'mute' }, 'Stopped.'));
    say('Stopped');
  }

  /** @param {string} message */
  fail(message) {
    this.caret.remove();
    this.skeleton.hidden = true;
    this.reading.hide();
    if (!this.sources.length) this.evidencePart.hidden = true;
    this.answer.setAttribute('aria-busy', 'false');
    const kept = this.answer.childElementCount ? ' What was written is kept, with its sources.' : '';
    put(this.answer, h('div', { class: 'note err', role: 'alert' }, icon('warn'), h('div', { class: 'grow' },
      h('p', {}, h('b', {}, message), kept),
      h('p', { class: 'row wrap' }, h('button', { class: 'b', type: 'button', onclick: this.again }, 'Try again')))));
  }
}
