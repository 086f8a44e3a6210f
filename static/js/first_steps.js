// @ts-check
// The three steps after the first sign-in: try it, add documents, choose how it
// answers. Each can be skipped, and who leaves goes on where they were.

import { api, events } from './api.js';
import { fragment, h, icon, put, say, toast } from './dom.js';
import { t } from './language.js';
import { trouble } from './panel.js';
import { upload, uploadList, watchUploads } from './uploads.js';
import { size } from './words.js';

/** Where it is remembered which step comes next. */
const KEPT = 'first-steps';

/** How often the handbook is looked for while it is being read, in ms. */
const LOOK_EVERY = 700;

/** The step to go on with, or none. */
export const unfinished = () => ['1', '2', '3'].includes(localStorage.getItem(KEPT) ?? '');

/** Begins with the first step, unless they were all seen before. */
export function begin() {
  if (localStorage.getItem(KEPT) === null) localStorage.setItem(KEPT, '1');
  location.hash = unfinished() ? '#/welcome' : '#/chat';
}

function finish() {
  localStorage.setItem(KEPT, 'done');
  location.hash = '#/chat';
}

/** @typedef {{element: HTMLElement, leave: () => void, drop: (files: File[]) => void}} Steps */

/** @returns {Steps} */
export function firstSteps() {
  let now = Number(localStorage.getItem(KEPT)) || 1;
  /** What the step that is shown holds on to. */
  let life = new AbortController();
  const element = h('div', { class: 'first' });
  const names = () => [t('1. Try it'), t('2. Your documents'), t('3. How it answers')];
  const steps = [tryIt, addDocuments, chooseModel];

  /** @param {number} step */
  function show(step) {
    if (step > steps.length) return finish();
    life.abort();
    life = new AbortController();
    now = step;
    localStorage.setItem(KEPT, String(step));
    const bar = h('ol', { class: 'steps', 'aria-label': t('Steps') }, names().map((name, n) => h('li', {}, h('button', {
      type: 'button', class: n + 1 < now ? 'done' : null, 'aria-current': n + 1 === now ? 'step' : null, onclick: () => show(n + 1),
    }, name))));
    const content = h('div', { class: 'step' });
    element.replaceChildren(bar, content);
    steps[step - 1](content, () => show(step + 1), life.signal);
    content.querySelector('h1')?.focus();
  }
  show(now);
  return { element, leave: () => life.abort(), drop: (files) => upload(files, '') };
}

/**
 * @param {string} text
 */
const title = (text) => h('h1', { tabindex: '-1' }, text);

/**
 * @param {() => void} next
 * @param {string} [label] of the button that goes on
 * @param {() => void} [accept]
 */
const ends = (next, label, accept = next) => h('div', { class: 'ends' },
  h('button', { class: 'b q', type: 'button', onclick: next }, t('Skip')),
  h('button', { class: 'b p', type: 'button', onclick: accept }, label ?? t('Continue')));

/**
 * @param {HTMLElement} box
 * @param {() => void} next
 * @param {AbortSignal} signal
 */
function tryIt(box, next, signal) {
  const questions = [t('How do I add documents?'), t('Does anything leave this machine?'), t('What happens when the documents do not say?')];
  const answer = h('div', { class: 'trial', 'aria-live': 'polite' });
  const buttons = questions.map((question) => h('button', { type: 'button', class: 'b', onclick: () => ask(question) }, question));
  put(box, title(t('Ask satchel about itself')),
    h('p', {}, t('Its handbook is a document like yours will be. Choose a question, and see where each answer comes from.')),
    h('div', { class: 'row wrap' }, buttons), answer, ends(next));

  /** @param {string} question */
  async function ask(question) {
    for (const button of buttons) button.disabled = true;
    try {
      answer.replaceChildren(h('p', { class: 'mute' }, t('satchel reads its handbook first. This happens once.')));
      const handbook = await readHandbook(signal);
      answer.replaceChildren(h('p', { class: 'mute' }, t('Searching')));
      await showAnswer(answer, { message: question, dataset_id: handbook }, signal);
    } catch (error) {
      if (!signal.aborted) answer.replaceChildren(trouble(error));
    }
    for (const button of buttons) button.disabled = false;
  }
}

/**
 * Waits until the handbook can be asked.
 * @param {AbortSignal} signal
 * @returns {Promise<string>} its dataset
 */
async function readHandbook(signal) {
  const { datasets } = await api('GET', '/api/datasets');
  const handbook = datasets.find((/** @type {any} */ one) => one.builtin);
  if (!handbook) throw new Error(t('This satchel was started without its handbook.'));
  while (!signal.aborted) {
    const { documents } = await api('GET', `/api/documents?dataset_id=${handbook.id}&limit=100`);
    if (documents.length && documents.every((/** @type {any} */ one) => ['ready', 'failed'].includes(one.status))) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
  return handbook.id;
}

/**
 * Asks, and shows the answer as it comes with what it is taken from.
 * @param {HTMLElement} box
 * @param {any} question
 * @param {AbortSignal} signal
 */
async function showAnswer(box, question, signal) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(question), signal };
  const text = h('div', { class: 'answer doc' });
  // A chip here has no panel to open: its source stands below.
  text.addEventListener('click', (/** @type {MouseEvent} */ event) => {
    if (/** @type {Element} */ (event.target).closest('a')) event.preventDefault();
  });
  for await (const { name, data } of events('/chat/send', init)) {
    if (name === 'error') throw new Error(data.error);
    if (name !== 'message' || data.html === undefined) continue;
    text.replaceChildren(fragment(data.html));
    const seen = new Map(data.citations.map((/** @type {any} */ one) => [one.number, one]));
    const sources = [...seen.values()].map((one) => h('li', {}, h('b', {}, String(one.number)), ' ', one.title || one.filename, h('small', { class: 'mute' }, (one.heading_path ?? []).join(' › '))));
    box.replaceChildren(text, h('ul', { class: 'sources-of', 'aria-label': t('Sources') }, sources),
      h('p', { class: 'mute' }, t('The marked words stand in the handbook as they are. In a chat, a click on a number opens the page.')));
    say(t('The answer is complete'));
  }
}

/**
 * @param {HTMLElement} box
 * @param {() => void} next
 * @param {AbortSignal} signal
 */
function addDocuments(box, next, signal) {
  const picker = h('input', { class: 'vh', type: 'file', multiple: true, 'aria-label': t('Choose files'), onchange: () => { upload([...picker.files], ''); picker.value = ''; } });
  const list = h('div', {}, uploadList());
  put(box, title(t('Add your documents')),
    h('p', {}, t('They are copied into the folder of this satchel and read there. You can go on while that happens.')),
    h('label', { class: 'drop' }, icon('file'), h('span', {}, h('b', {}, t('Drop files here')), ' ', t('or choose them')), picker),
    list, ends(next));
  const stop = watchUploads(() => list.replaceChildren(uploadList() ?? ''));
  signal.addEventListener('abort', stop);
}

/**
 * @param {HTMLElement} box
 * @param {() => void} next
 */
async function chooseModel(box, next) {
  const options = h('div', { class: 'opts', role: 'radiogroup', 'aria-label': t('How it answers'), 'aria-busy': 'true' });
  let chosen = '';
  const option = (/** @type {string} */ value, /** @type {string} */ name, /** @type {string} */ note, /** @type {string} */ cost) => h('label', { class: 'opt' },
    h('input', { type: 'radio', name: 'model', value, checked: value === chosen, onchange: () => { chosen = value; } }),
    h('span', {}, h('b', {}, name), h('small', {}, note)), h('span', { class: 'mute num' }, cost));
  const accept = async () => {
    if (!chosen) return next();
    try {
      await api('POST', '/api/models/pull', { name: chosen });
      toast(t('The model is on its way. See Models for how far it is.'));
      next();
    } catch (error) {
      box.querySelector('.st.bad')?.remove();
      options.after(trouble(error));
    }
  };
  put(box, title(t('How shall it answer?')),
    h('p', {}, t('Without a chat model, answers are the sentences of your documents themselves. A chat model writes them in its own words, and each sentence is checked against your documents.')),
    options, ends(next, t('Begin'), accept));
  put(options, option('', t('In your documents’ own words'), t('Works at once, on any machine.'), ''));
  try {
    const { catalogue, models } = await api('GET', '/api/models');
    const best = catalogue.filter((/** @type {any} */ one) => one.recommended && one.usable && !one.installed);
    put(options, ...best.map((/** @type {any} */ one) => option(one.name, t('Written by {name}', { name: one.title }),
      t('{summary} Fits this machine. {licence}.', { summary: one.summary, licence: one.licence }), t('{size} to fetch', { size: size(one.bytes) }))));
    const there = models.find((/** @type {any} */ one) => one.loaded || one.loading);
    if (there) put(box, h('p', { class: 'where' }, t('{name} is installed already and writes the answers.', { name: there.title })));
  } catch (error) {
    options.after(trouble(error));
  }
  options.removeAttribute('aria-busy');
  options.after(h('p', { class: 'where' }, t('satchel connects to the internet to fetch a model, and only when you ask for one. More models, and how to use a file that you have, are under Models.')));
}
