// @ts-check
// The figures of an answer: in one line, and all of them.

import { h, sheet } from './dom.js';
import { t, tn } from './language.js';
import { number, percent, seconds } from './words.js';

/** @param {any} facts */
function ending(facts) {
  if (facts.finish_reason === 'length') return t('Cut off: the longest answer was reached');
  if (facts.finish_reason === 'cancelled') return t('Stopped');
  if (facts.finish_reason === 'error') return t('Broken off');
  return '';
}

/** @param {any} facts */
export function gist(facts) {
  const first = facts.first_token_ms;
  const parts = [
    facts.model ?? (facts.mode ? t('No model') : ''),
    first ? t('first word after {time}', { time: seconds(first) }) : '',
    ending(facts),
  ];
  return parts.filter(Boolean).join(' · ');
}

/**
 * Shows all figures.
 * @param {any} facts
 * @param {number} sources how many passages were found
 */
export function details(facts, sources) {
  const { prompt = 0, reused = 0, completion = 0 } = facts.usage ?? {};
  const left = facts.left_out;
  const parts = facts.parts;
  const given = sources - (left && !parts ? left.for_time + left.for_context : 0);
  const noted = parts?.usage.completion ?? 0;
  const writing = facts.total_ms && facts.first_token_ms ? (facts.total_ms - facts.first_token_ms) / 1000 : 0;
  /** @type {[string, string][]} */
  const rows = [
    [t('Written by'), facts.model ?? (facts.mode === 'quotes' ? t('No model: quotes of your documents') : t('No model'))],
    [t('Passages considered'), number(sources)],
  ];
  if (parts) rows.push([t('Read part by part'), tn(parts.passages, '{count} passage in {parts} parts', '{count} passages in {parts} parts', { parts: parts.parts })]);
  if (facts.model) {
    rows.push(
      [t('Passages given to the model'), number(given)],
      [t('Left out to be quick'), number(left?.for_time ?? 0)],
      [t('Left out for lack of room'), number(left?.for_context ?? 0)],
      [t('Read'), t('{read} tokens, of which {reused} were known from before', { read: prompt, reused })],
      [t('Written'), tn(completion, '{count} token', '{count} tokens')],
    );
    if (noted) rows.push([t('Notes on the parts'), tn(noted, '{count} token', '{count} tokens')]);
    if (writing > 0.05 && completion - noted > 1) rows.push([t('Speed'), t('{rate} tokens a second', { rate: number((completion - noted) / writing, { maximumFractionDigits: 1 }) })]);
  }
  if (facts.first_token_ms) rows.push([t('First word after'), seconds(facts.first_token_ms)]);
  if (facts.total_ms) rows.push([t('Complete after'), seconds(facts.total_ms)]);
  if (typeof facts.answerable === 'number') rows.push([t('Likely that the documents answer it'), percent(facts.answerable)]);
  if (facts.answered === false) rows.push([t('Answered'), t('No: the documents do not say')]);
  if (ending(facts)) rows.push([t('End'), ending(facts)]);
  sheet(t('Details of this answer'), [h('dl', { class: 'figures' }, rows.map(([name, value]) => [h('dt', {}, name), h('dd', { class: 'num' }, value)]).flat())]);
}
