// @ts-check
// What satchel is made of, and under which licences.

import { h, icon } from '../dom.js';
import { t, tn } from '../language.js';
import { heading, panel } from '../panel.js';
import { row, table } from '../table.js';

/** @typedef {import('../table.js').Column[]} Columns */

export function licences() {
  return panel(t('Licences'), async () => {
    const response = await fetch('/assets/licences.json');
    if (!response.ok) throw new Error(t('The list of licences is not there.'));
    return content(await response.json());
  }).element;
}

/** @param {any} all */
function content(all) {
  const body = h('tbody');
  const count = h('span', { class: 'mute num', role: 'status' });
  const columns = /** @type {Columns} */ ([{ name: t('Part') }, { name: t('Version') }, { name: t('Licence'), kind: 'full' }]);
  const draw = (/** @type {string} */ wanted) => {
    const fits = all.packages.filter((/** @type {any} */ one) => `${one.name} ${one.licence}`.toLowerCase().includes(wanted.toLowerCase()));
    body.replaceChildren(...fits.map((/** @type {any} */ one) => row(columns, [
      [one.name, one.holders.length > 0 && h('small', { class: 'mute' }, one.holders.join('; '))], one.version, one.licence,
    ])));
    count.textContent = tn(fits.length, '{count} part', '{count} parts');
  };
  draw('');
  const models = /** @type {Columns} */ ([{ name: t('Model') }, { name: t('Licence') }, { name: t('Where'), kind: 'full' }]);
  return [
    heading(t('Licences'), count, h('div', { class: 'icf' }, icon('search', 's'),
      h('input', { class: 'f', type: 'search', 'aria-label': t('Filter parts'), placeholder: t('Filter parts'), oninput: (/** @type {any} */ event) => draw(event.target.value) }))),
    h('p', { class: 'sub' }, t('satchel itself is under the Apache License 2.0. These parts of others are in it, with thanks.')),
    table(t('Parts with version and licence'), columns, body),
    h('h3', {}, t('Parts in other languages')),
    table(t('Parts in other languages'), /** @type {Columns} */ ([{ name: t('Part') }, { name: t('Comes with') }, { name: t('Licence') }]),
      h('tbody', {}, all.carried.map((/** @type {any} */ one) => row(/** @type {Columns} */ ([{ name: t('Part') }, { name: t('Comes with') }, { name: t('Licence') }]), [one.name, one.in, one.licence])))),
    h('h3', {}, t('Models')),
    table(t('Models with their licences'), models, h('tbody', {}, all.models.map((/** @type {any} */ one) => row(models, [
      one.name, one.licence, one.bundled ? t('in the executable') : t('only if you fetch it'),
    ])))),
    h('h3', {}, t('Texts of the licences')),
    ...Object.entries(all.texts).map(([name, text]) => h('details', {}, h('summary', {}, name), h('pre', { class: 'legal', tabindex: '0' }, text))),
  ];
}
