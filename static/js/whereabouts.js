// @ts-check
// What becomes of what one asks and opens, in one sentence that says no more
// than is true where the page was opened.

import { t } from './language.js';

/** @param {{hostname: string, protocol: string}} [address] of the page */
export function whereabouts({ hostname, protocol } = location) {
  const here = /^(.+\.)?localhost$|^127\.|^\[::1\]$/.test(hostname);
  if (here) return t('Runs on this machine. Nothing you ask or open leaves it.');
  return protocol === 'https:'
    ? t('Runs on {host}. What you ask and open goes there, and nowhere else.', { host: hostname })
    : t('Runs on {host}. What you ask and open goes there without encryption, and nowhere else.', { host: hostname });
}
