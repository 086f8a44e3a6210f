// @ts-check
// The chats in the rail: by day, found by words, renamed, pinned, put away,
// taken along, deleted. Must not show what was said in them.

import { api, request } from './api.js';
import { dialog, h, icon, put, say, toast, undoable } from './dom.js';
import { t, tn } from './language.js';
import { menu } from './menu.js';
import { tune } from './tuning.js';
import { day } from './words.js';

/** How many chats are fetched at once. */
const PAGE = 60;

/** How long typing has to rest before it is searched for, in ms. */
const REST = 200;

/**
 * Hears what happens to a chat: `renamed`, `changed`, `deleted`, with `{id, title}` as detail.
 */
export const chats = new EventTarget();

/** @type {any[]} */
let listed = [];
let more = false;
let words = '';
let typing = 0;
/** Counts requests, so that a late answer does not replace a newer one. */
let asked = 0;
/** Chats that are off the list while they can still be brought back. @type {Set<string>} */
const taken = new Set();

/** @type {HTMLElement | null} */
let box = null;

/** The field to search in, and the list. */
export function railChats() {
  box = h('div', { class: 'sess', role: 'group', 'aria-label': t('Chats') });
  const field = h('div', { class: 'icf' },
    h('label', { class: 'vh', for: 'find' }, t('Search chats')),
    icon('search', 's'),
    h('input', {
      class: 'f', id: 'find', type: 'search', placeholder: t('Search chats'), autocomplete: 'off',
      oninput: (/** @type {any} */ event) => typed(event.target.value),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'ArrowDown') /** @type {HTMLElement | null} */ (box?.querySelector('a'))?.focus();
      },
    }));
  return { field, list: /** @type {HTMLElement} */ (box) };
}

/** @param {string} text */
function typed(text) {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    words = text.trim();
    await refreshSessions();
    if (words) say(listed.length ? tn(listed.length, '{count} chat found', '{count} chats found') : t('No chat has these words.'));
  }, REST);
}

/** @param {number} offset */
async function fetchChats(offset) {
  const query = new URLSearchParams({ limit: String(PAGE), offset: String(offset) });
  // Whoever searches wants to find it, also where it was put away.
  if (words) query.set('q', words);
  else query.set('archived', 'false');
  return api('GET', `/api/sessions?${query}`);
}

/** Fetches the list of chats anew. */
export async function refreshSessions() {
  const number = asked += 1;
  try {
    const answer = await fetchChats(0);
    if (number !== asked) return;
    listed = answer.sessions;
    more = answer.more;
  } catch (error) {
    toast(t('The chats could not be listed. {reason}', { reason: /** @type {Error} */ (error).message }));
  }
  draw();
}

async function showMore() {
  try {
    const answer = await fetchChats(listed.length);
    const known = new Set(listed.map((one) => one.id));
    listed.push(...answer.sessions.filter((/** @type {any} */ one) => !known.has(one.id)));
    more = answer.more;
    draw();
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
  }
}

function draw() {
  if (!box) return;
  const focused = document.activeElement?.closest('.sess')?.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  box.replaceChildren();
  const shown = listed.filter((one) => !taken.has(one.id));
  if (!shown.length) put(box, nothing());
  /** @type {HTMLElement | null} */
  let items = null;
  let last = '';
  for (const one of shown) {
    const group = one.pinned ? t('Pinned') : day(one.updated_at);
    if (group !== last) {
      items = h('ul', { class: 'nav' });
      put(box, h('h3', {}, group), items);
      last = group;
    }
    put(/** @type {HTMLElement} */ (items), line(one));
  }
  if (more) put(box, h('button', { class: 'b q', type: 'button', onclick: showMore }, t('Show more chats')));
  put(box, h('a', { class: 'further', href: '#/chats' }, t('Archive, import, export')));
  markCurrent();
  if (focused) /** @type {HTMLElement | null} */ (box.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
}

function nothing() {
  return words
    ? h('p', { class: 'hollow' }, t('No chat has these words in its title or its messages.'))
    : h('p', { class: 'hollow' }, t('Your chats are kept here. The first question becomes the title of its chat.'));
}

/** @param {any} chat */
function line(chat) {
  const title = titleOf(chat);
  return h('li', {},
    h('a', { href: chat.found ? `${address(chat.id)}/${encodeURIComponent(chat.found.message_id)}` : address(chat.id), title, 'data-session': chat.id },
      h('span', { class: 'cut grow' }, title, chat.found && h('small', { class: 'cut' }, marked(chat.found.text))),
      chat.archived && icon('archive', 's')),
    menu(t('Actions for chat {title}', { title }), () => actions(chat), { kind: 'del' }));
}

/** @param {any} chat */
const titleOf = (chat) => chat.title || t('Untitled');

/**
 * A text with the words that were looked for in bold.
 * @param {string} text
 */
function marked(text) {
  const parts = words.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (!parts.length) return [text];
  return text.split(new RegExp(`(${parts.join('|')})`, 'giu')).map((part, at) => (at % 2 ? h('b', {}, part) : part));
}

/**
 * What can be done with a chat.
 * @param {any} chat
 * @returns {(import('./menu.js').Item | null)[]}
 */
export function actions(chat) {
  return [
    { label: t('Rename'), symbol: 'pen', run: () => rename(chat) },
    { label: chat.pinned ? t('Unpin') : t('Pin'), symbol: 'pin', run: () => change(chat, { pinned: !chat.pinned }, chat.pinned ? t('Chat unpinned') : t('Chat pinned')) },
    { label: t('How it is answered'), symbol: 'gear', run: () => tune(chat.id) },
    null,
    { label: t('Save as Markdown'), note: t('to read'), symbol: 'dl', run: () => save(`/api/sessions/${encodeURIComponent(chat.id)}/export`) },
    { label: t('Save as JSON'), note: t('to import again'), symbol: 'dl', run: () => save(`/api/sessions/${encodeURIComponent(chat.id)}/export?format=json`) },
    null,
    { label: chat.archived ? t('Take out of the archive') : t('Archive'), symbol: 'archive', run: () => archive(chat) },
    { label: t('Delete'), symbol: 'trash', bad: true, run: () => remove(chat) },
  ];
}

/**
 * @param {any} chat
 * @param {any} body
 * @param {string} done
 */
async function change(chat, body, done) {
  try {
    Object.assign(chat, await api('PATCH', `/api/sessions/${encodeURIComponent(chat.id)}`, body));
  } catch (error) {
    return toast(/** @type {Error} */ (error).message);
  }
  toast(done);
  tell('changed', chat);
  refreshSessions();
}

/** @param {any} chat */
function archive(chat) {
  const to = !chat.archived;
  return change(chat, { archived: to }, to ? t('Chat archived. It can be read, and found by its words.') : t('Chat taken out of the archive'));
}

/** @param {any} chat */
async function rename(chat) {
  const field = h('input', { class: 'f', name: 'title', required: true, maxlength: '200', value: chat.title ?? '', autofocus: true });
  const accept = async (/** @type {FormData} */ data) => {
    Object.assign(chat, await api('PATCH', `/api/sessions/${encodeURIComponent(chat.id)}`, { title: String(data.get('title')).trim() }));
  };
  const form = await dialog(t('Rename chat'), [h('label', { class: 'field' }, t('Title'), field)], t('Save'), { accept });
  if (!form) return;
  tell('renamed', chat);
  refreshSessions();
}

/**
 * @param {string} name
 * @param {any} chat
 */
function tell(name, chat) {
  chats.dispatchEvent(new CustomEvent(name, { detail: { id: chat.id, title: chat.title } }));
}

/**
 * Takes a chat off the list; it is deleted when that can no longer be undone.
 * @param {any} chat
 */
export function remove(chat) {
  taken.add(chat.id);
  tell('deleted', chat);
  if (isShown(chat.id)) location.hash = '#/chat';
  draw();
  undoable(t('Chat deleted'), {
    undo: () => {
      taken.delete(chat.id);
      tell('changed', chat);
      draw();
    },
    commit: async () => {
      try {
        await request(`/chat/sessions/${encodeURIComponent(chat.id)}`, { method: 'DELETE', keepalive: true });
      } catch (error) {
        taken.delete(chat.id);
        toast(/** @type {Error} */ (error).message);
      }
      refreshSessions();
    },
  });
}

/** @param {string} id */
export const isTaken = (id) => taken.has(id);

/**
 * Saves what the server gives as a file under the name that it says.
 * @param {string} path
 */
export async function save(path) {
  try {
    const response = await request(path);
    const said = response.headers.get('content-disposition') ?? '';
    const name = /filename\*=UTF-8''([^;]+)/i.exec(said)?.[1];
    const address = URL.createObjectURL(await response.blob());
    const link = h('a', { href: address, download: name ? decodeURIComponent(name) : 'chat' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
  }
}

/** @param {string} id */
const address = (id) => `#/chat/${encodeURIComponent(id)}`;

/** @param {string} id */
const isShown = (id) => location.hash === address(id);

/** Marks the chat that is shown. */
export function markCurrent() {
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('a[data-session]'))) {
    if (isShown(link.dataset.session ?? '')) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}
