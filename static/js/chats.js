// @ts-check
// All chats of a person: those that were put away, files of chats that come in,
// and all of them as a file to take along.

import { api, request } from './api.js';
import { h, icon, put, say, toast } from './dom.js';
import { t, tn } from './language.js';
import { menu } from './menu.js';
import { actions, chats as changes, isTaken, refreshSessions, save } from './sessions.js';
import { menuButton } from './shell.js';
import { row, table } from './table.js';
import { moment } from './words.js';

/** How many chats are fetched at once. */
const PAGE = 100;

/** @returns {import('./main.js').View} */
export function chats() {
  const view = new Chats();
  return { main: view.main, title: t('Chats'), leave: () => view.leave(), drop: (files) => view.take(files) };
}

class Chats {
  constructor() {
    this.archived = true;
    /** @type {any[]} */
    this.listed = [];
    this.life = new AbortController();
    this.columns = [{ name: t('Chat') }, { name: t('Last used') }, { name: t('Actions'), kind: /** @type {const} */ ('act') }];
    this.body = h('tbody');
    this.table = table(t('Chats'), this.columns, this.body);
    this.nothing = h('div', { class: 'nothing', hidden: true });
    this.further = h('p', {}, h('button', { class: 'b', type: 'button', onclick: () => this.list(true) }, t('Show more chats')));
    this.picker = h('input', { class: 'vh', type: 'file', multiple: true, accept: '.json,.zip,application/json,application/zip', 'aria-label': t('Choose a file of chats'), onchange: () => this.picked() });
    this.outcome = h('div', { role: 'status' });
    this.kind = h('select', { class: 'f', id: 'which', onchange: () => { this.archived = this.kind.value === 'archived'; this.list(); } },
      h('option', { value: 'archived' }, t('Archived chats')), h('option', { value: 'all' }, t('All chats')));
    this.main = h('main', {},
      h('header', { class: 'bar wide' }, menuButton(), h('h1', { class: 'cut grow' }, t('Chats')),
        h('button', { class: 'b', type: 'button', onclick: () => save('/api/sessions/export') }, icon('dl', 's'), t('Export all'))),
      h('div', { class: 'scroll' }, h('div', { class: 'pagein' },
        h('section', { 'aria-labelledby': 'import' },
          h('h2', { id: 'import' }, t('Bring chats along')),
          h('p', { class: 'sub' }, t('What you asked elsewhere becomes chats here: you can search them and go on with them. It is passed on to nobody.')),
          h('label', { class: 'drop' }, icon('file'),
            h('span', {}, h('b', {}, t('Drop a file of chats here')), ' ', t('or choose it')),
            h('span', { class: 'mute' }, t('conversations.json or the ZIP of ChatGPT, the export of Open WebUI, or an export of satchel')),
            this.picker),
          this.outcome),
        h('section', { 'aria-labelledby': 'kept' },
          h('div', { class: 'hd' }, h('h2', { id: 'kept' }, t('Kept chats')), h('label', {}, h('span', { class: 'vh' }, t('Which chats')), this.kind)),
          this.table, this.nothing, this.further))));
    for (const name of ['changed', 'renamed', 'deleted']) changes.addEventListener(name, () => this.list(), { signal: this.life.signal });
    this.list();
  }

  picked() {
    this.take([...this.picker.files]);
    this.picker.value = '';
  }

  /** @param {File[]} files */
  async take(files) {
    for (const file of files) await this.bring(file);
    refreshSessions();
    this.list();
  }

  /** @param {File} file */
  async bring(file) {
    const line = h('p', { class: 'st' }, h('progress', { 'aria-label': t('Import of {name}', { name: file.name }) }), h('span', {}, t('Reading {name}', { name: file.name })));
    put(this.outcome, line);
    try {
      const response = await request('/api/sessions/import', { method: 'POST', body: file });
      const said = summary(await response.json());
      line.replaceChildren(icon('check', 's'), h('span', {}, `${file.name}: ${said}`));
      say(said);
    } catch (error) {
      line.classList.add('bad');
      line.replaceChildren(icon('warn', 's'), h('span', {}, `${file.name}: ${/** @type {Error} */ (error).message}`));
    }
  }

  /** @param {boolean} [more] */
  async list(more = false) {
    const query = new URLSearchParams({ limit: String(PAGE), offset: String(more ? this.listed.length : 0) });
    if (this.archived) query.set('archived', 'true');
    try {
      const answer = await api('GET', `/api/sessions?${query}`);
      this.listed = more ? [...this.listed, ...answer.sessions] : answer.sessions;
      this.further.hidden = !answer.more;
      this.draw();
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  draw() {
    const shown = this.listed.filter((one) => !isTaken(one.id));
    this.body.replaceChildren(...shown.map((one) => this.row(one)));
    this.table.hidden = !shown.length;
    this.nothing.hidden = shown.length > 0;
    this.nothing.replaceChildren(icon('archive'), h('p', {}, this.archived
      ? t('Nothing is archived. Archive a chat from its menu in the list: it leaves the list, can still be read, and is found when you search.')
      : t('There are no chats yet. Ask something, or bring chats along from another program.')));
  }

  /** @param {any} chat */
  row(chat) {
    const title = chat.title || t('Untitled');
    return row(this.columns, [
      h('a', { href: `#/chat/${encodeURIComponent(chat.id)}`, dir: 'auto' }, title),
      h('span', { class: 'num' }, moment(chat.updated_at)),
      menu(t('Actions for chat {title}', { title }), () => actions(chat)),
    ]);
  }

  leave() {
    this.life.abort();
  }
}

/** @param {any} said what the server says of an import */
function summary({ imported, known, refused, reasons }) {
  const parts = [tn(imported, '{count} chat imported', '{count} chats imported')];
  if (known) parts.push(tn(known, '{count} was here already', '{count} were here already'));
  if (refused) parts.push(tn(refused, '{count} could not be read', '{count} could not be read'), reasons.join('; '));
  return `${parts.join(', ')}.`;
}
