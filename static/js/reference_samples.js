// @ts-check
// Requests as text to copy: for curl, and for JavaScript. Pure.

/** @typedef {import('./reference_document.js').ApiDocument} ApiDocument */
/** @typedef {import('./reference_document.js').Endpoint} Endpoint */

/**
 * What a request is made of.
 * @typedef {object} Call
 * @property {string} method
 * @property {string} url
 * @property {boolean} signed whether it carries a token
 * @property {boolean} streamed whether it asks for a stream
 * @property {string | null} json the body, as JSON
 * @property {[string, string][]} form the parts of a form; a file's begins with `@`
 */

/**
 * The call that an endpoint's examples make.
 * @param {ApiDocument} document
 * @param {Endpoint} endpoint
 * @param {string} origin
 * @returns {Call}
 */
export function sampleCall(document, endpoint, origin) {
  const contents = document.contents(endpoint.operation.requestBody);
  const form = contents.find(([type]) => type.startsWith('multipart/'))?.[1];
  const body = document.sampleBody(endpoint);
  return {
    method: endpoint.method,
    url: origin + (document.samples.get(endpoint.title)?.path ?? address(document, endpoint)),
    signed: document.wantsToken(endpoint),
    streamed: document.streams(endpoint),
    json: body === undefined ? null : JSON.stringify(body, null, 2),
    form: form ? parts(document, form) : [],
  };
}

/**
 * The address with values that fit, where no example has one.
 * @param {ApiDocument} document
 * @param {Endpoint} endpoint
 */
function address(document, endpoint) {
  const value = (/** @type {any} */ one) => String(document.example(one.schema) || one.name.toUpperCase());
  const query = new URLSearchParams(endpoint.parameters.filter((one) => one.in === 'query' && one.required).map((one) => [one.name, value(one)]));
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(name.toUpperCase()));
  return path + (query.size ? `?${query}` : '');
}

/**
 * @param {ApiDocument} document
 * @param {any} form
 * @returns {[string, string][]}
 */
function parts(document, form) {
  const required = document.fields(form.schema).filter((field) => field.required);
  return required.map((field) => [field.name, isFile(document.resolve(field.schema)) ? '@report.pdf' : String(document.example(field.schema))]);
}

/**
 * Whether a part of a form is a file.
 * @param {any} schema
 */
export const isFile = (schema) => schema.format === 'binary' || Boolean(schema.contentMediaType);

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * @param {Call} call
 * @returns {string}
 */
export function curl(call) {
  const lines = [];
  if (call.method !== 'GET' && !(call.method === 'POST' && (call.json || call.form.length))) lines.push(`-X ${call.method}`);
  if (call.streamed) lines.push('-N');
  if (call.signed) lines.push('-H "Authorization: Bearer $TOKEN"');
  if (call.streamed) lines.push("-H 'Accept: text/event-stream'");
  if (call.json) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(call.json)}`);
  for (const [name, value] of call.form) lines.push(`-F ${quoted(`${name}=${value}`)}`);
  return `curl ${[...lines, quoted(call.url)].join(' \\\n  ')}`;
}

/**
 * @param {Call} call
 * @returns {string}
 */
export function javascript(call) {
  const headers = [];
  if (call.signed) headers.push('Authorization: `Bearer ${token}`');
  if (call.streamed) headers.push("Accept: 'text/event-stream'");
  if (call.json) headers.push("'Content-Type': 'application/json'");
  const options = [];
  if (call.method !== 'GET') options.push(`method: '${call.method}'`);
  if (headers.length) options.push(`headers: { ${headers.join(', ')} }`);
  if (call.json) options.push(`body: JSON.stringify(${literal(JSON.parse(call.json), '  ')})`);
  if (call.form.length) options.push('body: form');
  const given = options.length ? `, {\n  ${options.join(',\n  ')},\n}` : '';
  const form = call.form.map(([name, value]) => `form.append('${name}', ${value.startsWith('@') ? 'file' : `'${value}'`});`);
  return [
    ...(form.length ? ['const form = new FormData();', ...form] : []),
    `const response = await fetch('${call.url.replaceAll("'", '%27')}'${given});`,
    ...(call.streamed ? READING : ['console.log(response.status, await response.text());']),
  ].join('\n');
}

/** Reads a stream of events, piece by piece. */
const READING = [
  "let buffer = '';",
  'for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {',
  "  const events = (buffer + piece).split('\\n\\n');",
  '  buffer = events.pop();',
  '  for (const event of events) {',
  '    const data = /^data: (.*)$/m.exec(event)?.[1];',
  '    if (data) console.log(/^event: (.*)$/m.exec(event)?.[1] ?? \'message\', data);',
  '  }',
  '}',
];

/**
 * JSON as people write it in JavaScript.
 * @param {any} value
 * @param {string} indent
 * @returns {string}
 */
function literal(value, indent) {
  if (typeof value === 'string') return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (value === null || typeof value !== 'object') return String(value);
  const deeper = `${indent}  `;
  const list = Array.isArray(value);
  const parts = list ? value.map((one) => literal(one, deeper)) : Object.entries(value).map(([name, one]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)}: ${literal(one, deeper)}`);
  if (!parts.length) return list ? '[]' : '{}';
  const short = parts.join(', ');
  if (short.length + indent.length < 80 && !short.includes('\n')) return list ? `[${short}]` : `{ ${short} }`;
  return `${list ? '[' : '{'}\n${parts.map((part) => `${deeper}${part},`).join('\n')}\n${indent}${list ? ']' : '}'}`;
}
