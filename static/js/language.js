// @ts-check
// The language that the page speaks. English texts are the keys: a message file
// of `/assets/messages/` gives each its words in another language, and a text
// that a file lacks stays English. Must not know what is said.

/** The languages that there are message files for, by their own names. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español', fr: 'Français', zh: '中文', ja: '日本語' };

/** @typedef {Record<string, string | number>} Values */

/** @type {Record<string, string | Record<string, string>>} */
let messages = {};
let language = 'en';
let plurals = new Intl.PluralRules('en');
/** @type {Intl.NumberFormat | null} */
let numbers = null;

/** The language in use, as a tag for `Intl` and `lang`. */
export const spoken = () => language;

/** The language that the reader chose, or else the browser's first that there is. */
export function preferred() {
  const wanted = [localStorage.getItem('language') ?? '', ...navigator.languages];
  return wanted.map((tag) => tag.split('-')[0]).find((tag) => tag in LANGUAGES) ?? 'en';
}

/**
 * Speaks a language from now on; what is on the page already stays as it is.
 * @param {string} name
 */
export async function speak(name) {
  const response = name === 'en' ? null : await fetch(new URL(`../messages/${name}.json`, import.meta.url)).catch(() => null);
  messages = response?.ok ? await response.json() : {};
  language = response?.ok ? name : 'en';
  plurals = new Intl.PluralRules(language);
  numbers = null;
  // The first format that a browser makes takes it tens of milliseconds: not
  // those in which an answer begins. Safari has no idle callbacks.
  const idle = window.requestIdleCallback ?? ((/** @type {() => void} */ work) => setTimeout(work, 500));
  idle(() => void written(0));
  document.documentElement.lang = language;
}

/**
 * A text in the reader's language; `{name}` stands for a value, and numbers are
 * written as the language writes them.
 * @param {string} text
 * @param {Values} [values]
 */
export function t(text, values = {}) {
  const message = messages[text];
  return fill(typeof message === 'string' ? message : text, values);
}

/**
 * A text that depends on a count, which `{count}` stands for. The key is the
 * English text of many; a message file gives a text for each plural category
 * of its language.
 * @param {number} count
 * @param {string} one
 * @param {string} many
 * @param {Values} [values]
 */
export function tn(count, one, many, values = {}) {
  const message = messages[many];
  const text = typeof message === 'object' ? (message[plurals.select(count)] ?? message.other) : (message ?? (count === 1 ? one : many));
  return fill(text, { count, ...values });
}

/** @param {number} value */
function written(value) {
  numbers ??= new Intl.NumberFormat(language);
  return numbers.format(value);
}

/**
 * @param {string} text
 * @param {Values} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? written(value) : enclosed(value);
  });
}

/** Characters that change the direction of what follows them. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * A value that keeps its direction to itself: a name that is written from right
 * to left does not turn the sentence around it, and one that would turn the
 * rest by a control character shows that it has one.
 * @param {string} value
 */
function enclosed(value) {
  const harmless = value.replace(TURNING, '\ufffd');
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(harmless) ? `\u2068${harmless}\u2069` : harmless;
}
