// @ts-check
// Numbers, sizes and dates in words.

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** @param {number} bytes */
export function size(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {number} milliseconds */
export const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(milliseconds < 9950 ? 2 : 0)} s`;

/**
 * The day of a time, as people say it.
 * @param {string} time
 */
export function day(time) {
  const date = new Date(time);
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const days = Math.ceil((midnight.getTime() - date.getTime()) / 86_400_000);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return date.toLocaleDateString(undefined, { day: 'numeric', month: 'long', year: date.getFullYear() === midnight.getFullYear() ? undefined : 'numeric' });
}

/**
 * What a search covered.
 * @param {any} coverage
 */
export function searched(coverage) {
  const read = coverage.pages - coverage.pages_without_text;
  return `Searched ${read.toLocaleString()} of ${plural(coverage.pages, 'page')} in ${seconds(coverage.took_ms)}.`;
}

/** How a document is called in front of people.
 * @param {any} document */
export const titleOf = (document) => document.title || document.filename;

/** @param {{page_number: number | null}} place */
export const pageOf = (place) => (place.page_number ? `p. ${place.page_number}` : '');
