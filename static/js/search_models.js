// @ts-check
// The models that find and order passages and judge sentences by them: which
// they are, what another one would cost, measured before it is chosen, how far
// the change is, and which can be got.

import { alive, api, renew } from './api.js';
import { dialog, h, icon, toast } from './dom.js';
import { t, tn } from './language.js';
import { field, heading, panel, select } from './panel.js';
import { progress, row, table } from './table.js';
import { duration, languageNames, number, size } from './words.js';

/** How often the progress of embedding is read, in ms. */
const LOOK_EVERY = 1500;

/** How often a server that starts anew is looked for, in ms, and how often at most. */
const KNOCK_EVERY = 400;
const MOST_KNOCKS = 75;

/** Value of the choice of no file. */
const BUILT_IN = '';

/** @typedef {'embedding' | 'reranking' | 'entailment'} Kind */

/**
 * @param {(name: string) => Promise<boolean>} get begins a download; whether the server took it on
 * @returns {{element: HTMLElement, draw: () => Promise<void>, leave: () => void}}
 */
export function searchModels(get) {
  let timer = 0;
  let left = false;
  const part = panel(t('Search models'), async () => {
    const [now, models] = await Promise.all([api('GET', '/api/search-models'), api('GET', '/api/models')]);
    clearTimeout(timer);
    if (now.unembedded && !left) timer = setTimeout(part.draw, LOOK_EVERY);
    return [...content(now), ...offers(models)];
  });

  /** @param {any} now */
  function content(now) {
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Job') }, { name: t('Model') }, { name: t('Without it'), kind: 'full' }, { name: t('Actions'), kind: 'act' }]);
    const change = (/** @type {Kind} */ kind, /** @type {string} */ label) => (now[kind].fixed
      ? h('span', { class: 'mute' }, t('set in the settings file'))
      : h('button', { class: 'b', type: 'button', 'aria-label': label, onclick: () => choose(kind) }, t('Change')));
    const builtIn = !now.embedding.file && h('small', { class: 'mute' }, t('built in'));
    return [
      heading(t('Search models')),
      table(t('Models that find and order passages'), columns, h('tbody', {},
        row(columns, [t('Finds passages'), [now.embedding.name, builtIn], t('Search by words alone'), change('embedding', t('Change what finds passages'))]),
        row(columns, [t('Reranks passages'), now.reranking.name ?? t('none'), t('The order of the search stays'), change('reranking', t('Change what reranks passages'))]),
        row(columns, [t('Checks citations'), now.entailment.name ?? t('none'), t('Words and meaning are compared'), change('entailment', t('Change what checks citations'))]))),
      now.unembedded > 0 && embedding(now),
    ];
  }

  /**
   * Those of the catalogue that are neither here nor on their way.
   * @param {any} models
   */
  function offers({ catalogue, downloads }) {
    const coming = new Set(downloads.map((/** @type {any} */ one) => one.name));
    const known = catalogue.filter((/** @type {any} */ one) => one.kind !== 'chat' && one.usable && !one.installed && !coming.has(one.file));
    if (!known.length) return [];
    const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Model') }, { name: t('Download'), kind: 'n' }, { name: t('Languages'), kind: 'full' }, { name: t('Actions'), kind: 'act' }]);
    const begin = async (/** @type {string} */ name) => {
      if (await get(name)) part.draw();
    };
    const line = (/** @type {any} */ one) => row(columns, [
      [one.title, h('small', { class: 'mute' }, one.summary)], size(one.bytes), languageNames(one.languages),
      h('button', { class: 'b', type: 'button', 'aria-label': t('Get {name}', { name: one.title }), onclick: () => begin(one.name) }, icon('dl', 's'), t('Get')),
    ]);
    return [
      h('p', { class: 'sub' }, t('For documents that are not in English get a multilingual model here, then press Change above.')),
      table(t('Search models you can add'), columns, h('tbody', {}, known.map(line))),
    ];
  }

  /** @param {any} now */
  function embedding(now) {
    const bar = progress(t('Embedding passages'));
    const done = Math.max(0, now.passages - now.unembedded);
    bar.set(now.passages ? done / now.passages : null, t('{done} of {all} passages', { done, all: now.passages }));
    return h('div', { class: 'how' }, bar.element, h('small', { class: 'mute' }, t('Keyword search serves meanwhile. This goes on after a restart.')));
  }

  /** @param {Kind} kind */
  async function choose(kind) {
    /** @type {any} what is installed now, and not when this was drawn */
    let now;
    try {
      now = await api('GET', '/api/search-models');
    } catch (error) {
      return toast(/** @type {Error} */ (error).message);
    }
    const options = /** @type {[string, string][]} */ ([[BUILT_IN, kind === 'embedding' ? t('The built-in model') : t('None')], ...now.candidates.map((/** @type {string} */ name) => [name, name])]);
    const consequences = h('div', { class: 'note', 'aria-live': 'polite' }, h('p', {}, t('Choose a model to see what it costs.')));
    const chooser = select({ name: 'name', onchange: () => weigh() }, options, now[kind].file ?? BUILT_IN);
    let turn = 0;
    async function weigh() {
      const here = turn += 1;
      const name = chooser.value || null;
      if (kind === 'reranking' && !name) return consequences.replaceChildren(h('p', {}, t('Passages are no longer reranked. The change takes some seconds.')));
      if (kind === 'entailment' && !name) return consequences.replaceChildren(h('p', {}, t('Sentences are no longer judged by a model. The change takes some seconds.')));
      consequences.replaceChildren(h('p', {}, t('Measuring on this machine')));
      try {
        const trial = await api('POST', '/api/search-models/trial', { kind, name });
        if (here === turn) consequences.replaceChildren(...costs(kind, trial));
      } catch (error) {
        if (here === turn) consequences.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), h('span', {}, /** @type {Error} */ (error).message)));
      }
    }
    const accept = (/** @type {FormData} */ data) => api('POST', '/api/search-models', { kind, name: data.get('name') || null });
    const titles = { embedding: t('What shall find passages?'), reranking: t('What shall rerank passages?'), entailment: t('What shall check citations?') };
    const chosen = await dialog(titles[kind], [
      field(t('Model'), chooser, now.candidates.length ? undefined : t('No other model is installed. Get one of the hub, or hand over a file.')),
      consequences,
    ], t('Change'), { accept });
    if (!chosen) return;
    toast(t('satchel starts anew with the other model'));
    await backAgain();
    part.draw();
  }

  return { element: part.element, draw: part.draw, leave: () => { left = true; clearTimeout(timer); } };
}

/**
 * What a model would cost, as it was measured.
 * @param {Kind} kind
 * @param {any} trial
 */
function costs(kind, trial) {
  const seconds = () => t('{number} s', { number: number(trial.seconds, { maximumFractionDigits: 2 }) });
  if (kind === 'entailment') {
    return [h('p', {}, t('The end of an answer of {sentences} sentences that a chat model wrote comes about {time} later, measured on your passages.', { sentences: number(trial.passages), time: seconds() }))];
  }
  if (kind === 'reranking') {
    return [h('p', {}, t('It adds about {time} to a question for which reranking is asked, measured on your passages.', { time: seconds() }))];
  }
  return [
    h('p', {}, h('b', {}, tn(trial.passages, '{count} passage is embedded anew, which takes about {time}.', '{count} passages are embedded anew, which takes about {time}.', { time: duration(trial.seconds) }))),
    h('p', {}, t('Measured on your passages. Until it is done they are found by their words; what is done already counts. Chats and documents stay as they are. satchel starts anew for it, which takes some seconds.')),
  ];
}

/** Waits until the server, which starts anew, answers again. */
async function backAgain() {
  for (let knock = 0; knock < MOST_KNOCKS; knock += 1) {
    await new Promise((resolve) => setTimeout(resolve, KNOCK_EVERY));
    try {
      if ((await fetch('/health')).ok) break;
    } catch {
      // Not yet.
    }
  }
  await alive();
  await renew().catch(() => false);
}
