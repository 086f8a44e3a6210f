// @ts-check
// Numbers, sizes, dates and durations in the reader's language.

import { spoken, t, tn } from './language.js';

/**
 * A number as the language writes it.
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export const number = (value, options) => new Intl.NumberFormat(spoken(), options).format(value);

/** A share of one, in percent.
 * @param {number} share */
export const percent = (share) => number(share, { style: 'percent', maximumFractionDigits: 0 });

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** @param {number} bytes */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit && value < 100 ? 1 : 0;
  return number(value, { style: 'unit', unit: UNITS[unit], unitDisplay: unit ? 'short' : 'long', minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  const digits = milliseconds < 9950 ? 2 : 0;
  return t('{number} s', { number: number(milliseconds / 1000, { minimumFractionDigits: digits, maximumFractionDigits: digits }) });
}

/**
 * How long something still takes, as nobody needs it more exactly.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 100) return t('{number} s', { number: Math.max(1, Math.ceil(seconds)) });
  if (seconds < 100 * 60) return t('{number} min', { number: Math.round(seconds / 60) });
  return t('{number} h', { number: Math.round(seconds / 3600) });
}

/**
 * The day of a time, as people say it.
 * @param {string} time
 */
export function day(time) {
  const date = new Date(time);
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const days = Math.ceil((midnight.getTime() - date.getTime()) / 86_400_000);
  if (days <= 0) return t('Today');
  if (days === 1) return t('Yesterday');
  return date.toLocaleDateString(spoken(), { day: 'numeric', month: 'long', year: date.getFullYear() === midnight.getFullYear() ? undefined : 'numeric' });
}

/**
 * A date with its time of day.
 * @param {string | number} time
 */
export const moment = (time) => new Date(time).toLocaleString(spoken(), { dateStyle: 'medium', timeStyle: 'short' });

/**
 * How long ago a time was, in the largest unit that fits.
 * @param {string | number} time
 */
export function ago(time) {
  const elapsed = (Date.now() - new Date(time).getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat(spoken(), { numeric: 'auto' });
  if (elapsed < 60) return words.format(0, 'second');
  if (elapsed < 3600) return words.format(-Math.round(elapsed / 60), 'minute');
  if (elapsed < 86_400) return words.format(-Math.round(elapsed / 3600), 'hour');
  return words.format(-Math.round(elapsed / 86_400), 'day');
}

/**
 * The names of languages in the reader's own; "und" is a language that nobody could tell.
 * @param {string[]} tags BCP 47
 */
export function languageNames(tags) {
  const names = new Intl.DisplayNames(spoken(), { type: 'language' });
  return new Intl.ListFormat(spoken()).format(tags.map((tag) => (tag === 'und' ? t('another language') : names.of(tag) ?? tag)));
}

/**
 * What a search covered.
 * @param {any} coverage
 */
export function searched(coverage) {
  const read = coverage.pages - coverage.pages_without_text;
  return tn(coverage.pages, 'Searched {read} of {count} page in {time}.', 'Searched {read} of {count} pages in {time}.', { read, time: seconds(coverage.took_ms) });
}

/** How a document is called in front of people.
 * @param {any} document */
export const titleOf = (document) => document.title || document.filename;

/** @param {{page_number: number | null}} place */
export const pageOf = (place) => (place.page_number ? t('p. {number}', { number: place.page_number }) : '');

/**
 * A passage where only its beginning is shown: without the marks of a Markdown
 * heading, which are read as part of the sentence there.
 * @param {string} text
 */
export const inPassing = (text) => text.replace(/^#{1,6}[ \t]+/gm, '');
