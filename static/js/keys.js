// @ts-check
// API keys: listing, making, deleting; one's own, or all of a tenant.

import { api, user } from './api.js';
import { confirmed, dialog, h, icon, iconButton, sheet, toast } from './dom.js';
import { t } from './language.js';
import { field, heading, panel, trouble } from './panel.js';
import { row, table } from './table.js';
import { ago } from './words.js';

/**
 * @param {{own: boolean, tenant?: () => string}} of `tenant`: what to add to addresses, as `?tenant_id=…`
 */
export function keys({ own, tenant = () => '' }) {
  const part = panel(t('API keys'), async () => {
    const all = (await api('GET', `/api/keys${tenant()}`)).keys;
    const shown = own ? all.filter((/** @type {any} */ one) => one.user_id === user()?.id) : all;
    return [
      heading(t('API keys'), h('button', { class: 'b', type: 'button', onclick: make }, icon('plus', 's'), t('New key'))),
      h('p', { class: 'sub' }, t('With a key a program signs in as a person: in the header Authorization, as a bearer token. OpenAI clients take it as their API key.')),
      shown.length ? list(shown) : h('p', { class: 'mute' }, t('There are no keys.')),
    ];
  });

  /** @param {any[]} all */
  function list(all) {
    const columns = /** @type {import('./table.js').Column[]} */ ([
      { name: t('Name') },
      ...(own ? [] : [{ name: t('User') }]),
      { name: t('Begins with') }, { name: t('Last used') }, { name: t('Actions'), kind: 'act' },
    ]);
    const rows = all.map((one) => row(columns, [
      one.name, ...(own ? [] : [one.username]),
      h('code', {}, one.prefix), one.last_used_at ? ago(one.last_used_at) : t('never'),
      iconButton('trash', t('Delete key {name}', { name: one.name }), () => remove(one)),
    ]));
    return table(t('API keys'), columns, h('tbody', {}, rows));
  }

  async function make() {
    /** @type {any} */
    let made = null;
    const accept = async (/** @type {FormData} */ data) => {
      const body = { name: data.get('name'), ...(own ? {} : { username: data.get('username'), tenant_id: new URLSearchParams(tenant().slice(1)).get('tenant_id') }) };
      made = await api('POST', '/api/keys', body);
    };
    await dialog(t('New API key'), [
      field(t('Name'), h('input', { class: 'f', name: 'name', required: true, maxlength: '64', autocomplete: 'off' }), t('What the key is for, so that you know later.')),
      !own && field(t('User'), h('input', { class: 'f', name: 'username', required: true, autocomplete: 'off', value: user()?.username ?? '' }), t('The program may do what this person may do.')),
    ], t('Make key'), { accept });
    if (!made) return;
    show(made);
    part.draw();
  }

  /** @param {any} one */
  async function remove(one) {
    const yes = await confirmed({ title: t('Delete key {name}?', { name: one.name }), text: t('Programs that use it are refused from now on.'), action: t('Delete') });
    if (!yes) return;
    try {
      await api('DELETE', `/api/keys/${one.id}${tenant()}`);
      toast(t('Key deleted'));
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    part.draw();
  }

  return part;
}

/** @param {any} made with the key itself, which nobody sees again */
function show(made) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.key);
      toast(t('Copied'));
    } catch (error) {
      box.querySelector('.inside')?.append(trouble(error));
    }
  };
  const box = sheet(t('Copy the key now'), [
    h('p', { class: 'sub' }, t('It is shown this once: satchel keeps only a fingerprint of it.')),
    h('input', { class: 'f mono', readonly: true, value: made.key, 'aria-label': t('The key'), onfocus: (/** @type {any} */ event) => event.target.select() }),
    h('div', { class: 'ends' }, h('button', { class: 'b p', type: 'button', onclick: copy }, icon('copy', 's'), t('Copy'))),
  ]);
}
