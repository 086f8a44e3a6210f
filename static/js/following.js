// @ts-check
// The events of an answer from first to last, over as many connections as it
// takes: where one breaks, the next goes on after the last event that came.

import { events } from './api.js';
import { inFrame } from './dom.js';
import { t } from './language.js';

/** How long to wait before each further try, in ms; the last holds for all after it. */
const WAITS = [250, 500, 1000, 2000, 4000];

/** How often in a row a connection is tried. */
const TRIES = 40;

/** How often a question is sent that may not have arrived. */
const SENDS = 3;

/** The server no longer knows the answer: it is complete, or the server began anew. */
export class Forgotten extends Error {}

/** @typedef {{name: string, data: any, id: string}} Said */

/**
 * Asks, and follows the answer.
 * @param {any} body
 * @param {AbortSignal} signal ends the listening, not the answer
 * @returns {AsyncGenerator<Said>}
 */
export function asked(body, signal) {
  // A connection may break before anything of the answer is read, although the
  // question has arrived: sent again under the same key, it is not asked twice.
  const sent = JSON.stringify({ ...body, keep_running: true, idempotency_key: randomKey() });
  return following(signal, '', () => events('/chat/send', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: sent,
    signal,
  }));
}

/** Not `crypto.randomUUID`: that is missing where a page comes over plain HTTP from another machine. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Follows an answer that is being given already, from its beginning.
 * @param {string} answer
 * @param {AbortSignal} signal
 */
export const followed = (answer, signal) => following(signal, answer, () => resumed(answer, '', signal));

/**
 * @param {string} answer
 * @param {string} last id of the last event that came
 * @param {AbortSignal} signal
 */
function resumed(answer, last, signal) {
  const headers = last ? { 'last-event-id': last } : undefined;
  return events(`/api/answers/${answer}/events`, { headers, signal });
}

/**
 * @param {AbortSignal} signal
 * @param {string} answer '' until the server has said its id
 * @param {() => AsyncGenerator<Said>} connect
 * @returns {AsyncGenerator<Said>}
 */
async function* following(signal, answer, connect) {
  let last = '';
  let stream = connect();
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const event of stream) {
        failures = 0;
        last = event.id;
        if (event.name === 'accepted') answer = event.data.answer_id;
        yield event;
        if (event.name === 'done') return;
      }
    } catch (error) {
      const status = /** @type {any} */ (error).status;
      if (signal.aborted || (!answer && (status || failures + 1 >= SENDS))) throw error;
      if (status === 404) throw new Forgotten();
      // Refused for a reason that another try does not change.
      if (status && status !== 429 && status < 500) throw error;
    }
    if (signal.aborted) return;
    if (failures >= (answer ? TRIES : SENDS)) throw new Error(t('The connection was lost before the answer was complete.'));
    await new Promise((resolve) => { setTimeout(resolve, WAITS[Math.min(failures, WAITS.length - 1)]); });
    stream = answer ? resumed(answer, last, signal) : connect();
  }
}

/** How long the work of one frame may take, in ms, and after how many events that is looked at. */
const BUDGET = 8;
const TOGETHER = 32;

/**
 * Hands events on together, once a frame and no more than a frame has time for;
 * of several that write one block anew only the last. `drained` is done when all
 * are handed on.
 * @param {(batch: Said[]) => void} take
 */
export function byFrame(take) {
  /** @type {Said[]} */
  let waiting = [];
  let due = false;
  /** @type {(() => void)[]} */
  let then = [];
  const flush = () => {
    /** @type {Map<number, Said>} */
    const blocks = new Map();
    for (const one of waiting) if (one.name === 'block') blocks.set(one.data.index, one);
    waiting = waiting.filter((one) => one.name !== 'block' || blocks.get(one.data.index) === one);
    const end = performance.now() + BUDGET;
    while (waiting.length && performance.now() < end) take(waiting.splice(0, TOGETHER));
  };
  const later = () => {
    due = true;
    inFrame(() => {
      flush();
      due = waiting.length > 0;
      if (due) return later();
      for (const one of then) one();
      then = [];
    });
  };
  const add = (/** @type {Said} */ event) => {
    waiting.push(event);
    if (!due) later();
  };
  /** @returns {Promise<void>} */
  const drained = () => new Promise((resolve) => {
    if (due) then.push(resolve);
    else resolve();
  });
  return { add, drained };
}
