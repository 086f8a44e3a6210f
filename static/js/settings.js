// @ts-check
// Settings: how the page looks, the password, users, and what is running.

import { api, setPassword, signOut, user } from './api.js';
import { confirmed, dialog, h, icon, iconButton, toast } from './dom.js';
import { Models } from './models.js';
import { menuButton, setTheme } from './shell.js';
import { plural, size } from './words.js';

/** How often the figures of this instance are read, in ms. */
const LOOK_EVERY = 5000;

/** @returns {import('./main.js').View} */
export function settings() {
  const models = new Models();
  const facts = h('section', { 'aria-label': 'This instance' });
  const users = h('section', { 'aria-label': 'Users' });
  const main = h('main', {},
    h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, 'Settings'),
      h('button', { class: 'b', type: 'button', onclick: signOut }, icon('out', 's'), 'Sign out')),
    h('div', { class: 'scroll' }, h('div', { class: 'pagein' }, models.main, look(), password(), users, facts)));
  const live = setInterval(() => status(facts), LOOK_EVERY);
  status(facts);
  if (user()?.role === 'admin') listUsers(users);
  return { main, title: 'Settings', leave: () => { clearInterval(live); models.leave(); } };
}

/** @param {HTMLElement} facts */
async function status(facts) {
  try {
    const now = await api('GET', '/api/status');
    facts.replaceChildren(h('h2', {}, 'This instance'), list({
      Version: now.version,
      Data: now.data_dir ?? 'not shown to you',
      Documents: `${plural(now.documents, 'document')}, ${plural(now.chunks, 'passage')}`,
      Waiting: now.jobs_pending ? plural(now.jobs_pending, 'document') : 'nothing',
      Memory: size(now.memory_bytes),
      Indexes: `${size(now.indexes.database_bytes)} database, ${size(now.indexes.keyword_bytes)} keywords, ${size(now.indexes.vector_bytes)} vectors`,
      'Chat model': now.chat_model ? `${now.chat_model.name}, ${now.chat_model.architecture}, ${now.chat_model.quantization}, context of ${now.chat_model.context_tokens.toLocaleString()} tokens` : 'none',
      ...working(now.chat_activity),
      'Embedding model': `${now.embedder.name}, ${now.embedder.dimensions} dimensions, on this machine`,
    }));
  } catch (error) {
    facts.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
  }
}

/**
 * What the chat model does.
 * @param {any} now
 * @returns {Record<string, string>}
 */
function working(now) {
  if (!now) return {};
  const speed = (/** @type {number | null} */ value, /** @type {string} */ what) => (value ? `${what} ${Math.round(value).toLocaleString()} tokens a second` : '');
  const speeds = [speed(now.prompt_tokens_per_second, 'reads'), speed(now.answer_tokens_per_second, 'writes')].filter(Boolean);
  const kept = now.kv_blocks ? Math.round(((now.kv_blocks_used + now.kv_blocks_kept) / now.kv_blocks) * 100) : 0;
  return {
    Speed: speeds.join(', ') || 'not measured yet',
    'At work': `${plural(now.running, 'answer')}, ${now.waiting.toLocaleString()} waiting`,
    'Prompt cache': `${kept} % full, ${plural(now.reused_tokens, 'token')} not read again`,
  };
}

/** @param {Record<string, string>} facts */
const list = (facts) => h('dl', { class: 'facts' }, Object.entries(facts).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));

function look() {
  const now = localStorage.getItem('theme') ?? 'system';
  return h('section', {}, h('h2', {}, 'Appearance'), h('fieldset', { class: 'opts plain' }, h('legend', { class: 'vh' }, 'Theme'),
    ['system', 'light', 'dark'].map((name) => h('label', { class: 'row' },
      h('input', { type: 'radio', name: 'theme', value: name, checked: name === now, onchange: () => setTheme(name) }),
      { system: 'As the system', light: 'Light', dark: 'Dark' }[name]))));
}

function password() {
  const has = user()?.password_set;
  const input = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ complete) => h('label', { class: 'field' }, label,
    h('input', { class: 'f', type: 'password', name, autocomplete: complete, required: true, minlength: name === 'current' ? null : '8' }));
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault();
    const data = new FormData(event.target);
    try {
      await setPassword(has ? String(data.get('current')) : null, String(data.get('password')));
      event.target.reset();
      toast('Password set');
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  };
  return h('section', {}, h('h2', {}, has ? 'Change password' : 'Set a password'),
    h('form', { class: 'form', onsubmit: submit },
      h('input', { type: 'text', hidden: true, name: 'username', autocomplete: 'username', value: user()?.username ?? '' }),
      has && input('Current password', 'current', 'current-password'),
      input('New password', 'password', 'new-password'),
      h('div', { class: 'ends' }, h('button', { class: 'b' }, has ? 'Change password' : 'Set password'))));
}

/** @param {HTMLElement} box */
async function listUsers(box) {
  const { users } = await api('GET', '/api/users');
  const row = (/** @type {any} */ one) => h('tr', {},
    h('th', { scope: 'row' }, one.username),
    h('td', { 'data-l': 'Role' }, one.role === 'admin' ? 'Administrator' : 'User'),
    h('td', { 'data-l': 'Password' }, one.password_set ? 'set' : 'not set'),
    h('td', { class: 'act' }, h('div', { class: 'acts' }, one.id !== user()?.id && iconButton('trash', `Remove ${one.username}`, () => remove(box, one)))));
  box.replaceChildren(
    h('div', { class: 'hd' }, h('h2', {}, 'Users'), h('button', { class: 'b', type: 'button', onclick: () => add(box) }, icon('plus', 's'), 'Add user')),
    h('table', { class: 'grid stack' }, h('caption', { class: 'vh' }, 'Users'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Name'), h('th', { scope: 'col' }, 'Role'), h('th', { scope: 'col' }, 'Password'), h('th', {}, h('span', { class: 'vh' }, 'Actions')))),
      h('tbody', {}, users.map(row))));
}

/** @param {HTMLElement} box */
async function add(box) {
  const form = await dialog('Add user', [
    h('label', { class: 'field' }, 'User name', h('input', { class: 'f', name: 'username', required: true, maxlength: '64', autocomplete: 'off' })),
    h('label', { class: 'field' }, 'Password', h('input', { class: 'f', type: 'password', name: 'password', required: true, minlength: '8', autocomplete: 'new-password' })),
    h('label', { class: 'field' }, 'Role', h('select', { class: 'f', name: 'role' }, h('option', { value: 'user' }, 'User'), h('option', { value: 'admin' }, 'Administrator'))),
  ], 'Add');
  if (!form) return;
  try {
    await api('POST', '/api/users', { username: form.get('username'), password: form.get('password'), role: form.get('role') });
    toast('User added');
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
  }
  listUsers(box);
}

/**
 * @param {HTMLElement} box
 * @param {any} one
 */
async function remove(box, one) {
  const yes = await confirmed({ title: `Remove ${one.username}?`, text: 'The user can no longer sign in, and all of the user’s chats are deleted.', action: 'Remove' });
  if (!yes) return;
  try {
    await api('DELETE', `/api/users/${one.id}`);
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
  }
  listUsers(box);
}
