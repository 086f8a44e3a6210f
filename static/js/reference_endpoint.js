// @ts-check
// One endpoint on the API page: what it takes, what it answers, how to call it.

import { h, icon, toast } from './dom.js';
import { t } from './language.js';
import { curl, javascript, sampleCall } from './reference_samples.js';
import { tryIt } from './reference_try.js';

/** @typedef {import('./reference_document.js').ApiDocument} ApiDocument */
/** @typedef {import('./reference_document.js').Endpoint} Endpoint */
/** @typedef {import('./reference_document.js').Schema} Schema */

/**
 * A text with what stands in backticks as code.
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export const prose = (text) => text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? h('code', {}, part) : part));

/**
 * @param {ApiDocument} api
 * @param {Endpoint} endpoint
 */
export function endpointView(api, endpoint) {
  const call = sampleCall(api, endpoint, location.origin);
  return h('article', { class: 'pagein', 'aria-labelledby': 'endpoint' },
    h('header', {},
      h('p', { class: 'back' }, h('a', { href: '#/' }, icon('left', 's flip'), t('All endpoints'))),
      h('p', { class: 'mute' }, endpoint.tag),
      h('h1', { id: 'endpoint' }, endpoint.title || endpoint.path),
      h('p', { class: 'call', dir: 'ltr' }, h('b', {}, endpoint.method), ' ', h('code', {}, endpoint.path)),
      endpoint.text.split(/\n{2,}/).filter(Boolean).map((one) => h('p', { class: 'sub' }, prose(one))),
      h('p', { class: 'st mute' }, icon('lock', 's'), api.wantsToken(endpoint) ? t('Wants an access token or an API key.') : t('Wants no token.'))),
    h('div', { class: 'half' },
      h('div', { class: 'says' }, takes(api, endpoint), answers(api, endpoint)),
      h('div', { class: 'does' },
        h('section', {}, h('h2', {}, t('Examples')), sample('curl', curl(call)), sample('JavaScript', javascript(call))),
        tryIt(api, endpoint))));
}

/**
 * @param {ApiDocument} api
 * @param {Endpoint} endpoint
 */
function takes(api, endpoint) {
  const bodies = api.contents(endpoint.operation.requestBody);
  const places = /** @type {[string, string][]} */ ([['path', t('In the path')], ['query', t('In the query')], ['header', t('In the head')], ['cookie', t('As a cookie')]]);
  return [
    places.map(([place, title]) => {
      const found = endpoint.parameters.filter((one) => one.in === place);
      return found.length ? h('section', {}, h('h2', {}, title), h('ul', { class: 'fields' }, found.map((one) => row(api, one)))) : null;
    }),
    bodies.map(([type, media]) => h('section', {}, h('h2', {}, t('Body')), h('p', { class: 'mute' }, h('code', {}, type)), shape(api, media.schema ?? {}))),
  ].flat();
}

/**
 * @param {ApiDocument} api
 * @param {Endpoint} endpoint
 */
function answers(api, endpoint) {
  const responses = api.responses(endpoint).map((one, index) => {
    const box = h('details', { open: index === 0 }, h('summary', {}, h('b', { class: 'num' }, one.status), ' ', prose(one.text)));
    later(box, () => [
      one.headers.length ? h('p', { class: 'mute' }, t('Headers:'), ' ', one.headers.map((name) => [h('code', {}, name), ' ']).flat()) : null,
      one.contents.map(([type, media]) => [h('p', { class: 'mute' }, h('code', {}, type)), events(api, type, media) ?? [shape(api, media.schema ?? media.itemSchema ?? {})]]).flat(2),
    ].flat());
    return box;
  });
  return h('section', {}, h('h2', {}, t('Answers')), responses);
}

/**
 * The events of a stream, where the media type says which there are.
 * @param {ApiDocument} api
 * @param {string} type
 * @param {any} media
 */
function events(api, type, media) {
  const found = api.events(type, media);
  if (!found.length) return null;
  return found.map((event) => {
    const box = h('details', { class: 'event' }, h('summary', {}, h('code', {}, event.name), ' ', prose(event.description)));
    later(box, () => [shape(api, event.schema)]);
    return box;
  });
}

/**
 * Fills a box when it is opened first: schemas are long, and may name themselves.
 * @param {any} box
 * @param {() => any[]} content
 */
function later(box, content) {
  let filled = false;
  const fill = () => {
    if (filled || !box.open) return;
    filled = true;
    for (const node of content()) if (node) box.append(node);
  };
  box.addEventListener('toggle', fill);
  fill();
}

/**
 * What a value looks like: its fields, or its type where it has none.
 * @param {ApiDocument} api
 * @param {Schema} node
 * @returns {HTMLElement}
 */
function shape(api, node) {
  const schema = api.resolve(node);
  const choices = api.alternatives(node);
  if (choices.length > 1 && choices.some((one) => api.fields(one).length)) {
    return h('div', { class: 'shape' }, h('p', { class: 'mute' }, t('One of:')), choices.map((one) => {
      const box = h('details', {}, h('summary', {}, api.nameOf(one) || api.type(one), ' ', prose(api.resolve(one).description ?? '')));
      later(box, () => [shape(api, one)]);
      return box;
    }));
  }
  const fields = api.fields(choices[0] ?? node);
  if (!fields.length) {
    const [inner] = api.inner(node);
    return h('div', { class: 'shape' }, h('p', { class: 'mute' }, api.type(node), schema.description ? prose(`: ${schema.description}`) : ''), inner && shape(api, inner));
  }
  return h('ul', { class: 'fields' }, fields.map((field) => row(api, field)));
}

/**
 * One field or parameter.
 * @param {ApiDocument} api
 * @param {{name: string, schema: Schema, required: boolean, description?: string}} field
 */
function row(api, field) {
  const schema = api.resolve(field.schema);
  const inner = api.inner(field.schema);
  const rules = api.rules(field.schema).map(([name, value]) => [h('span', { class: 'nw' }, `${name} `), h('code', {}, value), ' ']).flat();
  const more = inner.length ? h('details', {}, h('summary', {}, t('Fields of {name}', { name: field.name }))) : null;
  if (more) later(more, () => inner.map((one) => shape(api, one)));
  return h('li', {},
    h('p', { class: 'row wrap' }, h('code', { class: 'name' }, field.name), h('span', { class: 'mute' }, api.type(field.schema)), field.required && h('span', { class: 'must' }, t('required'))),
    (field.description || schema.description) && h('p', { class: 'sub' }, prose(field.description || schema.description)),
    rules.length > 0 && h('p', { class: 'mute' }, rules),
    more);
}

/**
 * @param {string} name
 * @param {string} text
 */
function sample(name, text) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    toast(t('Copied'));
  };
  return h('figure', { class: 'sample' },
    h('figcaption', {}, name, h('button', { type: 'button', class: 'b q', 'aria-label': t('Copy the example for {name}', { name }), onclick: copy }, icon('copy', 's'), t('Copy'))),
    h('pre', { dir: 'ltr', tabindex: '0', 'aria-label': name }, h('code', {}, text)));
}
