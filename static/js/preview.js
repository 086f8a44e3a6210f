// @ts-check
// A document as satchel read it, page by page, and as it was uploaded. Somebody
// else wrote the original: it is shown in a frame that has no rights.

import { api, request } from './api.js';
import { h, icon, iconButton, put, sheet } from './dom.js';
import { openOriginal } from './evidence.js';
import { t } from './language.js';
import { tabs } from './tabs.js';
import { titleOf } from './words.js';

/** What a frame can show: text as it is, and pages of the web without scripts. */
const SHOWN = { text: 'plain', markdown: 'plain', csv: 'plain', json: 'plain', jsonl: 'plain', code: 'plain', html: 'web' };

/** Largest original that is put into a frame, in bytes. */
const MOST = 4_000_000;

/**
 * @param {any} file
 * @param {number} [page] to begin with
 */
export function preview(file, page = 1) {
  const parts = tabs(t('Preview'), [
    { id: 'text', label: t('What satchel read'), panel: () => text(file, page) },
    { id: 'original', label: t('The original'), panel: () => original(file) },
  ]);
  sheet(titleOf(file), [parts.element], 'big');
}

/**
 * @param {any} file
 * @param {number} first
 */
function text(file, first) {
  const at = h('span', { class: 'num grow', role: 'status' });
  const sheetOfPaper = h('div', { class: 'page', dir: 'auto', tabindex: '0', 'aria-label': t('Text') });
  let now = Math.min(Math.max(1, first), Math.max(1, file.page_count));
  const back = iconButton('left', t('Previous page'), () => show(now - 1), 'flip');
  const on = iconButton('right', t('Next page'), () => show(now + 1), 'flip');
  /** @param {number} number */
  async function show(number) {
    now = number;
    back.disabled = number <= 1;
    on.disabled = number >= file.page_count;
    at.textContent = file.paged ? t('Page {page} of {pages}', { page: number, pages: file.page_count }) : t('Part {page} of {pages}', { page: number, pages: file.page_count });
    try {
      const page = await api('GET', `/documents/${file.id}/pages/${number}`);
      if (number !== now) return;
      sheetOfPaper.replaceChildren(page.text ? h('div', { class: 'text' }, page.text) : h('p', { class: 'st' }, icon('warn', 's'), withoutText(page)));
    } catch (error) {
      sheetOfPaper.replaceChildren(h('p', { class: 'st bad' }, icon('warn', 's'), /** @type {Error} */ (error).message));
    }
  }
  if (file.page_count) show(now);
  else sheetOfPaper.replaceChildren(h('p', {}, file.error ? t('Nothing was read: {reason}', { reason: file.error }) : t('Nothing has been read yet.')));
  return h('div', { class: 'preview' }, file.page_count > 1 && h('div', { class: 'row' }, at, back, on), sheetOfPaper);
}

/** @param {any} page */
function withoutText(page) {
  return page.reason ? t('Not read: {reason}', { reason: page.reason }) : t('No text: blank or an image');
}

/** @param {any} file */
function original(file) {
  const box = h('div', { class: 'preview' });
  const kind = SHOWN[/** @type {keyof typeof SHOWN} */ (file.file_type)];
  put(box, h('p', { class: 'row wrap' },
    h('span', { class: 'grow mute' }, file.filename),
    h('button', { class: 'b', type: 'button', onclick: () => openOriginal(file.id) }, icon('ext', 's'), t('Open original'))));
  if (!kind || file.bytes > MOST) {
    put(box, h('p', { class: 'sub' }, t('A file of this kind or size is not shown here. Open it in a tab of its own, or with the program that made it.')));
    return box;
  }
  const frame = h('iframe', { class: 'original', sandbox: '', title: t('The original'), referrerpolicy: 'no-referrer' });
  put(box, frame);
  request(`/documents/${file.id}/original`)
    .then((response) => response.text())
    .then((content) => { frame.srcdoc = kind === 'web' ? content : plain(content); })
    .catch((error) => frame.replaceWith(h('p', { class: 'st bad' }, icon('warn', 's'), error.message)));
  return box;
}

/**
 * A page that shows text and nothing else.
 * @param {string} content
 */
function plain(content) {
  const made = document.implementation.createHTMLDocument('');
  const pre = made.createElement('pre');
  pre.textContent = content;
  made.body.append(pre);
  return made.documentElement.outerHTML;
}
