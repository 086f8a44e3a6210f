// Collects the texts of the page from its scripts: every t() and tn(), and every
// text that a person sees and that goes through neither.
//   node tests/browser/messages.mjs          says what each message file lacks
//   node tests/browser/messages.mjs LANGUAGE prints what one lacks, as JSON to be filled in

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const here = path.dirname(fileURLToPath(import.meta.url));
const pageFolder = path.join(here, '..', '..', 'static');
const folder = path.join(pageFolder, 'js');

/** Every script of the page, by its path in static/js. */
export const scripts = () => readdirSync(folder, { recursive: true })
  .filter((name) => name.endsWith('.js'))
  .map((name) => name.split(path.sep).join('/'))
  .sort();

/** Attributes that people read or hear. */
const READ_ATTRIBUTES = new Set(['aria-label', 'aria-description', 'title', 'placeholder', 'alt']);

/** Functions whose literal arguments are shown, and at which places. */
const SHOWN = { iconButton: [1], toast: [0], say: [0], dialog: [0, 2], sheet: [0], menu: [0], tabs: [0], table: [0], hint: [1], progress: [0], undoable: [0], put: [1, 2, 3, 4, 5] };

/** Where texts of another kind stand: properties of objects given to these. */
const SHOWN_PROPERTIES = new Set(['label', 'title', 'text', 'action', 'note']);

/** Words that are the same in every language. */
const NAMES = /\b(satchel|GGUF|JSON|JSONL|CSV|Markdown|OpenAPI|Postman|API|curl|JavaScript|SQLite|Ctrl|Shift|Alt|Esc|Enter|GET|POST|PUT|PATCH|DELETE)\b/g;

/** Whether it is for people: names and examples of what is typed are not. @param {string} text */
const hasWords = (text) => /\p{L}{2,}/u.test(text.replace(NAMES, '')) && !/^\S*[/:_]\S*$/.test(text.trim());

/** What stands in these is typed or printed as it is. */
const LITERAL = new Set(['code', 'pre', 'kbd', 'samp']);

/**
 * The texts of one script.
 * @param {string} name
 * @returns {{messages: Map<string, 'text' | 'count'>, raw: string[], wrong: string[]}}
 */
export function textsOf(name) {
  const source = ts.createSourceFile(name, readFileSync(path.join(folder, name), 'utf8'), ts.ScriptTarget.Latest, true);
  const messages = new Map();
  const raw = [];
  const wrong = [];
  const at = (node) => `${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
  /** Reports literals of what is shown, in whatever expression they stand. */
  const shown = (node) => {
    if (!node) return;
    if (ts.isStringLiteralLike(node)) {
      if (hasWords(node.text)) raw.push(`${at(node)}: ${node.text}`);
    } else if (ts.isTemplateExpression(node)) {
      const fixed = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join(' … ');
      if (hasWords(fixed)) raw.push(`${at(node)}: ${fixed}`);
    } else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(shown);
    else if (ts.isBinaryExpression(node)) [node.left, node.right].filter((side, n) => n || ts.SyntaxKind.PlusToken === node.operatorToken.kind || node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken || node.operatorToken.kind === ts.SyntaxKind.BarBarToken).forEach(shown);
    else if (ts.isParenthesizedExpression(node)) shown(node.expression);
    else if (ts.isArrayLiteralExpression(node)) node.elements.forEach(shown);
  };
  const literal = (node) => node && ts.isStringLiteralLike(node);
  const call = (node) => {
    const { text } = node.expression;
    const given = node.arguments;
    if (text === 't') {
      if (literal(given[0])) messages.set(given[0].text, messages.get(given[0].text) ?? 'text');
      else wrong.push(`${at(node)}: t() wants a literal text`);
    } else if (text === 'tn') {
      if (literal(given[1]) && literal(given[2])) messages.set(given[2].text, 'count');
      else wrong.push(`${at(node)}: tn() wants literal texts`);
    } else if (text === 'h') {
      if (ts.isObjectLiteralExpression(given[1] ?? node)) {
        for (const one of given[1].properties) {
          const key = one.name && (ts.isStringLiteral(one.name) || ts.isIdentifier(one.name)) ? one.name.text : '';
          if (READ_ATTRIBUTES.has(key)) shown(one.initializer);
        }
      }
      if (!literal(given[0]) || !LITERAL.has(given[0].text)) given.slice(2).forEach(shown);
    } else if (text in SHOWN) {
      for (const place of SHOWN[text]) shown(given[place]);
    }
    if (['confirmed', 'menu', 'tabs', 'toast'].includes(text)) given.forEach(objects);
  };
  const objects = (node) => {
    if (ts.isPropertyAssignment(node) && SHOWN_PROPERTIES.has(node.name.text)) shown(node.initializer);
    if (!ts.isCallExpression(node)) ts.forEachChild(node, objects);
  };
  const walk = (node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) call(node);
    if (ts.isBinaryExpression(node) && ts.isPropertyAccessExpression(node.left) && ['textContent', 'title'].includes(node.left.name.text)) shown(node.right);
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'replaceChildren') node.arguments.forEach(shown);
    ts.forEachChild(node, walk);
  };
  walk(source);
  return { messages, raw, wrong };
}

/** All texts of the page; a text with a count is one of many forms. */
export function allMessages() {
  const all = new Map();
  for (const name of scripts()) {
    for (const [text, kind] of textsOf(name).messages) all.set(text, all.get(text) === 'count' ? 'count' : kind);
  }
  return all;
}

/** The languages beside English that the page offers. */
export function languages() {
  const source = readFileSync(path.join(folder, 'language.js'), 'utf8');
  const [, list] = /LANGUAGES = \{([^}]*)\}/.exec(source);
  return [...list.matchAll(/(\w+):/g)].map((found) => found[1]).filter((name) => name !== 'en');
}

/** @param {string} language */
export function messageFile(language) {
  try {
    return JSON.parse(readFileSync(path.join(pageFolder, 'messages', `${language}.json`), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort().join();

/**
 * What is wrong with a message file.
 * @param {string} language
 */
export function flaws(language) {
  const file = messageFile(language);
  const wanted = allMessages();
  const missing = [...wanted.keys()].filter((text) => !(text in file));
  const stale = Object.keys(file).filter((text) => !wanted.has(text));
  const unfit = [];
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  for (const [text, kind] of wanted) {
    const message = file[text];
    if (message === undefined) continue;
    const counted = typeof message === 'object';
    if (counted && kind === 'text') unfit.push(`${text}: has forms and no count`);
    if (!counted && kind === 'count' && forms.length > 1) unfit.push(`${text}: has no forms`);
    if (counted && !('other' in message)) unfit.push(`${text}: lacks the form “other”`);
    for (const [form, one] of counted ? Object.entries(message) : [['other', message]]) {
      if (!forms.includes(form)) unfit.push(`${text}: the language has no form “${form}”`);
      const same = placeholders(one) === placeholders(text);
      // “One page” may do without its number.
      if (!same && !(form === 'one' && placeholders(`${one}{count}`) === placeholders(text))) unfit.push(`${text}: other values than ${one}`);
    }
  }
  return { missing, stale, unfit };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const wanted = allMessages();
  if (process.argv[2]) {
    const { missing } = flaws(process.argv[2]);
    console.log(JSON.stringify(Object.fromEntries(missing.map((text) => [text, wanted.get(text) === 'count' ? { one: '', other: '' } : ''])), null, 1));
  } else {
    console.log(`${wanted.size} texts`);
    for (const language of languages()) {
      const { missing, stale, unfit } = flaws(language);
      console.log(`${language}: ${missing.length} missing, ${stale.length} stale`, ...unfit);
    }
    for (const name of scripts()) {
      const { raw, wrong } = textsOf(name);
      if (raw.length + wrong.length) console.log(`${name}: ${raw.length} texts in English only`, ...wrong);
    }
  }
}
