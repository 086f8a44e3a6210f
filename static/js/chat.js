// @ts-check
// The conversation: questions with their replies, in the branch that is shown.

import { fillAbove } from './above.js';
import { api } from './api.js';
import { Composer } from './composer.js';
import { h, icon, iconButton, put, say, toast } from './dom.js';
import { Evidence } from './evidence.js';
import { Forgotten, asked, byFrame, followed } from './following.js';
import { t } from './language.js';
import { Question } from './question.js';
import { Reply } from './reply.js';
import { ModelPicker } from './model_picker.js';
import { chats } from './sessions.js';
import { menuButton, refreshSessions } from './shell.js';
import { Thread } from './thread.js';
import { tune } from './tuning.js';
import { upload, uploadList, watchUploads } from './uploads.js';
import { whereabouts } from './whereabouts.js';

/** @typedef {import('./thread.js').Said} Said */

const samples = () => [
  t('How do I add documents?'),
  t('Which chat models work, and where do I put them?'),
  t('Does anything leave this machine?'),
];

/** How near to its end the conversation is followed, in pixels. */
const NEAR = 90;

/** How many messages are drawn before the reader waits for the rest. */
const FIRST = 16;

/**
 * @param {string} [sessionId]
 * @param {string} [messageId] what is looked for in it
 * @returns {import('./main.js').View}
 */
export function chat(sessionId, messageId) {
  // From here on it is a chat like others: a reload shows its end.
  if (sessionId && messageId) history.replaceState(null, '', `#/chat/${encodeURIComponent(sessionId)}`);
  const view = new Chat(sessionId ?? null, messageId ?? null);
  return { main: view.main, aside: view.evidence.element, title: t('Chat'), leave: () => view.leave(), drop: (files) => view.add(files) };
}

class Chat {
  /**
   * @param {string | null} sessionId
   * @param {string | null} messageId
   */
  constructor(sessionId, messageId) {
    this.sessionId = sessionId;
    this.thread = new Thread();
    /** @type {Said[]} the messages that are drawn */
    this.drawn = [];
    /** @type {{listening: AbortController, answer: Said, stopping: boolean} | null} */
    this.asking = null;
    this.left = false;
    this.follows = true;
    /** Where it was scrolled to when it last was. */
    this.top = 0;
    /** @type {HTMLElement | null} what is shown before the first question */
    this.empty = null;
    this.evidence = new Evidence({ askAbout: (text) => this.composer.askAbout(text) });
    this.heading = h('h1', { class: 'cut grow' }, sessionId ? '' : t('New chat'));
    this.box = h('div', { class: 'thread' });
    this.scroll = h('div', { class: 'scroll', onscroll: () => this.scrolled() }, this.box);
    this.composer = new Composer({
      ask: (written) => this.ask(written),
      stop: () => this.stop(),
      listed: (datasets) => this.listed(datasets),
    });
    this.model = new ModelPicker((writes) => this.composer.setModel(writes));
    this.uploads = h('div', {}, uploadList());
    this.jump = h('button', { class: 'b jump', type: 'button', hidden: true, onclick: () => this.toEnd() }, t('To the end of the answer'));
    this.main = h('main', {},
      h('header', { class: 'bar' }, menuButton(), this.heading, this.model.element,
        iconButton('gear', t('How it is answered'), () => this.tune()), this.evidence.toggle),
      this.scroll,
      h('div', { class: 'dock' },
        this.jump,
        this.uploads,
        this.composer.element,
        h('p', { class: 'fine' }, whereabouts())));
    // Blocks take their true height when they come into view.
    this.growing = new ResizeObserver(() => { if (this.follows) this.scroll.scrollTop = this.scroll.scrollHeight; });
    this.growing.observe(this.box);
    this.evidence.close();
    this.unwatchUploads = watchUploads(() => this.drawUploads());
    this.life = new AbortController();
    document.addEventListener('visibilitychange', () => this.seen(), { signal: this.life.signal });
    chats.addEventListener('renamed', (event) => this.renamed(/** @type {CustomEvent} */ (event).detail), { signal: this.life.signal });
    if (sessionId) this.load(sessionId, messageId);
    else this.showEmpty();
    if (!messageId) queueMicrotask(() => this.composer.focus());
  }

  /** @param {{id: string, title: string}} chat */
  renamed(chat) {
    if (chat.id === this.sessionId) this.heading.textContent = chat.title;
  }

  /** Asks how this chat is answered; one that is not there yet is made by that. */
  async tune() {
    const tuned = await tune(this.sessionId);
    if (!tuned || this.sessionId) return;
    refreshSessions();
    location.hash = `#/chat/${encodeURIComponent(tuned.id)}`;
  }

  /** @param {any[]} datasets */
  listed(datasets) {
    const own = datasets.filter((one) => !one.builtin);
    this.hasDocuments = own.some((one) => one.document_count > 0);
    if (!this.sessionId && this.empty) this.showEmpty();
  }

  showEmpty() {
    const bare = this.hasDocuments === false;
    this.empty = h('section', { class: 'on-empty', 'aria-labelledby': 'hi' },
      h('h2', { id: 'hi' }, t('What do you need to find?')),
      h('p', { class: 'sub' }, t('Answers come with the passages they rest on. Where nothing in your documents supports a sentence, it says so.')),
      bare && h('div', { class: 'note' }, icon('doc'), h('div', { class: 'grow' },
        h('p', {}, h('b', {}, t('You have no documents here yet.'))),
        h('p', {}, t('Drop files on the documents page, or try satchel on its own handbook first:')),
        h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/documents' }, icon('file', 's'), t('Add documents'))))),
      bare && h('div', { class: 'try' }, samples().map((text) => h('button', { type: 'button', onclick: () => this.ask({ message: text }) }, icon('quote', 's'), text))));
    this.scroll.replaceChildren(this.empty, this.box);
    this.box.hidden = true;
  }

  /**
   * @param {string} id
   * @param {string | null} wanted the message to show; else the end is shown
   */
  async load(id, wanted) {
    try {
      const session = await api('GET', `/chat/sessions/${encodeURIComponent(id)}?branches=all`);
      if (this.left) return;
      this.heading.textContent = session.session.title || t('Untitled');
      this.thread.load(session.messages);
      const found = wanted ? this.thread.find(wanted) : null;
      if (found) this.thread.choose(found);
      await this.draw(found);
      if (found) this.show(found);
      else this.toEnd();
      this.composer.restore(this.thread.lastQuestion()?.message.metadata);
      this.pickUp(session.running ?? []);
    } catch (error) {
      this.heading.textContent = t('Chat');
      put(this.box, h('div', { class: 'note err', role: 'alert' }, icon('warn'), h('div', { class: 'grow' },
        h('p', {}, h('b', {}, t('This chat cannot be shown.')), ' ', /** @type {Error} */ (error).message),
        h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/chat' }, t('New chat'))))));
    }
  }

  /** Another tab may have gone on with the chat while this one was not seen. */
  async seen() {
    if (document.hidden || this.asking || !this.sessionId) return;
    const session = await api('GET', `/chat/sessions/${encodeURIComponent(this.sessionId)}?branches=all`).catch(() => null);
    if (!session || this.asking || this.left) return;
    const known = this.thread.ids();
    if (session.messages.every((/** @type {any} */ one) => known.has(one.id))) return;
    for (const one of this.drawn) one.view.element.remove();
    this.drawn = [];
    this.thread = new Thread();
    this.thread.load(session.messages);
    await this.draw();
    this.toEnd();
    this.pickUp(session.running ?? []);
  }

  /**
   * Follows the answer that is being given to the last question, if one is.
   * @param {{answer_id: string, question_id: string}[]} running
   */
  pickUp(running) {
    const question = this.thread.lastQuestion();
    const live = running.find((one) => one.question_id === question?.id);
    if (live && question) {
      const answer = this.thread.add(question, 'assistant', {});
      this.follow(answer, (signal) => followed(live.answer_id, signal));
      return;
    }
    const tip = this.thread.tip();
    if (tip.role !== 'user' || !tip.parent) return;
    const answer = this.thread.add(tip, 'assistant', {});
    this.draw();
    answer.view.unanswered();
  }

  /**
   * Leads to a message, and marks it.
   * @param {Said} one
   */
  show(one) {
    const { element } = one.view;
    this.follows = false;
    element.classList.add('wanted');
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    // What stands above takes its true height only when it comes near.
    const reach = () => element.scrollIntoView({ block: 'start' });
    reach();
    requestAnimationFrame(reach);
  }

  /**
   * Draws the branch that is shown; what is there already stays as it is.
   * @param {Said | null} [wanted] is drawn at once, wherever it is
   */
  async draw(wanted = null) {
    const line = this.thread.line();
    let same = 0;
    while (same < line.length && this.drawn[same] === line[same]) same += 1;
    for (const gone of this.drawn.slice(same)) gone.view.element.remove();
    this.drawn = line;
    if (line.length) this.begun();
    // The end of a long conversation is what is looked at; the rest follows.
    const last = wanted ? Math.max(0, line.indexOf(wanted) - 1) : line.length;
    const first = Math.max(same, Math.min(last, line.length - FIRST));
    const elements = line.slice(first).map((one) => this.shown(one));
    put(this.box, elements);
    for (const one of line.slice(0, same)) one.view.place(this.thread.place(one));
    if (first > same) this.drawEarlier(same, first, elements[0]);
  }

  /**
   * Draws the messages from one to another before an element, the last first,
   * while there is time.
   * @param {number} from
   * @param {number} until
   * @param {Element} before
   */
  drawEarlier(from, until, before) {
    const line = this.drawn;
    const next = () => {
      if (this.left || this.drawn !== line || until === from) return null;
      until -= 1;
      return this.shown(line[until]);
    };
    fillAbove(this.scroll, before, next, () => this.follows);
  }

  /**
   * What shows a message.
   * @param {Said} one
   * @returns {HTMLElement}
   */
  shown(one) {
    if (!one.view) {
      one.view = one.role === 'user' ? this.question(one) : this.reply(one);
      if (one.role === 'assistant' && one.id) one.view.showStored(one.message);
    }
    one.view.place(this.thread.place(one));
    return one.view.element;
  }

  /** @param {Said} one */
  question(one) {
    return new Question(one.message, {
      edit: (text) => this.ask({ message: text, scope: one.message.metadata ?? {}, edits: one }),
      step: (by) => this.step(one, by),
    });
  }

  /** @param {Said} one */
  reply(one) {
    const question = /** @type {Said} */ (one.parent);
    return new Reply(this.evidence, {
      again: () => this.again(question),
      withAll: () => this.again(question, { all_passages: true }),
      step: (by) => this.step(one, by),
      ids: () => (this.sessionId && question.id && one.id ? { session: this.sessionId, question: question.id, answer: one.id } : null),
    });
  }

  /**
   * @param {Said} one
   * @param {number} by
   */
  step(one, by) {
    if (this.asking) return void toast(t('Wait for the answer, or stop it first.'));
    this.thread.step(one, by);
    this.evidence.close();
    this.draw();
    const { number, of } = this.thread.place(this.drawn[this.thread.line().findIndex((at) => at.parent === one.parent)]);
    say(t('Version {number} of {of}', { number, of }));
  }

  /** It is a conversation from here on, whatever arrives late. */
  begun() {
    this.empty?.remove();
    this.empty = null;
    this.box.hidden = false;
  }

  /**
   * Asks.
   * @param {{message: string, scope?: any, think?: boolean, edits?: Said}} question `edits`: the question that this one words anew
   */
  ask({ message, scope = {}, think = this.composer.thinks, edits }) {
    if (this.asking) return;
    const parent = edits ? edits.parent ?? this.thread.root : this.thread.tip();
    const { names, ...restricted } = scope;
    const question = this.thread.add(parent, 'user', { content: message, metadata: { ...restricted, names } });
    const place = edits?.id ? { edits: edits.id } : parent.id ? { after: parent.id } : {};
    this.send(question, { message, think, ...restricted, ...place });
  }

  /**
   * Has a question answered once more.
   * @param {Said} question
   * @param {any} [options]
   */
  again(question, options) {
    if (this.asking) return void toast(t('Wait for the answer, or stop it first.'));
    if (question.id) return this.send(question, { message: '', think: this.composer.thinks, again: question.id, search_options: options });
    // The server has never heard of it.
    const { content, metadata } = question.message;
    this.thread.remove(question);
    this.ask({ message: content, scope: metadata });
  }

  /**
   * @param {Said} question
   * @param {any} body
   */
  send(question, body) {
    const answer = this.thread.add(question, 'assistant', {});
    const whole = { session_id: this.sessionId ?? undefined, ...body };
    this.follow(answer, (signal) => asked(whole, signal));
  }

  /**
   * Shows an answer as it is given.
   * @param {Said} answer
   * @param {(signal: AbortSignal) => AsyncGenerator<import('./following.js').Said>} connect
   */
  async follow(answer, connect) {
    const asking = { listening: new AbortController(), answer, stopping: false };
    this.asking = asking;
    this.draw();
    this.busy(true);
    this.toEnd();
    /** @type {Reply} */
    const reply = answer.view;
    let complete = false;
    /** @type {any} what a batch failed with, which comes when nobody waits for it */
    let failure = null;
    const batches = byFrame((batch) => {
      try {
        complete = reply.takeAll(batch) || complete;
      } catch (error) {
        failure = error;
      }
      this.keepUp();
    });
    try {
      for await (const event of connect(asking.listening.signal)) {
        if (event.name === 'accepted') this.accepted(answer, event.data);
        batches.add(event);
      }
      await batches.drained();
      if (failure) throw failure;
      if (!complete && !this.left) throw new Error(t('The connection was lost before the answer was complete.'));
    } catch (error) {
      await batches.drained();
      if (!this.left) this.ended(asking, error);
    }
    this.asking = null;
    if (this.left) return;
    this.busy(false);
    refreshSessions();
  }

  /**
   * An answer ended without being complete.
   * @param {{answer: Said, stopping: boolean}} asking
   * @param {any} error
   */
  ended({ answer, stopping }, error) {
    const reply = answer.view;
    if (error instanceof Forgotten) this.reload(answer);
    else if (stopping && error.code === 'cancelled') reply.stopped();
    else reply.fail(error.message);
  }

  /**
   * Takes from the server what became of an answer.
   * @param {Said} answer
   */
  async reload(answer) {
    try {
      const session = await api('GET', `/chat/sessions/${this.sessionId}?branches=all`);
      const message = session.messages.find((/** @type {any} */ one) => one.id === answer.id);
      if (!message) return answer.view.unanswered();
      answer.message = message;
      answer.view.showStored(message);
    } catch (error) {
      answer.view.fail(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Said} answer
   * @param {any} data
   */
  accepted(answer, data) {
    answer.id = data.answer_id;
    if (answer.parent) answer.parent.id = data.question_id;
    if (this.asking?.answer === answer && this.asking.stopping) this.stop();
    if (this.sessionId) return;
    this.sessionId = data.session_id;
    this.heading.textContent = data.title;
    if (!this.left) history.replaceState(null, '', `#/chat/${data.session_id}`);
  }

  async stop() {
    const { asking } = this;
    if (!asking) return;
    asking.stopping = true;
    this.composer.focus();
    // What has no name yet is stopped as soon as it has one.
    if (!asking.answer.id) return;
    try {
      await api('POST', `/api/answers/${asking.answer.id}/stop`, {});
    } catch (error) {
      // It may have ended by itself.
      if (/** @type {any} */ (error).status !== 404) toast(/** @type {Error} */ (error).message);
    }
  }

  /** @param {boolean} busy */
  busy(busy) {
    this.composer.setBusy(busy);
    if (!busy) this.jump.hidden = true;
    if (busy) say(t('Searching your documents'));
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    // What grew below has also moved the end away; only a reader goes back.
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.follows = true;
    else if (scrollTop < this.top) this.follows = false;
    this.top = scrollTop;
    if (this.follows) this.jump.hidden = true;
  }

  /** Stays at the end only for who is there already. */
  keepUp() {
    // Events of scrolling come a frame late.
    this.scrolled();
    if (this.follows) this.scroll.scrollTop = this.scroll.scrollHeight;
    else if (this.asking) this.jump.hidden = false;
  }

  toEnd() {
    this.follows = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.jump.hidden = true;
  }

  /**
   * Adds dropped files to the dataset that is asked, or to the default one.
   * @param {File[]} files
   */
  add(files) {
    upload(files, this.composer.writable());
  }

  drawUploads() {
    const list = uploadList();
    if (!list && this.uploads.firstChild) toast(t('Added. You can ask about it.'));
    this.uploads.replaceChildren(...(list ? [list] : []));
  }

  /** An answer under way goes on without a listener, and is followed again when one comes back. */
  leave() {
    this.left = true;
    this.life.abort();
    this.growing.disconnect();
    this.model.leave();
    this.asking?.listening.abort();
    this.composer.leave();
    this.evidence.leave();
    this.unwatchUploads();
  }
}
