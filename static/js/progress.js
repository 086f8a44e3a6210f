// @ts-check
// What happens to documents, heard over one stream for all who want to know.
// Must not know what is done with it.

import { events } from './api.js';

/** How long to wait before a lost stream is opened again, in ms. */
const RECONNECT = 2000;

/** @type {Set<(step: any) => void>} */
const watchers = new Set();

/** @type {AbortController | null} */
let listening = null;

/**
 * Calls back with each step of each document, and with `null` after a pause in
 * which steps may have been missed; until the returned function is called.
 * @param {(step: any) => void} callback
 */
export function watchDocuments(callback) {
  watchers.add(callback);
  if (!listening) listen();
  return () => {
    watchers.delete(callback);
    if (watchers.size) return;
    listening?.abort();
    listening = null;
  };
}

/** @param {any} step */
function tell(step) {
  for (const watcher of [...watchers]) watcher(step);
}

async function listen() {
  const own = new AbortController();
  listening = own;
  while (!own.signal.aborted) {
    try {
      for await (const { data } of events('/api/events', { signal: own.signal })) tell(data);
    } catch {
      // Lost, or no longer wanted: the loop's condition tells them apart.
    }
    if (own.signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, RECONNECT));
    if (!own.signal.aborted) tell(null);
  }
}
