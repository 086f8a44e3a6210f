// @ts-check
// A person's own settings: how the page looks and speaks, the password, what
// is signed in, API keys, and the person's data.

import { api, setPassword, signOut, user } from './api.js';
import { confirmed, dialog, h, icon, settled, toast } from './dom.js';
import { keys } from './keys.js';
import { LANGUAGES, preferred, t } from './language.js';
import { field, heading, panel, save, select } from './panel.js';
import { menuButton, setTheme } from './shell.js';
import { row, table } from './table.js';
import { ago } from './words.js';

/** @returns {import('./main.js').View} */
export function settings() {
  const main = h('main', {},
    h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, t('Settings')),
      h('a', { class: 'b', href: '/api-docs' }, 'API'),
      h('button', { class: 'b', type: 'button', onclick: leave }, icon('out', 's'), t('Sign out'))),
    h('div', { class: 'scroll' }, h('div', { class: 'pagein' },
      h('div', { class: 'half' }, look(), password()), signIns(), keys({ own: true }).element, ownData(), about())));
  return { main, title: t('Settings') };
}

async function leave() {
  await settled();
  await signOut();
}

function look() {
  const now = localStorage.getItem('theme') ?? 'system';
  const themes = { system: t('As the system'), light: t('Light'), dark: t('Dark') };
  const speakOther = (/** @type {any} */ event) => {
    localStorage.setItem('language', event.target.value);
    // All that is on the page already was said in the other language.
    location.reload();
  };
  return h('section', { 'aria-label': t('Appearance') }, h('h2', {}, t('Appearance')),
    h('div', { class: 'form' },
      h('fieldset', { class: 'opts plain' }, h('legend', {}, t('Theme')),
        Object.entries(themes).map(([name, label]) => h('label', { class: 'row' },
          h('input', { type: 'radio', name: 'theme', value: name, checked: name === now, onchange: () => setTheme(name) }), label))),
      field(t('Language'), select({ onchange: speakOther }, Object.entries(LANGUAGES), preferred()), t('Of the page. Answers are in the language of your documents or of the model.'))));
}

function password() {
  const has = user()?.password_set;
  const input = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ complete) => field(label,
    h('input', { class: 'f', type: 'password', name, autocomplete: complete, required: true, minlength: name === 'current' ? null : '8' }));
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault();
    const data = new FormData(event.target);
    try {
      await setPassword(has ? String(data.get('current')) : null, String(data.get('password')));
      event.target.reset();
      toast(t('Password set'));
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  };
  const title = has ? t('Change password') : t('Set a password');
  return h('section', { 'aria-label': title }, h('h2', {}, title),
    h('form', { class: 'form', onsubmit: submit },
      h('input', { type: 'text', hidden: true, name: 'username', autocomplete: 'username', value: user()?.username ?? '' }),
      has && input(t('Current password'), 'current', 'current-password'),
      input(t('New password'), 'password', 'new-password'),
      h('div', { class: 'ends' }, h('button', { class: 'b' }, has ? t('Change password') : t('Set password')))));
}

function signIns() {
  const columns = /** @type {import('./table.js').Column[]} */ ([{ name: t('Where') }, { name: t('Address') }, { name: t('Last used') }, { name: t('Since') }, { name: t('Actions'), kind: 'act' }]);
  const part = panel(t('Sign-ins'), async () => {
    const all = (await api('GET', '/auth/sessions')).sessions;
    const rows = all.map((/** @type {any} */ one) => row(columns, [
      [program(one.client), one.current && h('small', {}, t('this browser'))],
      one.address ?? t('unknown'), ago(one.last_used_at), ago(one.started_at),
      one.current ? '' : h('button', { class: 'b', type: 'button', 'aria-label': t('End sign-in of {program}', { program: program(one.client) }), onclick: () => end(one) }, t('End')),
    ]));
    return [
      heading(t('Sign-ins'), h('button', { class: 'b', type: 'button', onclick: endAll }, t('End all sign-ins'))),
      table(t('Where you are signed in'), columns, h('tbody', {}, rows)),
    ];
  });

  /** @param {any} one */
  async function end(one) {
    try {
      await api('DELETE', `/auth/sessions/${encodeURIComponent(one.id)}`);
      toast(t('Sign-in ended'));
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    part.draw();
  }

  async function endAll() {
    const text = t('You are signed out everywhere, here too. API keys go on.');
    if (!await confirmed({ title: t('End all sign-ins?'), text, action: t('End all') })) return;
    try {
      await settled();
      await api('DELETE', '/auth/sessions');
      await signOut();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  return part.element;
}

/**
 * What a browser calls itself, in few words.
 * @param {string | null} client
 */
function program(client) {
  const names = [['Edg/', 'Edge'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']];
  const systems = [['Android', 'Android'], ['iPhone', 'iPhone'], ['Windows', 'Windows'], ['Mac OS', 'macOS'], ['Linux', 'Linux']];
  const found = (/** @type {string[][]} */ all) => all.find(([mark]) => client?.includes(mark))?.[1];
  const name = found(names);
  if (!name) return client?.split(' ')[0] || t('unknown program');
  const system = found(systems);
  return system ? t('{browser} on {system}', { browser: name, system }) : name;
}

function ownData() {
  const carry = async () => {
    try {
      await save('/api/export', 'satchel-export.zip');
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  };
  return h('section', { 'aria-label': t('Your data') }, h('h2', {}, t('Your data')),
    h('p', { class: 'sub' }, t('All your chats and the documents that you added, with their original files, as one ZIP archive; or gone, so that nothing of them is left on this machine but in backups that were made before.')),
    h('div', { class: 'row wrap' },
      h('button', { class: 'b', type: 'button', onclick: carry }, icon('dl', 's'), t('Export my data')),
      h('button', { class: 'b bad', type: 'button', onclick: erase }, icon('trash', 's'), t('Erase my data'))));
}

async function erase() {
  const name = user()?.username ?? '';
  const accept = async (/** @type {FormData} */ data) => {
    if (data.get('typed') !== name) throw new Error(t('This is not your user name.'));
    await api('POST', '/api/erase', { confirm: true });
  };
  const done = await dialog(t('Erase all your data?'), [
    h('p', { class: 'sub' }, t('Your chats, the documents that you added and your account are erased. There is no way back.')),
    field(t('Type {name} to confirm', { name }), h('input', { class: 'f', name: 'typed', required: true, autocomplete: 'off', spellcheck: 'false' })),
  ], t('Erase'), { accept });
  if (done) await signOut();
}

function about() {
  const part = panel(t('About satchel'), async () => {
    const { version } = await api('GET', '/auth/state');
    return [h('p', { class: 'mute' }, t('satchel {version}, under the Apache License 2.0.', { version }), ' ', h('a', { href: '/assets/licences.json' }, t('Licences of its parts')))];
  });
  return part.element;
}
