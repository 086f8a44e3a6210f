// @ts-check
// The users of a tenant, and their API keys.

import { api, user } from '../api.js';
import { confirmed, dialog, h, icon, toast } from '../dom.js';
import { keys } from '../keys.js';
import { t } from '../language.js';
import { menu } from '../menu.js';
import { field, heading, panel, save, select } from '../panel.js';
import { row, table } from '../table.js';
import { ago } from '../words.js';

/** @returns {[string, string][]} */
const roles = () => [['user', t('User')], ['admin', t('Administrator')], ['service', t('Program')]];

/** @param {string} role */
const roleName = (role) => roles().find(([name]) => name === role)?.[1] ?? role;

/** @param {boolean} operator who may look into other tenants */
export function people(operator) {
  let tenant = user()?.tenant_id ?? '';
  const ofTenant = () => (tenant === user()?.tenant_id ? '' : `?tenant_id=${encodeURIComponent(tenant)}`);
  const chooser = h('div', { 'aria-busy': operator ? 'true' : null });
  const list = panel(t('Users'), async () => content((await api('GET', `/api/users${ofTenant()}`)).users));
  const allKeys = keys({ own: false, tenant: ofTenant });

  async function offerTenants() {
    const { tenants } = await api('GET', '/api/tenants');
    if (tenants.length < 2) return;
    const options = tenants.map((/** @type {any} */ one) => [one.id, one.name]);
    chooser.replaceChildren(field(t('Tenant'), select({
      onchange: (/** @type {any} */ event) => { tenant = event.target.value; list.draw(); allKeys.draw(); },
    }, options, tenant)));
  }
  if (operator) offerTenants().catch((error) => toast(error.message)).finally(() => chooser.removeAttribute('aria-busy'));

  /** @param {any[]} users */
  function content(users) {
    const columns = /** @type {import('../table.js').Column[]} */ ([{ name: t('Name') }, { name: t('Role') }, { name: t('Last seen') }, { name: t('Password') }, { name: t('Actions'), kind: 'act' }]);
    const rows = users.map((one) => row(columns, [
      [one.username, one.issuer && h('small', { class: 'mute' }, t('signs in at {issuer}', { issuer: one.issuer }))],
      roleName(one.role),
      one.last_seen_at ? ago(one.last_seen_at) : t('never'),
      one.issuer ? t('elsewhere') : one.password_set ? t('set') : t('not set'),
      menu(t('More for {name}', { name: one.username }), () => actions(one)),
    ]));
    return [
      heading(t('Users'), h('button', { class: 'b', type: 'button', onclick: add }, icon('plus', 's'), t('Add user'))),
      table(t('Users, their role and last use'), columns, h('tbody', {}, rows)),
    ];
  }

  /** @param {any} one */
  function actions(one) {
    const self = one.id === user()?.id;
    const own = [
      { label: t('Change role'), symbol: 'user', disabled: self, run: () => changeRole(one) },
      { label: t('Set password'), symbol: 'lock', run: () => setPassword(one) },
    ];
    return [
      ...(one.issuer ? [] : own),
      { label: t('End sign-ins'), symbol: 'out', run: () => endSignIns(one) },
      { label: t('Export data'), symbol: 'dl', disabled: ofTenant() !== '', run: () => act(() => save(`/api/export?user=${encodeURIComponent(one.id)}`, `satchel-${one.username}.zip`)) },
      null,
      { label: t('Remove'), symbol: 'trash', bad: true, disabled: self, run: () => remove(one) },
    ];
  }

  /**
   * @param {() => Promise<unknown>} work
   * @param {string} [done]
   */
  async function act(work, done) {
    try {
      await work();
      if (done) toast(done);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    list.draw();
  }

  async function add() {
    const accept = (/** @type {FormData} */ data) => api('POST', '/api/users', {
      username: data.get('username'), password: data.get('password'), role: data.get('role'), ...(ofTenant() && { tenant_id: tenant }),
    });
    const made = await dialog(t('Add user'), [
      field(t('User name'), h('input', { class: 'f', name: 'username', required: true, maxlength: '64', autocomplete: 'off' })),
      field(t('Password'), newPassword(), t('At least 8 characters.')),
      field(t('Role'), select({ name: 'role' }, roles(), 'user'), t('Administrators see all of the tenant. A program may act for any user.')),
    ], t('Add'), { accept });
    if (made) toast(t('User added'));
    list.draw();
  }

  /** @param {any} one */
  async function changeRole(one) {
    const accept = (/** @type {FormData} */ data) => api('PATCH', `/api/users/${one.id}${ofTenant()}`, { role: data.get('role') });
    await dialog(t('Role of {name}', { name: one.username }), [
      field(t('Role'), select({ name: 'role' }, roles(), one.role), t('Another role ends all that the user is signed in with.')),
    ], t('Change'), { accept });
    list.draw();
  }

  /** @param {any} one */
  async function setPassword(one) {
    const accept = (/** @type {FormData} */ data) => api('PATCH', `/api/users/${one.id}${ofTenant()}`, { password: data.get('password') });
    const set = await dialog(t('New password of {name}', { name: one.username }), [
      field(t('New password'), newPassword(), t('It ends all that the user is signed in with.')),
    ], t('Set password'), { accept });
    if (set) toast(t('Password set'));
    list.draw();
  }

  /** @param {any} one */
  async function endSignIns(one) {
    const text = t('The user has to sign in again in every browser. API keys go on.');
    const yes = await confirmed({ title: t('End all sign-ins of {name}?', { name: one.username }), text, action: t('End sign-ins') });
    if (yes) await act(() => api('DELETE', `/api/users/${one.id}/sessions${ofTenant()}`), t('Sign-ins ended'));
  }

  /** @param {any} one */
  async function remove(one) {
    const text = t('The user can no longer sign in, and all of the user’s chats are deleted.');
    const yes = await confirmed({ title: t('Remove {name}?', { name: one.username }), text, action: t('Remove') });
    if (yes) await act(() => api('DELETE', `/api/users/${one.id}${ofTenant()}`), t('User removed'));
  }

  return h('div', { class: 'parts' }, chooser, list.element, allKeys.element);
}

const newPassword = () => h('input', { class: 'f', type: 'password', name: 'password', required: true, minlength: '8', autocomplete: 'new-password' });
