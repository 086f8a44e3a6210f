// @ts-check
// A conversation as the tree that it is: a question worded anew, or an answer
// given once more, begins a branch. Says which line is shown; draws nothing.

/**
 * @typedef {object} Said one message
 * @property {string | null} id `null` until the server has taken it
 * @property {'user' | 'assistant'} role
 * @property {any} message as the server has it
 * @property {Said | null} parent
 * @property {Said[]} children
 * @property {Said | null} chosen the child whose branch is shown
 * @property {any} view what shows it
 */

/**
 * @param {'user' | 'assistant'} role
 * @param {any} message
 * @param {Said | null} parent
 * @returns {Said}
 */
const said = (role, message, parent) => ({ id: message.id ?? null, role, message, parent, children: [], chosen: null, view: null });

export class Thread {
  constructor() {
    this.root = said('assistant', {}, null);
  }

  /**
   * Takes the stored messages, oldest first; the newest branch is shown.
   * @param {any[]} messages
   */
  load(messages) {
    /** @type {Map<string, Said>} */
    const known = new Map();
    for (const message of messages) {
      if (message.role !== 'user' && message.role !== 'assistant') continue;
      known.set(message.id, this.add(known.get(message.parent_id) ?? this.root, message.role, message));
    }
  }

  /**
   * Appends a message, whose branch is shown from now on.
   * @param {Said} parent
   * @param {'user' | 'assistant'} role
   * @param {any} message
   */
  add(parent, role, message) {
    const one = said(role, message, parent);
    parent.children.push(one);
    this.choose(one);
    return one;
  }

  /** @param {Said} one */
  remove(one) {
    const { parent } = one;
    if (!parent) return;
    parent.children.splice(parent.children.indexOf(one), 1);
    if (parent.chosen === one) parent.chosen = parent.children.at(-1) ?? null;
  }

  /**
   * Shows the branch that a message is on.
   * @param {Said} one
   */
  choose(one) {
    for (let at = one; at.parent; at = at.parent) at.parent.chosen = at;
  }

  /** The messages that are shown, in order. */
  line() {
    /** @type {Said[]} */
    const line = [];
    for (let at = this.root.chosen; at; at = at.chosen) line.push(at);
    return line;
  }

  /** The ids of all messages. */
  ids() {
    return new Set([...this.all()].map((one) => one.id));
  }

  /**
   * A message on whichever branch.
   * @param {string} id
   */
  find(id) {
    return [...this.all()].find((one) => one.id === id) ?? null;
  }

  /** All messages of all branches, and what they begin from. */
  * all() {
    const left = [this.root];
    for (let one = left.pop(); one; one = left.pop()) {
      yield one;
      left.push(...one.children);
    }
  }

  /** What a new question follows. */
  tip() {
    return this.line().at(-1) ?? this.root;
  }

  /** The last question that is shown. */
  lastQuestion() {
    return this.line().filter((one) => one.role === 'user').at(-1);
  }

  /**
   * Which of the messages in one place this is, from 1, and of how many.
   * @param {Said} one
   */
  place(one) {
    const all = one.parent?.children ?? [one];
    return { number: all.indexOf(one) + 1, of: all.length };
  }

  /**
   * Shows another message in the place of this one.
   * @param {Said} one
   * @param {number} by
   */
  step(one, by) {
    const all = one.parent?.children ?? [one];
    const to = all[all.indexOf(one) + by];
    if (to) this.choose(to);
  }
}
