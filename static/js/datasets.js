// @ts-check
// Datasets: made, described, shared and deleted. Must not know their files.

import { api, request, user } from './api.js';
import { dialog, h, toast, undoable } from './dom.js';
import { t } from './language.js';

/** The dataset that takes what names none: all of the tenant see it. */
const DEFAULT = 'Documents';

/** @param {any} dataset */
export const isOwn = (dataset) => Boolean(dataset) && !dataset.builtin;

/**
 * Who sees a dataset, with a symbol.
 * @param {string} visibility
 * @returns {{symbol: string, words: string}}
 */
export function seenBy(visibility) {
  if (visibility === 'private') return { symbol: 'lock', words: t('Only you and administrators see it') };
  if (visibility === 'public') return { symbol: 'globe', words: t('Everybody sees it, also without signing in') };
  return { symbol: 'users', words: t('Everybody who signs in sees it') };
}

/**
 * Asks for a dataset's name, description and who sees it.
 * @param {any} [dataset] one that there is; without it a new one is made
 * @returns {Promise<any>} the dataset, or `null` when the dialog was left
 */
export async function editDataset(dataset) {
  /** @type {any} */
  let saved = null;
  const accept = async (/** @type {FormData} */ form) => {
    const body = { name: form.get('name'), description: form.get('description'), visibility: form.get('visibility') ?? undefined };
    saved = dataset
      ? await api('PATCH', `/api/datasets/${dataset.id}`, body)
      : await api('POST', '/api/datasets', body);
  };
  await dialog(dataset ? t('Edit dataset') : t('New dataset'), [
    h('label', { class: 'field' }, t('Name'), h('input', { class: 'f', name: 'name', required: true, maxlength: '100', value: dataset?.name ?? '', autofocus: true })),
    h('label', { class: 'field' }, t('Description'), h('textarea', { class: 'f', name: 'description', rows: '2', maxlength: '2000', value: dataset?.description ?? '' })),
    mayShare(dataset) && sharing(dataset?.visibility ?? 'tenant', dataset?.name === DEFAULT),
  ], dataset ? t('Save') : t('Create'), { accept });
  return saved;
}

/** @param {any} dataset */
const mayShare = (dataset) => !dataset || user()?.role === 'admin' || dataset.owner_id === user()?.id;

/**
 * @param {string} chosen
 * @param {boolean} forAll whether it cannot be private
 */
function sharing(chosen, forAll) {
  const admin = user()?.role === 'admin';
  const choices = [forAll ? '' : 'private', 'tenant', admin || chosen === 'public' ? 'public' : ''].filter(Boolean);
  return h('fieldset', { class: 'plain opts' }, h('legend', {}, t('Who sees it')),
    choices.map((one) => h('label', { class: 'check' },
      h('input', { type: 'radio', name: 'visibility', value: one, checked: one === chosen }), h('span', {}, seenBy(one).words))));
}

/**
 * Deletes a dataset with its files when that can no longer be undone.
 * @param {any} dataset
 * @param {(there: boolean) => void} show takes it off the screen, or puts it back
 */
export function deleteDataset(dataset, show) {
  show(false);
  undoable(t('{name} deleted with its files', { name: dataset.name }), {
    undo: () => show(true),
    commit: async () => {
      try {
        await request(`/api/datasets/${dataset.id}`, { method: 'DELETE', keepalive: true });
      } catch (error) {
        show(true);
        toast(/** @type {Error} */ (error).message);
      }
    },
  });
}
