// @ts-check
// The conversation: the composer, and the questions with their replies.

import { api, events } from './api.js';
import { h, icon, iconButton, put, say, toast } from './dom.js';
import { Evidence } from './evidence.js';
import { Reply } from './reply.js';
import { menuButton, refreshSessions } from './shell.js';
import { upload, uploadList, watchUploads } from './uploads.js';

const SAMPLES = [
  'How do I add documents?',
  'Which chat models work, and where do I put them?',
  'Does anything leave this machine?',
];

/** How near to its end the conversation is followed, in pixels. */
const NEAR = 90;

/** The dataset that was chosen last; the empty one is all. */
let chosenDataset = '';

/**
 * @param {string} [sessionId]
 * @returns {import('./main.js').View}
 */
export function chat(sessionId) {
  const view = new Chat(sessionId ?? null);
  return { main: view.main, aside: view.evidence.element, title: 'Chat', leave: () => view.leave(), drop: (files) => view.add(files) };
}

class Chat {
  /** @param {string | null} sessionId */
  constructor(sessionId) {
    this.sessionId = sessionId;
    /** @type {any[]} */
    this.datasets = [];
    this.evidence = new Evidence();
    /** @type {AbortController | null} */
    this.asking = null;
    this.left = false;
    this.follows = true;
    /** @type {HTMLElement | null} what is shown before the first question */
    this.empty = null;
    this.heading = h('h1', { class: 'cut grow' }, sessionId ? '' : 'New chat');
    this.thread = h('div', { class: 'thread' });
    this.scroll = h('div', { class: 'scroll', onscroll: () => this.scrolled() }, this.thread);
    this.modelTag = h('a', { class: 'tag hide-s', href: '#/models', hidden: true });
    this.main = h('main', {},
      h('header', { class: 'bar' }, menuButton(), this.heading, this.modelTag, this.evidence.toggle),
      this.scroll,
      this.dock());
    this.evidence.close();
    this.unwatchUploads = watchUploads(() => this.drawUploads());
    this.describeModel();
    this.listDatasets();
    if (sessionId) this.load(sessionId);
    else this.showEmpty();
    queueMicrotask(() => this.box.focus());
  }

  dock() {
    this.box = h('textarea', {
      id: 'q', rows: '1', placeholder: 'Ask your documents',
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      oninput: () => this.fit(),
    });
    this.dataset = h('select', { id: 'dataset', onchange: () => { chosenDataset = this.dataset.value; } },
      h('option', { value: '' }, 'All documents'));
    this.sendButton = h('button', { class: 'ib p', type: 'submit', 'aria-label': 'Send', title: 'Send' }, icon('send'));
    this.stopButton = iconButton('stop', 'Stop writing', () => this.stop(), 'p');
    this.stopButton.hidden = true;
    this.uploads = h('div', {}, uploadList());
    this.jump = h('button', { class: 'b jump', type: 'button', hidden: true, onclick: () => this.toEnd() }, 'To the end of the answer');
    return h('div', { class: 'dock' },
      this.jump,
      this.uploads,
      h('form', { class: 'composer', 'aria-label': 'Ask', onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.send(); } },
        h('label', { class: 'vh', for: 'q' }, 'Your question'),
        this.box,
        h('div', {},
          h('label', { class: 'pick' }, icon('doc', 's'), h('span', { class: 'vh' }, 'Search in'), this.dataset, icon('pick', 's')),
          h('span', { class: 'grow' }),
          this.sendButton,
          this.stopButton)),
      h('p', { class: 'fine' }, 'Runs on this machine. Nothing you ask or open leaves it.'));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  /** Lets the box grow where the browser does not do so itself. */
  fit() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.box.style.height = 'auto';
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  async describeModel() {
    try {
      const status = await api('GET', '/api/status');
      const name = status.chat_model?.name;
      const text = name ?? 'Quotes only';
      this.modelTag.replaceChildren(icon(name ? 'model' : 'quote', 's'), text);
      this.modelTag.title = name ? 'This model writes the answers' : 'No chat model: answers are quotes of your documents';
      this.modelTag.hidden = false;
    } catch {
      // The tag is a convenience; other requests report that the server is gone.
    }
  }

  async listDatasets() {
    try {
      const { datasets } = await api('GET', '/api/datasets');
      this.datasets = datasets;
      for (const one of datasets) put(this.dataset, h('option', { value: one.id }, one.name));
      const known = datasets.some((/** @type {any} */ one) => one.id === chosenDataset);
      this.dataset.value = known ? chosenDataset : '';
      const own = datasets.filter((/** @type {any} */ one) => !one.builtin);
      this.hasDocuments = own.some((/** @type {any} */ one) => one.document_count > 0);
      if (!this.sessionId && this.empty) this.showEmpty();
    } catch {
      // All documents can be asked without the list.
    }
  }

  showEmpty() {
    const own = this.hasDocuments;
    this.empty = h('section', { class: 'on-empty', 'aria-labelledby': 'hi' },
      h('h2', { id: 'hi' }, 'What do you need to find?'),
      h('p', { class: 'sub' }, 'Answers come with the passages they rest on. Where nothing in your documents supports a sentence, it says so.'),
      own === false && h('div', { class: 'note' }, icon('doc'), h('div', { class: 'grow' },
        h('p', {}, h('b', {}, 'You have no documents here yet.')),
        h('p', {}, 'Drop files on the documents page, or try satchel on its own handbook first:'),
        h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/documents' }, icon('file', 's'), 'Add documents')))),
      own === false && h('div', { class: 'try' }, SAMPLES.map((text) => h('button', { type: 'button', onclick: () => this.ask(text) }, icon('quote', 's'), text))));
    this.thread.replaceChildren();
    this.scroll.replaceChildren(this.empty, this.thread);
    this.thread.hidden = true;
  }

  /** @param {string} id */
  async load(id) {
    try {
      const session = await api('GET', `/chat/sessions/${encodeURIComponent(id)}`);
      this.heading.textContent = session.title || 'Untitled';
      let question = '';
      for (const message of session.messages) {
        if (message.role === 'user') {
          question = message.content;
          this.addQuestion(question);
        } else if (message.role === 'assistant') this.addReply(question).showStored(message);
      }
      this.toEnd();
    } catch (error) {
      this.heading.textContent = 'Chat';
      put(this.thread, h('div', { class: 'note err', role: 'alert' }, icon('warn'), h('div', { class: 'grow' },
        h('p', {}, h('b', {}, 'This chat cannot be shown.'), ` ${/** @type {Error} */ (error).message}`),
        h('p', { class: 'row wrap' }, h('a', { class: 'b', href: '#/chat' }, 'New chat')))));
    }
  }

  /** @param {string} text */
  addQuestion(text) {
    this.empty?.remove();
    // From here on it is a conversation, whatever arrives late.
    this.empty = null;
    this.thread.hidden = false;
    put(this.thread, h('p', { class: 'ask' }, h('span', { class: 'vh' }, 'You asked: '), text));
  }

  /** @param {string} question */
  addReply(question) {
    const reply = new Reply(this.evidence, () => this.ask(question), () => this.ask(question, true));
    put(this.thread, reply.element);
    return reply;
  }

  send() {
    const text = this.box.value.trim();
    if (!text || this.asking) return;
    this.box.value = '';
    this.fit();
    this.ask(text);
  }

  /**
   * @param {string} message
   * @param {boolean} [all] with all passages, however long the model reads
   */
  async ask(message, all = false) {
    if (this.asking) return;
    this.addQuestion(message);
    const reply = this.addReply(message);
    this.asking = new AbortController();
    this.busy(true);
    this.toEnd();
    try {
      await this.stream(message, all, reply, this.asking);
    } catch (error) {
      if (this.asking?.signal.aborted) reply.stopped();
      else reply.fail(/** @type {Error} */ (error).message);
    }
    this.asking = null;
    this.busy(false);
    if (!this.left) refreshSessions();
  }

  /**
   * @param {string} message
   * @param {boolean} all
   * @param {Reply} reply
   * @param {AbortController} asking
   */
  async stream(message, all, reply, asking) {
    const body = {
      message,
      session_id: this.sessionId ?? undefined,
      dataset_id: this.dataset.value || undefined,
      search_options: all ? { all_passages: true } : undefined,
    };
    const stream = events('/chat/send', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: asking.signal,
    });
    let complete = false;
    for await (const { name, data } of stream) {
      if (name === 'accepted') this.accepted(data);
      complete = reply.take(name, data) || complete;
      this.follow();
    }
    if (!complete) throw new Error('The connection was lost before the answer was complete.');
  }

  /** @param {any} data */
  accepted(data) {
    if (this.sessionId) return;
    this.sessionId = data.session_id;
    this.heading.textContent = data.title;
    if (!this.left) history.replaceState(null, '', `#/chat/${data.session_id}`);
  }

  stop() {
    this.asking?.abort();
    this.box.focus();
  }

  /** @param {boolean} busy */
  busy(busy) {
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (!busy) this.jump.hidden = true;
    if (!busy && document.activeElement === document.body) this.box.focus();
    say(busy ? 'Searching your documents' : '');
  }

  scrolled() {
    const left = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight;
    this.follows = left < NEAR;
    if (this.follows) this.jump.hidden = true;
  }

  /** Stays at the end only for who is there already. */
  follow() {
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
    const chosen = this.datasets.find((one) => one.id === this.dataset.value);
    if (chosen?.builtin) return toast('The handbook is part of satchel. Choose another dataset first.');
    upload(files, this.dataset.value);
  }

  drawUploads() {
    const list = uploadList();
    if (!list && this.uploads.firstChild) toast('Added. You can ask about it.');
    this.uploads.replaceChildren(...(list ? [list] : []));
  }

  /** An answer under way goes on: it is stored, and shown when one comes back. */
  leave() {
    this.left = true;
    this.evidence.leave();
    this.unwatchUploads();
  }
}
