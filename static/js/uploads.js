// @ts-check
// The queue of uploads: bytes on their way, one file at a time, and what the
// server said of each. Lives on while views come and go.

import { pause, token } from './api.js';
import { h, icon, iconButton, put, say } from './dom.js';
import { size } from './words.js';

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {string} dataset
 * @property {'waiting' | 'sending' | 'reading' | 'failed' | 'done'} state
 * @property {number} sent bytes
 * @property {string} message
 * @property {XMLHttpRequest | null} request
 * @property {string | null} retryAfter seconds that the server wants to be left alone
 */

/** @type {Upload[]} */
const queue = [];

/** @type {Set<() => void>} */
const watchers = new Set();

let running = false;

/**
 * Calls back whenever an upload changes, until the returned function is called.
 * @param {() => void} callback
 */
export function watchUploads(callback) {
  watchers.add(callback);
  return () => watchers.delete(callback);
}

const changed = () => watchers.forEach((callback) => callback());

/**
 * @param {Iterable<File>} files
 * @param {string} dataset id, or '' for the default one
 */
export function upload(files, dataset) {
  for (const file of files) {
    queue.push({ file, dataset, state: 'waiting', sent: 0, message: '', request: null, retryAfter: null });
  }
  changed();
  work();
}

async function work() {
  if (running) return;
  running = true;
  for (;;) {
    const next = queue.find((one) => one.state === 'waiting');
    if (!next) break;
    await send(next);
    changed();
    if (next.retryAfter) await pause(next.retryAfter);
  }
  running = false;
}

/** @param {Upload} one */
async function send(one) {
  const form = new FormData();
  if (one.dataset) form.append('dataset_id', one.dataset);
  form.append('file', one.file, one.file.name);
  const bearer = await token();
  await new Promise((resolve) => {
    const request = new XMLHttpRequest();
    one.request = request;
    one.state = 'sending';
    changed();
    request.open('POST', '/documents/upload');
    request.setRequestHeader('authorization', `Bearer ${bearer}`);
    request.responseType = 'json';
    request.upload.onprogress = (event) => {
      one.sent = event.loaded;
      if (event.loaded >= event.total) one.state = 'reading';
      changed();
    };
    request.onload = () => conclude(one, request);
    request.onerror = () => {
      one.state = 'failed';
      one.message = 'The connection was lost. Is satchel still running?';
    };
    request.onabort = () => queue.splice(queue.indexOf(one), 1);
    request.onloadend = resolve;
    request.send(form);
  });
  one.request = null;
}

/**
 * @param {Upload} one
 * @param {XMLHttpRequest} request
 */
function conclude(one, request) {
  const answer = request.response ?? {};
  one.retryAfter = null;
  if (request.status === 429) {
    // Many files at once: the server sets the pace, and none is lost.
    one.state = 'waiting';
    one.sent = 0;
    one.retryAfter = request.getResponseHeader('retry-after') ?? '2';
    return;
  }
  if (request.status === 200) {
    one.state = 'done';
    one.message = answer.metadata?.duplicate ? 'This document was here already.' : '';
    if (!one.message) queue.splice(queue.indexOf(one), 1);
    say(`${one.file.name}: ${one.message || 'read'}`);
    return;
  }
  one.state = 'failed';
  one.message = answer.detail ?? `The server answered ${request.status}.`;
  say(`${one.file.name} failed: ${one.message}`);
}

/** @param {Upload} one */
function remove(one) {
  if (one.request) one.request.abort();
  else queue.splice(queue.indexOf(one), 1);
  changed();
}

/** The list of what is under way; `null` if nothing is. */
export function uploadList() {
  if (!queue.length) return null;
  return h('ul', { class: 'q card', 'aria-label': 'Uploads' }, queue.map(item));
}

/** @param {Upload} one */
function item(one) {
  const { file } = one;
  const line = h('div', { class: 'row' }, h('b', { class: 'grow cut' }, file.name));
  const entry = h('li', {}, line);
  if (one.state === 'sending' || one.state === 'waiting') {
    put(line, h('span', { class: 'mute num nw' }, `${size(one.sent)} of ${size(file.size)}`), iconButton('close', `Cancel ${file.name}`, () => remove(one)));
    put(entry, h('progress', { max: Math.max(1, file.size), value: one.sent, 'aria-label': `Upload of ${file.name}` }));
    if (one.state === 'waiting') put(entry, h('p', { class: 'mute' }, 'Waiting for the files before it.'));
  } else if (one.state === 'reading') {
    put(entry, h('progress', { 'aria-label': `Reading ${file.name}` }), h('p', { class: 'mute' }, 'Reading its text.'));
  } else {
    put(line, iconButton('close', `Remove ${file.name} from this list`, () => remove(one)));
    const bad = one.state === 'failed';
    put(entry, h('p', { class: `st ${bad ? 'bad' : ''}` }, icon(bad ? 'warn' : 'check', 's'), h('span', {}, one.message)));
  }
  return entry;
}
