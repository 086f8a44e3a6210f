// The page in the languages that it speaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languages, messageFile } from './messages.mjs';
import { withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

const PLACES = ['#/chat', '#/documents', '#/settings'];

/** Texts on the page that are English though the language has its own. */
const english = (messages) => {
  const found = new Set();
  const look = (text) => {
    const own = messages[text.trim()];
    if (typeof own === 'string' && own !== text.trim()) found.add(text.trim());
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    // What people have named is called so in every language.
    if (!node.parentElement?.closest('[translate=no]')) look(node.textContent ?? '');
  }
  for (const one of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    for (const name of ['aria-label', 'title', 'placeholder']) look(one.getAttribute(name) ?? '');
  }
  return [...found];
};

for (const language of languages()) {
  test(`in ${language} nothing stays English that has been translated`, withSatchel(async (satchel) => {
    const client = await administrator(satchel);
    await client.ask('Is anybody there?');
    const messages = messageFile(language);
    const page = await satchel.open({ locale: language });
    await page.addInitScript(() => localStorage.setItem('first-steps', 'done'));
    await page.goto(satchel.link);
    await page.getByRole('heading', { name: messages['Welcome. Choose a password'] }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    assert.deepEqual(await page.evaluate(english, messages), []);
    for (const place of PLACES) {
      await page.evaluate((to) => { location.hash = to; }, place);
      await page.locator('main h1').first().waitFor();
      await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {});
      assert.deepEqual(await page.evaluate(english, messages), [], place);
    }
    page.assertClean();
  }));
}
