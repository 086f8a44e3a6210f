// @ts-check
// What it means for a dataset that the embedding model knows English alone.

import { api } from './api.js';
import { h, icon } from './dom.js';
import { t, tn } from './language.js';
import { isOperator } from './roles.js';
import { languageNames } from './words.js';

/**
 * A note on a dataset with documents in languages that the vectors do not know.
 * @param {any} dataset
 * @returns {Promise<HTMLElement | null>} nothing where they know all that is known of it
 */
export async function languageNote(dataset) {
  const others = Object.entries(dataset.languages).filter(([tag]) => tag !== 'en').sort((a, b) => b[1] - a[1]);
  if (!others.length) return null;
  const { embedder } = await api('GET', '/api/status');
  if (!embedder.english_only) return null;
  const count = others.reduce((sum, [, documents]) => sum + documents, 0);
  const languages = languageNames(others.map(([tag]) => tag));
  return h('div', { class: 'note', role: 'note' }, icon('globe'), h('div', { class: 'grow' },
    h('p', {}, h('b', {}, tn(count, '{count} document is not in English: {languages}.', '{count} documents are not in English: {languages}.', { languages }))),
    h('p', {}, t('The embedding model {model} knows English alone: these are found by the words of a question, not by its meaning.', { model: embedder.name }), ' ',
      isOperator()
        ? h('a', { href: '#/models/search' }, t('Choose a multilingual model'))
        : t('An administrator can choose a multilingual model.'))));
}
