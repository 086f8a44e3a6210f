// @ts-check
// Sends a request from the API page, in the name of who is signed in or of a
// given token, and shows what comes back while it comes.

import { token, user } from './api.js';
import { confirmed, h, icon, say } from './dom.js';
import { t } from './language.js';
import { isFile } from './reference_samples.js';

/** @typedef {import('./reference_document.js').ApiDocument} ApiDocument */
/** @typedef {import('./reference_document.js').Endpoint} Endpoint */

/** Most characters of an answer that are shown. */
const LONGEST = 200_000;

/** What may be lost by trying. */
const LOSING = ['/api/erase'];

/**
 * @param {ApiDocument} api
 * @param {Endpoint} endpoint
 */
export function tryIt(api, endpoint) {
  const contents = api.contents(endpoint.operation.requestBody);
  const json = contents.find(([type]) => type.includes('json'))?.[1];
  const form = contents.find(([type]) => type.startsWith('multipart/'))?.[1];
  const result = h('div', { class: 'result' });
  const both = api.streams(endpoint) && api.givesJson(endpoint);
  /** @type {AbortController | null} */
  let running = null;
  const send = h('button', { class: 'b p' }, icon('send', 's'), t('Send request'));
  const stop = h('button', { class: 'b', type: 'button', hidden: true, onclick: () => running?.abort() }, icon('stop', 's'), t('Stop'));
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault();
    if (!(await sure(endpoint))) return;
    running?.abort();
    running = new AbortController();
    stop.hidden = false;
    try {
      await run(request(endpoint, event.target, Boolean(form)), running.signal, result);
    } finally {
      stop.hidden = true;
    }
  };
  return h('section', { 'aria-labelledby': 'try' },
    h('h2', { id: 'try' }, t('Try it')),
    h('form', { class: 'form', onsubmit: submit },
      api.wantsToken(endpoint) && signedBy(),
      endpoint.parameters.filter((one) => one.name !== 'auth_token').map((one) => parameter(api, one)),
      both && accept(),
      json && body(api, endpoint),
      form && parts(api, form),
      h('div', { class: 'row' }, send, stop)),
    result);
}

/** @param {Endpoint} endpoint */
async function sure(endpoint) {
  if (endpoint.method !== 'DELETE' && !LOSING.includes(endpoint.path)) return true;
  return confirmed({ title: t('Send this request?'), text: t('It deletes data of this server for good.'), action: t('Send request') });
}

function signedBy() {
  const name = user()?.username;
  return field(t('Access token or API key'), h('input', {
    class: 'f', type: 'password', name: 'token', autocomplete: 'off', spellcheck: 'false',
    placeholder: name ? t('yours, {name}, if this is empty', { name }) : t('you are not signed in'),
  }));
}

/**
 * @param {ApiDocument} api
 * @param {import('./reference_document.js').Parameter} one
 */
function parameter(api, one) {
  const schema = api.resolve(one.schema);
  const name = `${one.in}:${one.name}`;
  const words = schema.enum ?? (schema.type === 'boolean' ? [true, false] : null);
  const label = one.required ? t('{name} (required)', { name: one.name }) : one.name;
  if (words) return field(label, h('select', { class: 'f', name }, h('option', { value: '' }, ''), words.map((/** @type {any} */ word) => h('option', {}, String(word)))));
  return field(label, h('input', { class: 'f', name, required: one.required, autocomplete: 'off', spellcheck: 'false', value: one.in === 'path' ? '' : String(one.example ?? '') }));
}

function accept() {
  return field(t('Answer as'), h('select', { class: 'f', name: 'accept' },
    h('option', { value: 'text/event-stream' }, t('a stream of events')),
    h('option', { value: 'application/json' }, t('one JSON object'))));
}

/**
 * @param {ApiDocument} api
 * @param {Endpoint} endpoint
 */
function body(api, endpoint) {
  const text = JSON.stringify(api.sampleBody(endpoint) ?? {}, null, 2);
  return field(t('Body, as JSON'), h('textarea', { class: 'f json', name: 'body', rows: Math.min(14, text.split('\n').length + 1), dir: 'ltr', spellcheck: 'false', value: text }));
}

/**
 * @param {ApiDocument} api
 * @param {any} media
 */
function parts(api, media) {
  return api.fields(media.schema ?? {}).map((one) => {
    const file = isFile(api.resolve(one.schema));
    return field(one.required ? t('{name} (required)', { name: one.name }) : one.name,
      h('input', { class: 'f', type: file ? 'file' : 'text', name: `part:${one.name}`, required: one.required, autocomplete: 'off' }));
  });
}

/**
 * @param {string} label
 * @param {HTMLElement} control
 */
const field = (label, control) => h('label', { class: 'field' }, h('span', {}, label), control);

/**
 * The request that a form describes; `token` is what was typed.
 * @param {Endpoint} endpoint
 * @param {HTMLFormElement} form
 * @param {boolean} multipart
 */
function request(endpoint, form, multipart) {
  const given = new FormData(form);
  const headers = new Headers();
  const query = new URLSearchParams();
  let path = endpoint.path;
  for (const [key, value] of given) {
    const [place, name] = key.split(/:(.*)/);
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(String(value)));
    else if (place === 'query' && value !== '') query.append(name, String(value));
    else if (place === 'header' && value !== '') headers.set(name, String(value));
  }
  if (given.get('accept')) headers.set('accept', String(given.get('accept')));
  /** @type {BodyInit | undefined} */
  let content;
  if (given.has('body') && String(given.get('body')).trim()) {
    content = String(given.get('body'));
    headers.set('content-type', 'application/json');
  } else if (multipart) {
    content = new FormData();
    for (const [key, value] of given) if (key.startsWith('part:') && value !== '') content.append(key.slice(5), value);
  }
  return { url: path + (query.size ? `?${query}` : ''), token: String(given.get('token') ?? ''), signed: given.has('token'), init: { method: endpoint.method, headers, body: content } };
}

/**
 * Sends, and shows what comes.
 * @param {ReturnType<typeof request>} asked
 * @param {AbortSignal} signal
 * @param {HTMLElement} result
 */
async function run(asked, signal, result) {
  const status = h('p', { class: 'st' }, t('Waiting for the answer …'));
  const text = h('pre', { dir: 'ltr', tabindex: '0', 'aria-label': t('Body of the answer') });
  result.replaceChildren(h('h3', {}, t('Answer')), status);
  const began = performance.now();
  try {
    const bearer = asked.token || (asked.signed ? await token() : '');
    if (bearer) asked.init.headers.set('authorization', `Bearer ${bearer}`);
    const response = await fetch(asked.url, { ...asked.init, signal });
    const line = t('Status {status} after {ms} ms', { status: `${response.status} ${response.statusText}`.trim(), ms: Math.round(performance.now() - began) });
    status.textContent = line;
    say(line);
    result.append(h('details', {}, h('summary', {}, t('Headers')), h('pre', { dir: 'ltr' }, [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n'))), text);
    await read(response, text);
  } catch (error) {
    const line = signal.aborted ? t('Stopped.') : t('The server does not answer.');
    result.append(h('p', { class: 'st bad' }, icon('warn', 's'), line));
    say(line);
  }
}

/**
 * @param {Response} response
 * @param {HTMLElement} box
 */
async function read(response, box) {
  const type = response.headers.get('content-type') ?? '';
  if (!/json|text|javascript|xml/.test(type)) {
    box.textContent = type ? t('{size} bytes of {type}', { size: (await response.blob()).size, type }) : t('No body.');
    return;
  }
  if (type.includes('json')) {
    const whole = await response.text();
    box.textContent = pretty(whole).slice(0, LONGEST);
    return;
  }
  let length = 0;
  for await (const piece of /** @type {any} */ (response.body).pipeThrough(new TextDecoderStream())) {
    length += piece.length;
    if (length < LONGEST) box.append(piece);
  }
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
