// @ts-check
// What a document was before its content was replaced, as a plain list.

import { h } from './dom.js';
import { t, tn } from './language.js';
import { moment, size } from './words.js';

/** Earlier versions that are shown; more are said and not shown. */
const MOST = 20;

/**
 * @param {any[]} versions the one in force first
 * @returns {HTMLElement | null} nothing where there is no other
 */
export function versionList([now, ...earlier]) {
  if (!earlier.length) return null;
  const left = earlier.length - MOST;
  return h('section', { class: 'versions', 'aria-label': t('Versions') },
    h('p', { class: 'key' }, t('Version {number}, since {time}', { number: now.number, time: moment(now.since) })),
    h('ul', {}, earlier.slice(0, MOST).map(line)),
    left > 0 && h('p', { class: 'mute' }, tn(left, '{count} earlier version is not shown.', '{count} earlier versions are not shown.')),
    h('p', { class: 'mute' }, t('Of earlier versions satchel keeps these facts, and not the content.')));
}

/** @param {any} version */
function line(version) {
  const pages = version.page_count === null ? null : tn(version.page_count, '{count} page', '{count} pages');
  return h('li', {},
    t('Version {number}, {from} to {to}', { number: version.number, from: moment(version.since), to: moment(version.until) }),
    h('small', { class: 'mute' }, h('span', { dir: 'auto' }, version.filename), [' ', size(version.bytes), pages && `, ${pages}`]));
}
