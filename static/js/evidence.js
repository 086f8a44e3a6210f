// @ts-check
// The evidence panel: the page of a document with the cited words marked.

import { api, request } from './api.js';
import { h, icon, iconButton, outOfReach, put, say, toast } from './dom.js';
import { Judging } from './judging.js';
import { t, tn } from './language.js';
import { Nearby } from './nearby.js';
import { selecting } from './selecting.js';
import { why } from './why.js';
import { number, titleOf } from './words.js';

/** Whether the panel lies beside the conversation, and not over it. */
const beside = matchMedia('(min-width: 56.25rem)');

export class Evidence {
  /** @param {{askAbout: (text: string) => void}} actions */
  constructor({ askAbout }) {
    /** @type {any} the reply whose sources are shown */
    this.reply = null;
    /** @type {any} */
    this.place = null;
    /** @type {any} the passage near the source that was turned to */
    this.turned = null;
    /** @type {HTMLElement | null} */
    this.opener = null;
    // Lies over the rest where the panel does.
    this.scrim = h('button', { class: 'scrim on', tabindex: '-1', 'aria-label': t('Close evidence'), onclick: () => this.close() });
    this.number = h('span', { class: 'k on' });
    this.of = h('span', { class: 'grow' });
    this.box = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Page') });
    this.judging = new Judging();
    this.nearby = new Nearby((passage) => this.turnTo(passage));
    this.originalButton = h('button', { class: 'b', type: 'button', onclick: () => this.openOriginal() }, icon('ext', 's'), t('Open original'));
    this.element = h('aside', { class: 'ev', id: 'ev', 'aria-label': t('Evidence') },
      h('div', { class: 'grab', 'aria-hidden': 'true' }),
      h('header', { class: 'bar' },
        h('h2', { class: 'vh' }, t('Evidence')), h('span', { class: 'vh' }, t('Source')), this.number, this.of,
        iconButton('left', t('Previous source'), () => this.step(-1), 'flip'),
        iconButton('right', t('Next source'), () => this.step(1), 'flip'),
        iconButton('close', t('Close evidence'), () => this.close())),
      this.box,
      h('footer', { class: 'go' },
        h('button', { class: 'b', type: 'button', onclick: () => this.copy() }, icon('copy', 's'), t('Copy quote')),
        this.originalButton));
    this.toggle = iconButton('pane', t('Evidence'), () => this.toggled(), 'flip');
    this.life = new AbortController();
    const { signal } = this.life;
    addEventListener('keydown', (event) => this.key(event), { signal });
    beside.addEventListener('change', () => this.cover(), { signal });
    selecting(this.element, signal, (text) => {
      if (!beside.matches) this.close();
      askAbout(text);
    });
  }

  /** The view that it belongs to is over. */
  leave() {
    this.close();
    this.life.abort();
  }

  /** @returns {boolean} */
  get isOpen() {
    return !document.body.classList.contains('noev');
  }

  toggled() {
    if (this.isOpen) this.close();
    else if (this.reply) this.reveal();
    else toast(t('Open a source: click its number or its card.'));
  }

  reveal() {
    document.body.classList.remove('noev');
    this.toggle.setAttribute('aria-pressed', 'true');
    this.cover();
  }

  /** Where the panel lies over the conversation, what is behind it is out of reach. */
  cover() {
    const over = this.isOpen && !beside.matches;
    outOfReach('#main, #rail, .skip', over);
    if (over) document.body.append(this.scrim);
    else this.scrim.remove();
  }

  close() {
    document.body.classList.add('noev');
    this.toggle.setAttribute('aria-pressed', 'false');
    this.cover();
    this.light(null, null);
    this.opener?.focus();
    this.opener = null;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const elsewhere = document.querySelector('dialog[open]') || document.body.classList.contains('drawer');
    if (event.key === 'Escape' && this.isOpen && !elsewhere) this.close();
  }

  /**
   * Opens a source of a reply, or the very words of one of its citations.
   * @param {any} reply
   * @param {number} wanted number of the source
   * @param {number | null} citation index in the reply's citations
   * @param {HTMLElement} [opener] gets the focus back
   */
  open(reply, wanted, citation, opener) {
    const source = reply.sources.find((/** @type {any} */ one) => one.number === wanted);
    const cited = citation === null
      ? reply.citations.find((/** @type {any} */ one) => one.number === wanted)
      : reply.citations[citation];
    if (!source && !cited) return;
    if (this.reply && this.reply !== reply) this.light(null, null);
    this.reply = reply;
    this.source = source ?? cited;
    this.cited = cited ?? null;
    if (opener) this.opener = opener;
    this.number.textContent = String(wanted);
    this.of.textContent = tn(reply.sources.length, 'of {count} source', 'of {count} sources');
    this.reveal();
    this.light(wanted, citation);
    this.turned = null;
    const at = this.cited ?? this.source;
    this.show(at.document_id, at.page);
  }

  /**
   * Keeps the chips and the card of the open source lit.
   * @param {number | null} number
   * @param {number | null} citation
   */
  light(number, citation) {
    if (!this.reply) return;
    for (const chip of this.reply.element.querySelectorAll('[data-source]')) {
      const same = number !== null && Number(chip.dataset.source) === number;
      const exact = same && (citation === null || chip.dataset.citation === undefined || Number(chip.dataset.citation) === citation);
      chip.classList.toggle('lit', chip.matches('.c') && exact);
      if (same && chip.matches('button')) chip.setAttribute('aria-current', 'true');
      else chip.removeAttribute('aria-current');
    }
  }

  /** @param {number} by */
  step(by) {
    if (!this.reply?.sources.length) return;
    const all = this.reply.sources;
    const now = all.findIndex((/** @type {any} */ one) => one.number === Number(this.number.textContent));
    this.open(this.reply, all[(now + by + all.length) % all.length].number, null);
  }

  /**
   * @param {string} documentId
   * @param {number} page
   */
  async show(documentId, page) {
    this.wanted = `${documentId}/${page}`;
    const wanted = this.wanted;
    try {
      const place = await api('GET', `/documents/${documentId}/pages/${page}`);
      if (this.wanted !== wanted) return;
      this.place = place;
      this.draw();
    } catch (error) {
      if (this.wanted !== wanted) return;
      const gone = /** @type {any} */ (error).status === 404;
      this.box.replaceChildren(h('div', { class: 'note err', role: 'alert' }, icon('warn'), h('p', {},
        gone ? t('This document is no longer here: it was deleted after the answer was given.') : /** @type {Error} */ (error).message)));
    }
  }

  draw() {
    const { place } = this;
    const heading = h('h3', { tabindex: '-1' }, h('a', { href: `#/documents/${place.document_id}`, title: t('Show it among the documents') }, titleOf(place)));
    const path = this.headings();
    const where = [place.page_number ? t('Page {number} of {count}', { number: place.page_number, count: place.page_count }) : place.filename, path].filter(Boolean).join(' · ');
    const marks = this.spans();
    const text = h('div', { class: 'text' });
    write(text, place.text, marks);
    const sheet = h('div', { class: 'page', dir: 'auto' }, text, place.page_number && h('p', { class: 'folio num' }, place.page_number));
    const shown = marks.find((one) => one.tag === 'mark') ?? marks[0];
    const exact = shown && h('p', { class: 'exact' }, icon('check', 's'), h('span', {}, place.paged ? t('Word for word from the file, characters {start} to {end} of the page.', at(shown)) : t('Word for word from the file, characters {start} to {end} of the text.', at(shown))));
    this.box.replaceChildren(h('article', {}, heading, h('p', { class: 'meta num' }, where), sheet, exact, this.judging.element, this.why(), this.nearby.element, this.pager()));
    this.nearby.show(place, this.passage());
    this.judging.show(this.reply.actions.ids()?.answer ?? null, this.passage());
    const first = text.querySelector('mark') ?? text.querySelector('.passage');
    if (first) this.reach(first);
    else this.box.scrollTop = 0;
    if (!beside.matches) heading.focus({ preventScroll: true });
    say(place.page_number ? t('Opened {title}, page {number}', { title: titleOf(place), number: place.page_number }) : t('Opened {title}', { title: titleOf(place) }));
  }

  headings() {
    const path = this.isHere(this.source) ? this.source.heading_path : null;
    return path?.length ? path[path.length - 1] : '';
  }

  /** @param {any} one */
  isHere(one) {
    return one && one.document_id === this.place.document_id && one.page === this.place.page;
  }

  /** What to mark: the source's passage, and in it the cited words. */
  spans() {
    /** @type {{start: number, end: number, tag: string}[]} */
    const marks = [];
    if (this.turned) return this.isHere(this.turned) ? [{ start: this.turned.start, end: this.turned.end, tag: 'passage' }] : [];
    if (this.isHere(this.cited)) marks.push({ start: this.cited.start, end: this.cited.end, tag: 'mark' });
    if (this.isHere(this.source) && this.source.heading_path) {
      marks.push({ start: this.source.start, end: this.source.end, tag: marks.length ? 'passage' : 'mark' });
    }
    return marks;
  }

  /** The passage whose neighbours are near. */
  passage() {
    const shown = this.turned ?? this.source;
    return this.isHere(shown) ? shown : null;
  }

  /** Why the source was found, where that is still known. */
  why() {
    if (this.turned || !this.source?.scores || !this.isHere(this.source)) return null;
    // What an overview or a list is made of was taken as it stands, and not ranked.
    const { bm25, cosine } = this.source.scores;
    if (bm25 === null && cosine === null) return null;
    return why(this.source, this.reply.sources);
  }

  /**
   * Shows a passage near the one that is shown.
   * @param {any} passage
   */
  turnTo(passage) {
    this.turned = passage;
    this.show(passage.document_id, passage.page);
  }

  /** @param {Element} mark */
  reach(mark) {
    const box = this.box.getBoundingClientRect();
    const top = mark.getBoundingClientRect().top - box.top + this.box.scrollTop;
    this.box.scrollTop = Math.max(0, top - box.height / 3);
  }

  pager() {
    const { place } = this;
    if (place.page_count < 2) return null;
    const go = (/** @type {number} */ page) => this.show(place.document_id, page);
    const before = iconButton('left', t('Previous page'), () => go(place.page - 1), 'flip');
    const after = iconButton('right', t('Next page'), () => go(place.page + 1), 'flip');
    before.disabled = place.page <= 1;
    after.disabled = place.page >= place.page_count;
    return h('div', { class: 'pager' }, before, h('span', { class: 'num' }, t('{number} of {count}', { number: place.page, count: place.page_count })), after);
  }

  async copy() {
    const words = this.turned?.text ?? (this.cited ?? this.source)?.text;
    if (!words) return;
    try {
      await navigator.clipboard.writeText(words);
      toast(t('Copied'));
    } catch {
      toast(t('The browser does not allow copying here.'));
    }
  }

  openOriginal() {
    if (this.place) openOriginal(this.place.document_id, this.place.page_number);
  }
}

/** The characters of a span as people count them.
 * @param {{start: number, end: number}} span */
const at = ({ start, end }) => ({ start: start + 1, end });

/**
 * Writes text with marked spans; spans count characters as Unicode scalar values.
 * @param {Element} target
 * @param {string} text
 * @param {{start: number, end: number, tag: string}[]} marks
 */
function write(target, text, marks) {
  const characters = Array.from(text);
  const borders = new Set([0, characters.length]);
  for (const { start, end } of marks) borders.add(start).add(Math.min(end, characters.length));
  const sorted = [...borders].sort((a, b) => a - b);
  for (let i = 0; i + 1 < sorted.length; i += 1) {
    const piece = characters.slice(sorted[i], sorted[i + 1]).join('');
    const inside = marks.filter((one) => one.start <= sorted[i] && sorted[i + 1] <= one.end);
    const tag = inside.some((one) => one.tag === 'mark') ? 'mark' : inside.length ? 'passage' : '';
    put(target, ...(tag ? lines(piece).map((line) => marked(line, tag)) : [piece]));
  }
}

/**
 * The lines of a text, and between them the white space that ends them.
 * @param {string} text
 */
const lines = (text) => text.split(/(\s*\n\s*)/).filter(Boolean);

/**
 * What is marked of a passage: its words. White space alone has nothing to show.
 * @param {string} line
 * @param {string} tag
 */
function marked(line, tag) {
  if (!line.trim()) return line;
  return tag === 'mark' ? h('mark', {}, line) : h('span', { class: 'passage' }, line);
}

/**
 * Opens the original file in a new tab, at a page where it has pages.
 * @param {string} documentId
 * @param {number | null} [page]
 */
export async function openOriginal(documentId, page) {
  // Opened at once, while the click still counts as the user's.
  const tab = window.open('', '_blank');
  try {
    const response = await request(`/documents/${documentId}/original`);
    const url = URL.createObjectURL(await response.blob());
    const inline = (response.headers.get('content-disposition') ?? '').startsWith('inline');
    if (inline && tab) {
      tab.location.href = page ? `${url}#page=${page}` : url;
    } else {
      tab?.close();
      const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '');
      h('a', { href: url, download: name?.[1] ?? 'document' }).click();
    }
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    tab?.close();
    toast(/** @type {Error} */ (error).message);
  }
}
