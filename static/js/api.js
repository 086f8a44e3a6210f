// @ts-check
// Speaks to the server: signs each request, renews the sign-in, and turns
// refusals into errors with the server's own words.

/** What the server refused. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** How often a request is sent again that was one too many in its minute. */
const PATIENCE = 3;

/** @typedef {{id: string, username: string, role: string, tenant_id: string, password_set: boolean}} User */

/** Who is signed in; the token lives here alone and never in storage. */
const session = {
  token: '',
  /** @type {User | null} */
  user: null,
  renewAt: 0,
  /** @type {Promise<boolean> | null} */
  renewing: null,
};

/** @returns {User | null} */
export const user = () => session.user;

/** Called when the sign-in is over. */
let onSignedOut = () => {};
/** @param {() => void} callback */
export function whenSignedOut(callback) {
  onSignedOut = callback;
}

/** Hears whether the server answers. */
export const connection = new EventTarget();

/** @param {boolean} there */
function answers(there) {
  connection.dispatchEvent(new Event(there ? 'found' : 'lost'));
}

/** Whether the server answers now. */
export async function alive() {
  try {
    answers((await fetch('/health')).ok);
  } catch {
    answers(false);
  }
}

/** @param {{access_token: string, expires_in: number, user: User}} answer */
function signedIn(answer) {
  session.token = answer.access_token;
  session.user = answer.user;
  session.renewAt = Date.now() + Math.max(20, answer.expires_in - 60) * 1000;
}

/**
 * Renews the sign-in from the cookie; whether that worked.
 * @returns {Promise<boolean>}
 */
export function renew() {
  session.renewing ??= (async () => {
    try {
      const response = await fetch('/auth/refresh', { method: 'POST' });
      if (!response.ok) return false;
      signedIn(await response.json());
      return true;
    } catch {
      throw new Refusal(0, 'The server does not answer. Is satchel still running?');
    } finally {
      session.renewing = null;
    }
  })();
  return session.renewing;
}

/** @param {string} token */
export async function signInByLink(token) {
  signedIn(await plain('/auth/link', { token }));
}

/**
 * @param {string} username
 * @param {string} password
 */
export async function signIn(username, password) {
  signedIn(await plain('/auth/login', { username, password }));
}

export async function signOut() {
  await plain('/auth/logout', {}).catch(() => {});
  session.token = '';
  session.user = null;
  onSignedOut();
}

/**
 * @param {string | null} current
 * @param {string} password
 */
export async function setPassword(current, password) {
  await api('POST', '/auth/password', { current, password });
  if (session.user) session.user = { ...session.user, password_set: true };
}

/**
 * A request without a token.
 * @param {string} path
 * @param {any} body
 */
async function plain(path, body) {
  const response = await reach(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function reach(path, init) {
  try {
    const response = await fetch(path, init);
    answers(true);
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    answers(false);
    throw new Refusal(0, 'The server does not answer. Is satchel still running?');
  }
}

/** @param {Response} response */
async function refusal(response) {
  let message = `The server answered ${response.status}.`;
  try {
    const body = await response.json();
    message = body.detail || body.error || message;
  } catch {
    // No JSON: the status has to do.
  }
  return new Refusal(response.status, message.charAt(0).toUpperCase() + message.slice(1));
}

/** The token for the next request, renewed if it is about to end. */
export async function token() {
  if (session.token && Date.now() > session.renewAt) await renew();
  return session.token;
}

/**
 * A signed request; the response is good.
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function request(path, init = {}) {
  const send = async () => {
    const headers = new Headers(init.headers);
    // What is sent while the page goes cannot wait for another token.
    const bearer = init.keepalive && session.token ? session.token : await token();
    headers.set('authorization', `Bearer ${bearer}`);
    return reach(path, { ...init, headers });
  };
  let response = await send();
  if (response.status === 401 && (await renew())) response = await send();
  for (let again = 0; response.status === 429 && again < PATIENCE; again += 1) {
    await pause(response.headers.get('retry-after'));
    response = await send();
  }
  if (response.status === 401) {
    session.token = '';
    session.user = null;
    onSignedOut();
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * Waits as long as the server asks for, within a minute.
 * @param {string | null} retryAfter seconds
 */
export function pause(retryAfter) {
  const seconds = Math.min(60, Number(retryAfter) || 2);
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/**
 * A signed request for JSON.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @returns {Promise<any>}
 */
export async function api(method, path, body) {
  const init = body === undefined
    ? { method }
    : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await request(path, init);
  return response.status === 204 ? null : response.json();
}

/** How long events are read before the page does something else, in ms. */
const BREATH = 10;

/**
 * The events of a stream (WHATWG HTML, 9.2): name, parsed data and id.
 * @param {string} path
 * @param {RequestInit} init
 * @returns {AsyncGenerator<{name: string, data: any, id: string}>}
 */
export async function* events(path, init) {
  const headers = new Headers(init.headers);
  headers.set('accept', 'text/event-stream');
  const response = await request(path, { ...init, headers });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let since = performance.now();
  try {
    for (;;) {
      const asked = performance.now();
      const { done, value } = await reader.read();
      if (done) return;
      // While it was waited for, the page was free.
      if (performance.now() - asked > 1) since = performance.now();
      text += value;
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
        if (performance.now() - since < BREATH) continue;
        // Much may come at once, and what was read is to be seen.
        await new Promise((resolve) => { setTimeout(resolve); });
        since = performance.now();
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block */
function parse(block) {
  let name = 'message';
  let id = '';
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    if (line.startsWith('id:')) id = line.slice(3).trim();
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length ? { name, data: JSON.parse(data.join('\n')), id } : null;
}
