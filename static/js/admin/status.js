// @ts-check
// How the instance is: figures over the last hour as plots, and what is loaded.

import { api } from '../api.js';
import { h, icon } from '../dom.js';
import { t, tn } from '../language.js';
import { heading, panel } from '../panel.js';
import { duration, number, size } from '../words.js';
import { plot } from './plot.js';

/** How often the figures are read, in ms. */
const LOOK_EVERY = 5000;

/** An hour, in seconds. */
const HOUR = 3600;

export function status() {
  const part = panel(t('Status'), async () => {
    const [now, history] = await Promise.all([api('GET', '/api/status'), api('GET', '/api/status/history')]);
    return content(now, history);
  });
  const timer = setInterval(() => {
    if (part.element.isConnected) part.draw();
    else clearInterval(timer);
  }, LOOK_EVERY);
  return part.element;
}

/**
 * @param {any} now
 * @param {{interval_s: number, samples: any[]}} history
 */
function content(now, { interval_s: interval, samples }) {
  const room = Math.round(HOUR / interval);
  const of = (/** @type {(sample: any) => number | null} */ take) => samples.map(take);
  const last = samples[samples.length - 1] ?? {};
  const speed = now.chat_activity?.answer_tokens_per_second;
  const indexes = now.indexes.keyword_bytes + now.indexes.vector_bytes + now.indexes.database_bytes;
  const rate = (/** @type {number | undefined} */ value) => number(value ?? 0, { maximumFractionDigits: 1 });
  const answered = now.answers.by_model + now.answers.quotes + now.answers.nothing_found;
  const working = now.chat_activity
    ? t('{running} writing, {waiting} waiting', { running: now.chat_activity.running, waiting: now.chat_activity.waiting })
    : t('No chat model: answers are quotes.');
  const waits = of((one) => one.first_token_s);
  const wait = [...waits].reverse().find((one) => one !== null) ?? null;
  return [
    heading(now.chat_model_error ? t('Running, with trouble') : t('Running well'),
      h('span', { class: 'mute num' }, t('up {time}, version {version}', { time: duration(now.uptime_s), version: now.version }))),
    now.chat_model_error && h('p', { class: 'st bad' }, icon('warn', 's'), h('span', {}, now.chat_model_error)),
    h('div', { class: 'tiles' },
      tile(t('Requests'), rate(last.requests_per_s), t('a second'), plot(t('Requests a second over the last hour'), of((one) => one.requests_per_s), { room, least: 1 }),
        tn(answered, '{count} answer since the start', '{count} answers since the start')),
      tile(t('First word after'), wait === null ? '–' : number(wait, { maximumFractionDigits: wait < 1 ? 2 : 1 }), wait === null ? '' : t('s, on average'), plot(t('Seconds to the first word over the last hour'), waits, { room, least: 1 }),
        tn(now.answers.nothing_found, '{count} question without a source', '{count} questions without a source')),
      tile(t('Writing speed'), speed ? rate(speed) : '–', speed ? t('tokens/s') : '', plot(t('Tokens written a second over the last hour'), of((one) => one.answer_tokens_per_s), { room, least: 1 }), working),
      tile(t('Queue'), number(now.jobs_pending), tn(now.jobs_pending, 'document', 'documents'), plot(t('Documents that wait to be read over the last hour'), of((one) => one.jobs_pending), { room, least: 4 }),
        t('waiting to be read')),
      tile(t('Memory'), ...split(now.memory_bytes), plot(t('Memory over the last hour'), of((one) => one.memory_bytes), { room }), t('of this process')),
      tile(t('On disk'), ...split(indexes), plot(t('Size of the database and the indexes over the last hour'), of((one) => one.database_bytes + one.keyword_bytes + one.vector_bytes), { room }),
        t('keywords {keywords}, vectors {vectors}', { keywords: size(now.indexes.keyword_bytes), vectors: size(now.indexes.vector_bytes) }))),
    h('p', { class: 'mute num' }, t('The last hour, a point every {number} s. Kept in memory alone.', { number: interval })),
    facts(now),
  ];
}

/**
 * @param {string} title
 * @param {string} value
 * @param {string} unit
 * @param {Node} picture
 * @param {string} note
 */
const tile = (title, value, unit, picture, note) => h('div', { class: 'card tile' }, h('h3', {}, title),
  h('p', { class: 'big' }, value, ' ', h('small', {}, unit)), picture, h('p', { class: 'mute num' }, note));

/**
 * A size as its number and its unit.
 * @param {number} bytes
 * @returns {[string, string]}
 */
function split(bytes) {
  const [, value, unit] = /^([\d.,\s\u00a0\u202f]+?)[\s\u00a0\u202f]*(\D+)$/.exec(size(bytes)) ?? ['', size(bytes), ''];
  return [value, unit];
}

/** @param {any} now */
function facts(now) {
  const activity = now.chat_activity;
  const kept = activity?.kv_blocks ? (activity.kv_blocks_used + activity.kv_blocks_kept) / activity.kv_blocks : 0;
  /** @type {[string, string | null][]} */
  const entries = [
    [t('Data'), now.data_dir],
    [t('Documents'), t('{documents} documents, {passages} passages', { documents: now.documents, passages: now.chunks })],
    [t('Chat model'), now.chat_model ? t('{name}, {quantization}, context of {tokens} tokens, on {device}', { name: now.chat_model.name, quantization: now.chat_model.quantization, tokens: now.chat_model.context_tokens, device: now.chat_model.device }) : t('none')],
    [t('Reading speed'), activity?.prompt_tokens_per_second ? t('{number} tokens/s', { number: Math.round(activity.prompt_tokens_per_second) }) : null],
    [t('Prompt cache'), activity ? t('{share} full, {tokens} tokens not read again', { share: number(kept, { style: 'percent' }), tokens: activity.reused_tokens }) : null],
    [t('Embedding model'), t('{name}, {dimensions} dimensions', { name: now.embedder.name, dimensions: now.embedder.dimensions })],
    [t('Checks citations'), now.entailment_model?.name ?? null],
  ];
  return h('dl', { class: 'facts' }, entries.filter(([, value]) => value).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}
