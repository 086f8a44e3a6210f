// @ts-check
// The queue of uploads: bytes on their way, a few files at a time, and what the
// server makes of each until it can be asked. Lives on while views come and go.

import { token } from './api.js';
import { h, icon, iconButton, put, say } from './dom.js';
import { folderOf } from './drop.js';
import { t, tn } from './language.js';
import { watchDocuments } from './progress.js';
import { size } from './words.js';

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {string} folder where it was in a folder that was added
 * @property {string} dataset
 * @property {'waiting' | 'paused' | 'sending' | 'reading' | 'embedding' | 'failed' | 'done'} state
 * @property {number} sent bytes
 * @property {string} message
 * @property {XMLHttpRequest | null} request
 * @property {string} document its id, once the server has it
 * @property {any} step the last that was heard of it
 */

/** Files that are sent at once: the server reads one while the next arrives. */
const AT_ONCE = 3;

/** How many files of a long queue are shown. */
const SHOWN = 8;

/** How long changes are gathered before they are told, in ms. */
const GATHER = 60;

/** @type {Upload[]} */
let queue = [];

/** How many files were added since the queue was last empty. */
let total = 0;

/** @type {Set<() => void>} */
const watchers = new Set();

/** The last steps of documents, for those whose upload ends later. @type {Map<string, any>} */
const steps = new Map();
const MOST_STEPS = 500;

let sending = 0;
let paused = false;
/** Whether the server wants to be left alone for a while. */
let held = false;
let telling = 0;
/** @type {(() => void) | null} */
let unwatch = null;

/**
 * Calls back whenever an upload changes, until the returned function is called.
 * @param {() => void} callback
 */
export function watchUploads(callback) {
  watchers.add(callback);
  return () => watchers.delete(callback);
}

function changed() {
  if (telling) return;
  telling = setTimeout(() => {
    telling = 0;
    watchers.forEach((callback) => callback());
  }, GATHER);
}

/**
 * @param {Iterable<File>} files
 * @param {string} dataset id, or '' for the default one
 */
export function upload(files, dataset) {
  if (!queue.length) total = 0;
  for (const file of files) {
    total += 1;
    queue.push({ file, folder: folderOf(file), dataset, state: 'waiting', sent: 0, message: '', request: null, document: '', step: null });
  }
  unwatch ??= watchDocuments(heard);
  changed();
  work();
}

function work() {
  while (sending < AT_ONCE && !paused && !held) {
    const next = queue.find((one) => one.state === 'waiting');
    if (!next) break;
    sending += 1;
    send(next).finally(() => {
      sending -= 1;
      changed();
      work();
    });
  }
  if (!queue.some(isUnderWay)) {
    unwatch?.();
    unwatch = null;
    steps.clear();
  }
}

/** @param {Upload} one */
const isUnderWay = (one) => one.state !== 'failed' && one.state !== 'done';

/** @param {Upload} one */
async function send(one) {
  one.state = 'sending';
  const form = new FormData();
  if (one.dataset) form.append('dataset_id', one.dataset);
  if (one.folder) form.append('metadata', JSON.stringify({ folder: one.folder }));
  form.append('file', one.file, one.file.name);
  const bearer = await token();
  // Paused or cancelled meanwhile.
  if (/** @type {string} */ (one.state) !== 'sending' || !queue.includes(one)) return;
  await new Promise((resolve) => {
    const request = new XMLHttpRequest();
    one.request = request;
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
    request.onerror = () => fail(one, t('The connection was lost. Is satchel still running?'));
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
  if (request.status === 429) return hold(one, Number(request.getResponseHeader('retry-after')) || 2);
  if (request.status !== 200) return fail(one, answer.detail ?? t('The server answered {status}.', { status: String(request.status) }));
  const { metadata = {} } = answer;
  if (metadata.duplicate) {
    one.state = 'done';
    one.message = t('This document was here already.');
    say(`${one.file.name}: ${one.message}`);
    return undefined;
  }
  one.document = answer.id;
  one.state = 'embedding';
  one.step = steps.get(answer.id) ?? null;
  // Of many documents of one file, each has its own progress in the list of files.
  if (metadata.status === 'ready' || metadata.documents || one.step?.status === 'ready') finish(one);
  else if (one.step?.status === 'failed') fail(one, one.step.error);
  return undefined;
}

/**
 * Many files at once: the server sets the pace, and none is lost.
 * @param {Upload} one
 * @param {number} seconds
 */
function hold(one, seconds) {
  one.state = 'waiting';
  one.sent = 0;
  held = true;
  setTimeout(() => {
    held = false;
    work();
  }, Math.min(60, seconds) * 1000);
}

/**
 * @param {Upload} one
 * @param {string} message
 */
function fail(one, message) {
  one.state = 'failed';
  one.message = message;
  say(t('{name} failed: {reason}', { name: one.file.name, reason: message }));
}

/** @param {Upload} one */
function finish(one) {
  queue = queue.filter((other) => other !== one);
  say(t('{name} can be asked', { name: one.file.name }));
}

/** @param {any} step */
function heard(step) {
  if (!step) return;
  steps.set(step.document_id, step);
  if (steps.size > MOST_STEPS) steps.delete(steps.keys().next().value ?? '');
  const one = queue.find((other) => other.document === step.document_id && other.state === 'embedding');
  if (!one) return;
  one.step = step;
  if (step.status === 'ready' || step.deleted) finish(one);
  if (step.status === 'failed') fail(one, step.error);
  changed();
  work();
}

/** @param {Upload} one */
function remove(one) {
  queue = queue.filter((other) => other !== one);
  one.request?.abort();
  changed();
  work();
}

/** @param {Upload} one */
function pause(one) {
  one.state = 'paused';
  one.sent = 0;
  one.request?.abort();
  changed();
}

/** @param {Upload} one */
function again(one) {
  one.state = 'waiting';
  one.sent = 0;
  one.message = '';
  unwatch ??= watchDocuments(heard);
  changed();
  work();
}

/** Pauses all that is not with the server yet, or goes on. */
function pauseAll() {
  paused = !paused;
  if (paused) {
    for (const one of queue.filter((other) => other.state === 'sending')) {
      pause(one);
      one.state = 'waiting';
    }
  }
  changed();
  work();
}

function cancelAll() {
  const going = queue.filter((one) => ['waiting', 'paused', 'sending'].includes(one.state));
  queue = queue.filter((one) => !going.includes(one));
  going.forEach((one) => one.request?.abort());
  paused = false;
  changed();
  work();
}

/** The list of what is under way; `null` if nothing is. */
export function uploadList() {
  if (!queue.length) return null;
  const order = { failed: 0, sending: 1, reading: 1, embedding: 2, paused: 3, done: 4, waiting: 5 };
  const sorted = [...queue].sort((a, b) => order[a.state] - order[b.state]);
  const shown = sorted.slice(0, SHOWN);
  const further = sorted.length - shown.length;
  return h('div', { class: 'card q' },
    total > 1 && summary(),
    h('ul', { 'aria-label': t('Uploads') }, shown.map(item),
      further > 0 && h('li', { class: 'mute' }, tn(further, 'and {count} more', 'and {count} more'))));
}

/** All files as one line. */
function summary() {
  const failed = queue.filter((one) => one.state === 'failed').length;
  const left = queue.filter(isUnderWay).length;
  const done = Math.max(0, total - left - failed);
  const words = [t('{done} of {total} files added', { done, total })];
  if (failed) words.push(tn(failed, '{count} failed', '{count} failed'));
  const pausable = paused || queue.some((one) => one.state === 'waiting' || one.state === 'sending');
  return h('div', { class: 'all' },
    h('div', { class: 'row wrap' },
      h('b', { class: 'grow num' }, words.join(', ')),
      pausable && h('button', { class: 'b', type: 'button', onclick: pauseAll }, icon(paused ? 'play' : 'pause', 's'), paused ? t('Go on') : t('Pause')),
      pausable && h('button', { class: 'b', type: 'button', onclick: cancelAll }, t('Cancel all'))),
    h('progress', { max: Math.max(1, total), value: done + failed, 'aria-label': t('All uploads') }));
}

/** @param {Upload} one */
function item(one) {
  const { file, step } = one;
  const { name } = file;
  const line = h('div', { class: 'row' }, h('b', { class: 'grow cut', title: one.folder ? `${one.folder}/${name}` : name }, name));
  const entry = h('li', {}, line);
  const note = (/** @type {string} */ text) => put(entry, h('p', { class: 'mute num' }, text));
  const cancel = () => put(line, iconButton('close', t('Cancel {name}', { name }), () => remove(one)));
  const sent = () => put(line, h('span', { class: 'mute num nw' }, t('{sent} of {size}', { sent: size(one.sent), size: size(file.size) })));
  switch (one.state) {
    case 'sending':
      sent();
      put(line, iconButton('pause', t('Pause {name}', { name }), () => pause(one)));
      cancel();
      put(entry, h('progress', { max: Math.max(1, file.size), value: one.sent, 'aria-label': t('Upload of {name}', { name }) }));
      break;
    case 'paused':
      put(line, h('span', { class: 'mute num nw' }, size(file.size)), iconButton('play', t('Go on with {name}', { name }), () => again(one)));
      cancel();
      note(t('Paused. It is sent from its beginning.'));
      break;
    case 'waiting':
      put(line, h('span', { class: 'mute num nw' }, size(file.size)));
      cancel();
      note(paused ? t('Paused.') : t('Waiting for the files before it.'));
      break;
    case 'reading':
      put(entry, h('progress', { 'aria-label': t('Reading {name}', { name }) }));
      note(t('Reading its text.'));
      break;
    case 'embedding':
      put(entry, h('progress', { max: Math.max(1, step?.chunk_count ?? 1), value: step?.embedded_count ?? 0, 'aria-label': t('Embedding {name}', { name }) }));
      note(step ? t('{pages} read, {done} of {all} passages embedded', { pages: tn(step.page_count, '{count} page', '{count} pages'), done: step.embedded_count, all: step.chunk_count }) : t('Its text is read; its passages are being embedded.'));
      break;
    default:
      conclusion(one, line, entry);
  }
  return entry;
}

/**
 * @param {Upload} one that failed, or was here already
 * @param {HTMLElement} line
 * @param {HTMLElement} entry
 */
function conclusion(one, line, entry) {
  const { name } = one.file;
  const bad = one.state === 'failed';
  // What the server has is tried again from the list of files.
  if (bad && !one.document) put(line, iconButton('redo', t('Send {name} again', { name }), () => again(one)));
  put(line, iconButton('close', t('Remove {name} from this list', { name }), () => remove(one)));
  put(entry, h('p', { class: `st ${bad ? 'bad' : ''}` }, icon(bad ? 'warn' : 'check', 's'), h('span', {}, one.message)));
}
