// @ts-check
// Backups: making, keeping and deleting them, and how one is put back.

import { api } from '../api.js';
import { confirmed, h, icon, iconButton, say, toast } from '../dom.js';
import { t, tn } from '../language.js';
import { heading, panel, save } from '../panel.js';
import { progress, row, table } from '../table.js';
import { moment, size } from '../words.js';

/** How often a backup in progress is looked at, in ms. */
const LOOK_EVERY = 500;

export function backups() {
  let was = false;
  const part = panel(t('Backups'), async () => {
    const { backups: all, running, error } = await api('GET', '/api/backups');
    if (running) setTimeout(() => { if (part.element.isConnected) part.draw(); }, LOOK_EVERY);
    else if (was) say(error ?? t('The backup is made'));
    was = Boolean(running);
    return [
      heading(t('Backups'), h('button', { class: 'b p', type: 'button', disabled: was, onclick: make }, t('Make a backup now'))),
      h('p', { class: 'sub' }, t('A backup holds all documents with their original files, chats, accounts and settings made here, in one file. Models are left out: they can be fetched again. Who has the file has everything, so keep it as safe as this machine.')),
      running && under(running),
      error && h('p', { class: 'st bad', role: 'alert' }, icon('warn', 's'), h('span', {}, error)),
      all.length ? list(all) : h('p', { class: 'mute' }, t('There are no backups yet.')),
      instructions(),
    ];
  });

  /** @param {any} running */
  function under(running) {
    const bar = progress(t('Backup in progress'));
    const known = running.all_files > 0;
    bar.set(known ? running.files / running.all_files : null, known ? t('{done} of {all} files', { done: running.files, all: running.all_files }) : t('Copying the database'));
    return bar.element;
  }

  /** @param {any[]} all */
  function list(all) {
    const columns = /** @type {import('../table.js').Column[]} */ ([{ name: t('Made') }, { name: t('Size'), kind: 'n' }, { name: t('File') }, { name: t('Actions'), kind: 'act' }]);
    const rows = all.map((one) => row(columns, [
      moment(one.created_at), size(one.bytes), h('code', {}, one.name),
      [iconButton('dl', t('Download {name}', { name: one.name }), () => fetchOne(one)), iconButton('trash', t('Delete {name}', { name: one.name }), () => remove(one))],
    ]));
    return table(tn(all.length, '{count} backup', '{count} backups'), columns, h('tbody', {}, rows));
  }

  async function make() {
    try {
      await api('POST', '/api/backups', {});
      say(t('The backup has begun'));
      was = true;
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    part.draw();
  }

  /** @param {any} one */
  async function fetchOne(one) {
    try {
      toast(t('Fetching {name}', { name: one.name }));
      await save(`/api/backups/${encodeURIComponent(one.name)}`, one.name);
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
  }

  /** @param {any} one */
  async function remove(one) {
    const yes = await confirmed({ title: t('Delete this backup?'), text: t('{name} is removed from this machine. Copies that you downloaded stay.', { name: one.name }), action: t('Delete') });
    if (!yes) return;
    try {
      await api('DELETE', `/api/backups/${encodeURIComponent(one.name)}`);
      toast(t('Backup deleted'));
    } catch (error) {
      toast(/** @type {Error} */ (error).message);
    }
    part.draw();
  }

  return part.element;
}

const instructions = () => h('details', {}, h('summary', {}, t('How a backup is put back')),
  h('ol', { class: 'how-to' },
    h('li', {}, t('Stop satchel.')),
    h('li', {}, t('Run this, with the folder that is to be filled:'), h('pre', {}, h('code', {}, 'satchel restore satchel-….zip --data-dir DATA'))),
    h('li', {}, t('Start satchel again. The search indexes are made from the backup, and all is as it was.'))),
  h('p', { class: 'mute' }, t('What the folder holds already is only replaced with --replace, and then set aside in it. What somebody erased is still in the backups of before: delete those too.')));
