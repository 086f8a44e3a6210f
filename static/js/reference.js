// @ts-check
// The API page: lists the endpoints of `/openapi.json` by dialect, finds them by
// word, and shows the one that the address names. Needs no sign-in to be read.

import { renew, user } from './api.js';
import { h, icon, logo, say } from './dom.js';
import { preferred, speak, t, tn } from './language.js';
import { ApiDocument } from './reference_document.js';
import { endpointView, prose } from './reference_endpoint.js';

/** @typedef {import('./reference_document.js').Endpoint} Endpoint */
/** @typedef {import('./reference_document.js').Dialect} Dialect */

const root = /** @type {HTMLElement} */ (document.getElementById('root'));

/** The endpoint that the address names, if there is one. */
const named = () => decodeURIComponent(location.hash.replace(/^#\/?/, ''));

/** @param {ApiDocument} api */
function page(api) {
  const main = h('main', { id: 'main', tabindex: '-1' });
  const groups = h('div', { class: 'groups' });
  const list = (/** @type {string} */ words) => {
    const found = matching(api, words);
    groups.replaceChildren(...found.map(group));
    if (!found.length) groups.append(h('p', { class: 'sub' }, t('No endpoint has these words.')));
    mark();
    return found.reduce((sum, dialect) => sum + dialect.endpoints.length, 0);
  };
  const mark = () => {
    for (const link of groups.querySelectorAll('a')) {
      if (link.getAttribute('href') === `#/${named()}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };
  const search = h('input', {
    class: 'f', type: 'search', placeholder: t('Search endpoints'), 'aria-label': t('Search endpoints'), autocomplete: 'off',
    oninput: (/** @type {any} */ event) => {
      const count = list(event.target.value);
      say(tn(count, '{count} endpoint', '{count} endpoints'));
    },
  });
  const nav = h('nav', { class: 'rail', 'aria-label': t('Endpoints') },
    h('div', { class: 'brand' }, h('a', { href: '#/', class: 'row' }, logo(), h('span', {}, 'satchel API'))),
    h('div', { class: 'top' }, h('div', { class: 'icf' }, icon('search', 's'), search)),
    groups,
    h('div', { class: 'foot' }, h('ul', { class: 'nav' }, h('li', {}, h('a', { href: '/' }, icon('left', 's flip'), t('Back to satchel'))))));
  const show = () => {
    const endpoint = api.endpoints.find((one) => one.id === named());
    document.body.classList.toggle('picked', Boolean(endpoint));
    document.title = `${endpoint ? `${endpoint.method} ${endpoint.path}` : 'API'} · satchel`;
    main.replaceChildren(endpoint ? endpointView(api, endpoint) : overview(api));
    main.scrollTop = 0;
    mark();
  };
  root.replaceChildren(
    h('a', { class: 'skip', href: '#main', onclick: (/** @type {Event} */ event) => { event.preventDefault(); main.focus(); } }, t('Skip to the endpoint')),
    h('div', { class: 'api' }, nav, main));
  list('');
  show();
  addEventListener('hashchange', () => {
    show();
    main.focus({ preventScroll: true });
    if (document.body.classList.contains('picked')) scrollTo(0, 0);
  });
}

/**
 * The dialects with the endpoints that have all of these words.
 * @param {ApiDocument} api
 * @param {string} words
 * @returns {Dialect[]}
 */
function matching(api, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (/** @type {Endpoint} */ one) => {
    const text = `${one.method} ${one.path} ${one.title} ${one.text} ${one.tag}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  return api.dialects.map((dialect) => ({ ...dialect, endpoints: dialect.endpoints.filter(has) })).filter((dialect) => dialect.endpoints.length);
}

/** @param {Dialect} dialect */
function group(dialect) {
  return h('section', {}, h('h3', {}, dialect.name), h('ul', {}, dialect.endpoints.map((one) => h('li', {},
    h('a', { href: `#/${one.id}` }, h('span', { class: 'verb' }, one.method), h('span', { class: 'path', dir: 'ltr' }, broken(one.path)), h('span', { class: 'vh' }, ` ${one.title}`))))));
}

/**
 * A path that may be broken at its slashes.
 * @param {string} path
 */
const broken = (path) => path.split(/(?=\/)/).flatMap((part) => [h('wbr'), part]);

/** @param {ApiDocument} api */
function overview(api) {
  return h('div', { class: 'pagein read' },
    h('header', {}, h('h1', {}, api.title), h('p', { class: 'mute' }, t('Version {version}', { version: api.version }))),
    paragraphs(api.text),
    h('p', { class: 'row wrap' },
      h('a', { class: 'b', href: '/openapi.json', download: 'openapi.json' }, icon('dl', 's'), t('OpenAPI document')),
      h('a', { class: 'b', href: '/assets/postman_collection.json', download: 'satchel.postman_collection.json' }, icon('dl', 's'), t('Postman collection'))),
    h('p', { class: 'sub' }, user()
      ? t('You are signed in as {name}: requests that you try here are sent in this name.', { name: user()?.username ?? '' })
      : [t('You are not signed in.'), ' ', h('a', { href: '/' }, t('Sign in')), ' ', t('to try endpoints in your name, or give a token where you try one.')]),
    api.dialects.map((dialect) => h('section', {}, h('h2', {}, dialect.name), paragraphs(dialect.text),
      h('ul', { class: 'toc' }, dialect.endpoints.map((one) => h('li', {}, h('a', { href: `#/${one.id}` }, h('code', { dir: 'ltr' }, `${one.method} ${one.path}`)), h('span', { class: 'mute' }, one.title)))))));
}

/**
 * @param {string} text
 * @returns {HTMLElement[]}
 */
const paragraphs = (text) => text.split(/\n{2,}/).filter(Boolean).map((one) => h('p', { class: 'sub' }, prose(one)));

async function start() {
  await speak(preferred());
  const [response, collection] = await Promise.all([
    fetch('/openapi.json').catch(() => null),
    fetch('/assets/postman_collection.json').then((found) => (found.ok ? found.json() : null)).catch(() => null),
    renew().catch(() => false),
  ]);
  if (!response?.ok) {
    root.replaceChildren(h('main', { class: 'pagein' }, h('p', { class: 'st bad', role: 'alert' }, icon('warn', 's'), t('The description of the API could not be read.'))));
    return;
  }
  page(new ApiDocument(await response.json(), collection));
}

await start();
