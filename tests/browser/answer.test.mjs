// An answer from its first event to its last, and what its marks lead to. The
// events are told by the test, so that each state of the page can be looked at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIGHTHOUSE } from './support.mjs';
import { COVERAGE, chip, question, sentence, told, withAnswers } from './streams.mjs';
import { administrator } from './views.mjs';

/** Uploads the lighthouse; gives what its page says, and a source that covers it. */
async function source(satchel) {
  const client = await administrator(satchel);
  const id = await client.upload('lighthouse.md', LIGHTHOUSE);
  const { text } = await client.send('GET', `/documents/${id}/pages/1`);
  const whole = { number: 1, document_id: id, chunk_index: 0, title: 'The lighthouse of Skerry Point', filename: 'lighthouse.md', page: 1, page_number: null, start: 0, end: Array.from(text).length, text, heading_path: ['Building'], score: 0.9, scores: { cosine: 0.8, bm25: 3, fused: 0.7 } };
  return { text, whole };
}

/** A citation of the words from one place of a text to another. */
function cited(whole, from, to) {
  const start = whole.text.indexOf(from);
  const end = whole.text.indexOf(to) + to.length;
  assert.ok(start >= 0 && end > start, `${from} … ${to}`);
  return { ...whole, start, end, text: whole.text.slice(start, end) };
}

const paragraph = (n) => `<p>${`Paragraph ${n} has words enough for a few lines of the column that one reads. `.repeat(6)}</p>`;

const seen = (element) => element.evaluate((one) => {
  const box = one.closest('.scroll').getBoundingClientRect();
  const { top, bottom } = one.getBoundingClientRect();
  return top >= box.top && bottom <= box.bottom;
});

test('sources stand before the text and can be opened meanwhile, and reasoning is folded', withAnswers(async (satchel, next) => {
  const { whole } = await source(satchel);
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([whole]);
  const reply = told(page);
  const part = reply.getByRole('region', { name: 'Sources' });
  await part.getByText('1 source in 1 document').waitFor();
  assert.equal(await reply.locator('.answer').textContent(), '', 'nothing is written yet');
  const card = part.getByRole('button', { name: /The lighthouse of Skerry Point/ });
  assert.match(whole.text, /^# Building/m);
  assert.match(await card.textContent(), /Building/);
  assert.doesNotMatch(await card.textContent(), /#/, 'a card is read, and a heading has no mark in it');
  await card.click();
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  await panel.getByRole('mark').first().waitFor();
  assert.equal(await reply.locator('[aria-busy=true]').count(), 1);

  telling.think('The question is about a tower.');
  const reasoning = reply.getByText('Thinking');
  await reasoning.waitFor();
  const thought = reply.getByText('The question is about a tower.');
  assert.equal(await thought.isVisible(), false);
  await reasoning.click();
  await thought.waitFor();
  telling.block(0, '<p>It is so.</p>');
  await reply.getByText('It is so.').waitFor();
  telling.complete({ content: 'It is so.', html: `<p>${sentence(0, 'It is so.')}</p>`, checks: [{ support: 'supported' }] });
  await reply.getByText('1 of 1 sentence has a source').waitFor();
  await reply.getByText('Reasoning', { exact: true }).waitFor();
  await page.getByRole('status').getByText('Answer complete').waitFor({ state: 'attached' });
  page.assertClean();
}));

test('an answer is stopped, says so, and keeps what was written', withAnswers(async (satchel, next, proxy) => {
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([]);
  telling.block(0, '<p>It is so, and</p>');
  const { answer } = proxy;
  proxy.answer = (asked, response) => {
    if (asked.url !== '/api/answers/a/stop') return answer(asked, response);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    telling.complete({ content: 'It is so, and', html: '<p>It is so, and</p>', finish_reason: 'cancelled' });
    return true;
  };
  const reply = told(page);
  await reply.getByText('It is so, and').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Send' }).isVisible(), false);
  await page.getByRole('button', { name: 'Stop writing' }).click();
  await reply.getByText(/Stopped/).waitFor();
  await reply.getByText('It is so, and').waitFor();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  assert.equal(await page.getByLabel('Your question').evaluate((one) => one === document.activeElement), true);
  await reply.getByRole('button', { name: 'Answer again' }).waitFor();
  page.assertClean();
}));

test('who reads further up stays there while the answer grows, and who is at its end follows it', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([]);
  for (let n = 0; n < 20; n += 1) telling.block(n, paragraph(n));
  const at = (n) => told(page).getByText(`Paragraph ${n} has`, { exact: false });
  await at(19).waitFor();
  const isAtEnd = () => page.waitForFunction(() => {
    const box = document.querySelector('main .scroll');
    return box.scrollHeight - box.scrollTop - box.clientHeight < 3;
  });
  await isAtEnd();

  await page.locator('main .scroll').evaluate((box) => { box.scrollTop = box.scrollHeight / 3; });
  const jump = page.getByRole('button', { name: 'To the end of the answer' });
  telling.block(20, paragraph(20));
  await jump.waitFor();
  const place = await page.evaluate(() => {
    const top = document.querySelector('main .scroll').getBoundingClientRect().top;
    const all = [...document.querySelectorAll('.answer p')];
    const index = all.findIndex((one) => one.getBoundingClientRect().top > top);
    return { index, top: all[index].getBoundingClientRect().top };
  });
  const stays = async (why) => {
    const top = await page.evaluate((index) => document.querySelectorAll('.answer p')[index].getBoundingClientRect().top, place.index);
    assert.ok(Math.abs(top - place.top) < 2, `${why}: moved by ${top - place.top}`);
  };
  for (let n = 21; n < 40; n += 1) telling.block(n, paragraph(n));
  await at(39).waitFor({ state: 'attached' });
  await stays('while it grows');
  await jump.click();
  await isAtEnd();
  telling.block(40, paragraph(40));
  await at(40).waitFor();
  await isAtEnd();

  await page.locator('main .scroll').evaluate((box, index) => {
    const one = document.querySelectorAll('.answer p')[index];
    box.scrollTop += one.getBoundingClientRect().top - box.getBoundingClientRect().top - 20;
  }, place.index);
  place.top = await page.evaluate((index) => document.querySelectorAll('.answer p')[index].getBoundingClientRect().top, place.index);
  const html = Array.from({ length: 41 }, (_, n) => paragraph(n).replace('<p>', '<p><span class="s none" data-sentence="0">').replace('</p>', '</span></p>')).join('');
  telling.complete({ content: 'x', html });
  await told(page).getByRole('button', { name: 'Copy answer with sources' }).waitFor({ state: 'attached' });
  await page.waitForFunction(() => document.querySelectorAll('.answer .ns').length > 0);
  await stays('when it is complete');
  page.assertClean();
}));

test('the tally leads to each sentence without a source, which says why', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([]);
  const kinds = Array.from({ length: 60 }, (_, n) => (n === 3 || n === 50 ? 'none' : n === 7 ? 'weak' : ''));
  const html = kinds.map((kind, n) => `<p>${sentence(n, `Sentence ${n} is as long as sentences are.`, kind)}</p>`).join('');
  telling.complete({ content: 'x', html, checks: kinds.map((kind) => ({ support: kind === 'none' ? 'unsupported' : kind ? 'partial' : 'supported' })) });
  const reply = told(page);
  const tally = reply.getByRole('button', { name: '58 of 60 sentences have a source' });
  const reached = async (n) => {
    await tally.click();
    const found = reply.getByText(`Sentence ${n} is`, { exact: false });
    await page.waitForFunction((words) => document.activeElement?.textContent.startsWith(words), `Sentence ${n} is`);
    assert.ok(await seen(found), `sentence ${n} is in view`);
  };
  await reached(3);
  await reached(50);
  await reached(3);
  const column = await reply.boundingBox();
  const words = await tally.boundingBox();
  assert.ok(words.x >= column.x && words.x + words.width <= column.x + column.width && words.height < 50, 'the tally has its room');
  const marks = reply.getByRole('button', { name: 'no source' });
  assert.equal(await marks.count(), 2);
  await marks.first().focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  await page.locator('.hint').getByText(/^Nothing in the passages that were found supports this sentence/).waitFor();
  assert.match(await reply.getByRole('button', { name: 'in part' }).getAttribute('aria-description'), /only in part/);
  page.assertClean();
}));

test('a number marks its own words and not all of its source, and blank lines are not marked', withAnswers(async (satchel, next) => {
  const { whole } = await source(satchel);
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([whole]);
  const first = 'Its tower is 31 metres high.';
  const citations = [cited(whole, first, first), cited(whole, 'He kept bees', 'held the post.'), cited(whole, 'The lamp', 'for 22 years.')];
  const html = `<p>${citations.map((_, n) => sentence(n, `Sentence ${n}.`, '', chip(1, n))).join(' ')}</p>`;
  telling.complete({ content: 'x', html, citations, checks: citations.map(() => ({ support: 'supported' })) });
  const chips = told(page).getByRole('link', { name: /^Source 1/ });
  const panel = page.getByRole('complementary', { name: 'Evidence' });
  const marked = (begin) => page.waitForFunction((words) => document.querySelector('.ev mark')?.textContent.startsWith(words), begin);
  const lit = () => chips.evaluateAll((all) => all.map((one) => one.classList.contains('lit')));
  await chips.nth(0).click();
  await marked('Its tower');
  assert.deepEqual(await panel.getByRole('mark').allTextContents(), [first]);
  assert.deepEqual(await lit(), [true, false, false]);
  await chips.nth(1).click();
  await marked('He kept');
  assert.deepEqual(await lit(), [false, true, false]);
  await chips.nth(2).click();
  await marked('The lamp');
  const pieces = await panel.getByRole('mark').allTextContents();
  assert.ok(pieces.length > 1, 'it goes over a blank line');
  assert.deepEqual(pieces.filter((one) => !one.trim() || one.includes('\n')), []);
  assert.equal(pieces.join('').replace(/\s/g, ''), citations[2].text.replace(/\s/g, ''));
  const soft = await panel.locator('.passage').allTextContents();
  assert.deepEqual(soft.filter((one) => !one.trim()), []);
  page.assertClean();
}));

test('keywords of code stand out, and code is copied as it is', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn({ permissions: ['clipboard-read', 'clipboard-write'] });
  await question(page);
  const telling = await next();
  telling.sources([]);
  telling.complete({ content: 'x', html: '<pre data-language="rust"><code><span class="hl-k">fn</span> <span class="hl-f">trip</span>() {}</code></pre>' });
  const code = told(page).locator('pre');
  const weight = (words) => code.getByText(words, { exact: true }).evaluate((one) => Number(getComputedStyle(one).fontWeight));
  assert.ok(await weight('fn') > await weight('trip'));
  await told(page).getByText('rust', { exact: true }).waitFor();
  await told(page).getByRole('button', { name: 'Copy code' }).click();
  await page.getByText('Copied').first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'fn trip() {}');
  page.assertClean();
}));

test('an answer is copied with its sources', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn({ permissions: ['clipboard-read', 'clipboard-write'] });
  await question(page);
  const telling = await next();
  const passage = { number: 1, document_id: 'd', title: 'Tower', filename: 't.md', page: 3, page_number: 3, start: 0, end: 4, text: 'High', score: 1, scores: {} };
  telling.sources([passage]);
  telling.complete({ content: 'It is high [1].', html: `<p>${sentence(0, 'It is high.', '', chip(1, 0))}</p>`, citations: [passage], checks: [{ support: 'supported' }], coverage: COVERAGE });
  await told(page).getByRole('button', { name: 'Copy answer with sources' }).click();
  await page.getByText('Copied').first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'It is high [1].\n\n[1] Tower, p. 3');
  page.assertClean();
}));

test('where motion is reduced nothing moves, not even while an answer is written', withAnswers(async (satchel, next) => {
  const page = await satchel.signedIn();
  await question(page);
  const telling = await next();
  telling.sources([]);
  telling.block(0, '<p>It is</p>');
  await told(page).getByText('It is').waitFor();
  const moving = () => page.evaluate(() => document.getAnimations().length);
  assert.ok(await moving() > 0, 'the caret blinks');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  assert.equal(await moving(), 0);
  telling.complete({ content: 'It is', html: '<p>It is</p>' });
  await told(page).getByRole('button', { name: 'Copy answer with sources' }).waitFor();
  page.assertClean();
}));
