// @ts-check
// How one chat is answered: its instructions for the model, and what is looked
// for. Plain words stand in front; what the interface calls it is in the hint.

import { api } from './api.js';
import { dialog, h, toast } from './dom.js';
import { t } from './language.js';
import { hint } from './menu.js';

/** The words for how closely a passage must fit, and their thresholds. */
const FITS = { loose: 0.5, normal: null, strict: 0.85 };

/**
 * Asks how a chat shall be answered.
 * @param {string | null} id `null` for a chat that is made by this
 * @returns {Promise<any>} the chat, or `null` when the dialog was left
 */
export async function tune(id) {
  let chat = { system_prompt: '', search_options: /** @type {any} */ ({}) };
  try {
    if (id) chat = await api('GET', `/api/sessions/${encodeURIComponent(id)}`);
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
    return null;
  }
  /** @type {any} */
  let changed = null;
  const accept = async (/** @type {FormData} */ form) => {
    const body = { system_prompt: String(form.get('prompt')).trim() || null, search_options: options(form, chat.search_options) };
    changed = id
      ? await api('PATCH', `/api/sessions/${encodeURIComponent(id)}`, body)
      : await api('POST', '/api/sessions', body);
  };
  await dialog(t('How this chat is answered'), fields(chat), t('Save'), { accept });
  if (changed) toast(t('Saved. It holds from the next question on.'));
  return changed;
}

/** @param {{system_prompt: string | null, search_options: any}} chat */
function fields({ system_prompt, search_options: set }) {
  return [
    h('label', { class: 'field' }, t('Instructions'),
      h('textarea', { class: 'f', name: 'prompt', rows: '4', maxlength: '8000', placeholder: t('Answer briefly, in German, for a technician.'), value: system_prompt ?? '' }),
      h('small', {}, t('For the chat model, before every question. Called “system prompt” elsewhere.'))),
    field(t('Look for'), t('search_type: HYBRID, SIMILARITY or MMR'), select('kind', set.search_type ?? '', [
      ['', t('The same meaning and the same words')],
      ['SIMILARITY', t('The same meaning alone')],
      ['MMR', t('Passages that differ from each other')],
    ])),
    field(t('Passages for an answer'), t('k: the most passages that an answer may rest on'), select('count', String(set.k ?? ''), [
      ['', t('4, as usual')], ['2', t('2, for short answers')], ['8', '8'], ['16', t('16, for overviews')],
    ])),
    field(t('A passage must fit'), t('score_threshold: the least calibrated relevance, {usual} as usual', { usual: '0.7' }), select('fit', fitOf(set.score_threshold), [
      ['loose', t('Loosely: more is found, less of it fits')],
      ['normal', t('As usual')],
      ['strict', t('Closely: rather nothing than something beside the point')],
    ])),
    h('label', { class: 'check' },
      hint(h('input', { type: 'checkbox', name: 'rerank', checked: Boolean(set.rerank) }), t('rerank: late interaction over the embeddings of tokens')),
      h('span', {}, t('Compare each passage word by word with the question (slower)'))),
  ];
}

/**
 * @param {string} label
 * @param {string} jargon
 * @param {any} control
 */
const field = (label, jargon, control) => h('label', { class: 'field' }, label, hint(control, jargon));

/**
 * @param {string} name
 * @param {string} value
 * @param {[string, string][]} choices
 */
function select(name, value, choices) {
  const known = choices.some(([key]) => key === value);
  // What another client has set is kept and shown as it is.
  const all = known ? choices : [...choices, /** @type {[string, string]} */ ([value, value])];
  return h('select', { class: 'f', name }, all.map(([key, text]) => h('option', { value: key, selected: key === value }, text)));
}

/** @param {number | null | undefined} threshold */
function fitOf(threshold) {
  if (threshold === null || threshold === undefined) return 'normal';
  const word = Object.entries(FITS).find(([, value]) => value !== null && Math.abs(value - threshold) < 0.001);
  return word ? word[0] : String(threshold);
}

/**
 * @param {FormData} form
 * @param {any} before what the dialog does not show stays
 */
function options(form, before) {
  const fit = String(form.get('fit'));
  return {
    ...before,
    search_type: form.get('kind') || null,
    k: Number(form.get('count')) || null,
    score_threshold: fit in FITS ? FITS[/** @type {keyof typeof FITS} */ (fit)] : Number(fit),
    rerank: form.has('rerank') || null,
  };
}
