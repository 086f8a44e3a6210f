// @ts-check
// Tenants, whose users see nothing of each other, and what each may use.

import { api } from '../api.js';
import { dialog, h, icon, toast } from '../dom.js';
import { t } from '../language.js';
import { menu } from '../menu.js';
import { field, heading, panel } from '../panel.js';
import { row, table } from '../table.js';
import { number, size } from '../words.js';

/** Bytes of what people are asked for. */
const GIGABYTE = 1_000_000_000;

/** Those that are always there. */
const FIXED = ['default', 'public'];

export function tenants() {
  const part = panel(t('Tenants'), async () => {
    const all = (await api('GET', '/api/tenants')).tenants;
    return [
      heading(t('Tenants'), h('button', { class: 'b', type: 'button', onclick: add }, icon('plus', 's'), t('Add tenant'))),
      h('p', { class: 'sub' }, t('A tenant has users, chats and documents of its own. Nothing of it is visible from another one, but for datasets that are made public.')),
      list(all),
    ];
  });

  /** @param {any[]} all */
  function list(all) {
    const columns = /** @type {import('../table.js').Column[]} */ ([{ name: t('Tenant') }, { name: t('Users'), kind: 'n' }, { name: t('Documents'), kind: 'n' }, { name: t('Space'), kind: 'n' }, { name: t('Requests a minute'), kind: 'n' }, { name: t('Actions'), kind: 'act' }]);
    const rows = all.map((one) => row(columns, [
      [one.name, h('small', { class: 'mute' }, one.id)],
      number(one.user_count), number(one.document_count),
      one.disk_quota_bytes === null ? size(one.disk_bytes) : t('{used} of {all}', { used: size(one.disk_bytes), all: size(one.disk_quota_bytes) }),
      one.requests_per_minute === null ? t('as set for all') : one.requests_per_minute === 0 ? t('no limit') : number(one.requests_per_minute),
      menu(t('More for {name}', { name: one.name }), () => [
        { label: t('Name and limits'), symbol: 'pen', run: () => change(one) },
        null,
        { label: t('Delete'), symbol: 'trash', bad: true, disabled: FIXED.includes(one.id), run: () => remove(one) },
      ]),
    ]));
    return table(t('Tenants with what they use and may use'), columns, h('tbody', {}, rows));
  }

  async function add() {
    const accept = (/** @type {FormData} */ data) => api('POST', '/api/tenants', { ...body(data), id: data.get('id') || null });
    const made = await dialog(t('Add tenant'), [
      ...fields(null),
      field(t('Id'), h('input', { class: 'f', name: 'id', maxlength: '64', pattern: '[A-Za-z0-9._\\-]+', autocomplete: 'off' }), t('As it stands in tokens of others; left empty, one is made.')),
    ], t('Add'), { accept });
    if (made) toast(t('Tenant added'));
    part.draw();
  }

  /** @param {any} one */
  async function change(one) {
    const accept = (/** @type {FormData} */ data) => api('PATCH', `/api/tenants/${encodeURIComponent(one.id)}`, body(data));
    await dialog(t('Name and limits of {name}', { name: one.name }), fields(one), t('Save'), { accept });
    part.draw();
  }

  /** @param {any} one */
  async function remove(one) {
    const accept = async (/** @type {FormData} */ data) => {
      if (data.get('typed') !== one.name) throw new Error(t('This is not the name.'));
      await api('DELETE', `/api/tenants/${encodeURIComponent(one.id)}`);
    };
    const gone = await dialog(t('Delete tenant {name}?', { name: one.name }), [
      h('p', { class: 'sub' }, t('Its users, chats and documents are deleted. There is no way back.')),
      field(t('Type the name {name} to confirm', { name: one.name }), h('input', { class: 'f', name: 'typed', required: true, autocomplete: 'off' })),
    ], t('Delete'), { accept });
    if (gone) toast(t('Tenant deleted'));
    part.draw();
  }

  return part.element;
}

/** @param {any} one */
const fields = (one) => [
  field(t('Name'), h('input', { class: 'f', name: 'name', required: true, maxlength: '64', autocomplete: 'off', value: one?.name ?? '' })),
  field(t('Requests a minute'), h('input', { class: 'f', name: 'requests', type: 'number', min: '0', step: '1', value: one?.requests_per_minute ?? '' }), t('Of all its users together. Empty: as set for all. 0: no limit.')),
  field(t('Space for documents, in GB'), h('input', { class: 'f', name: 'space', type: 'number', min: '0', step: 'any', value: one?.disk_quota_bytes == null ? '' : one.disk_quota_bytes / GIGABYTE }), t('Empty: no limit.')),
];

/** @param {FormData} data */
function body(data) {
  const given = (/** @type {string} */ name) => (data.get(name) === '' ? null : Number(data.get(name)));
  const space = given('space');
  return { name: data.get('name'), requests_per_minute: given('requests'), disk_quota_bytes: space === null ? null : Math.round(space * GIGABYTE) };
}
