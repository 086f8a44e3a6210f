import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';

const NOTE = '3 of 8 passages were left out so that the answer starts within about 5 s';

/** An answer as the stream ends with it. */
function stream(leftOut) {
  const coverage = { documents: 1, pages: 2, pages_without_text: 0, documents_pending: 0, took_ms: 4 };
  const answer = {
    content: 'It is so.', html: '<p>It is so.</p>', citations: [], session_id: 's', message_id: 'm', mode: 'model', model: 'Tiny',
    finish_reason: 'stop', checks: [], coverage, answerable: 1, first_token_ms: 900, total_ms: 1200, left_out: leftOut,
    usage: { prompt: 2100, completion: 12, total: 2112, reused: 1200 },
  };
  const frames = [
    'event: accepted\ndata: {"session_id":"s","title":"Why?","question_id":"q","answer_id":"m"}',
    `event: sources\ndata: ${JSON.stringify({ sources: [], coverage })}`,
    `data: ${JSON.stringify(answer)}`,
    'event: done\ndata: {"message_id":"m"}',
  ];
  return frames.map((frame) => `${frame}\n\n`).join('');
}

test('passages that were left out are said, and all can be asked for', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const asked = [];
  await page.route('**/chat/send', (route) => {
    const body = route.request().postDataJSON();
    asked.push(body);
    const leftOut = body.search_options?.all_passages ? null : { note: NOTE, passages: 3, for_time: 3, for_context: 0, of: 8, first_token_seconds: 5 };
    return route.fulfill({ contentType: 'text/event-stream', body: stream(leftOut) });
  });
  await page.getByLabel('Your question').fill('Why?');
  await page.keyboard.press('Enter');
  const first = page.getByRole('article', { name: /^Answer/ }).last();
  await first.getByText(`${NOTE}.`).waitFor();
  await first.getByRole('button', { name: 'Details of this answer' }).click();
  const sheet = page.getByRole('dialog', { name: 'Details of this answer' });
  await sheet.getByText('2,100 tokens, of which 1,200 were known from before').waitFor();
  await page.keyboard.press('Escape');
  await first.getByRole('button', { name: 'Use all passages' }).click();
  await page.getByText(NOTE, { exact: false }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Copy answer with sources' }).waitFor();
  assert.deepEqual(asked.map((body) => body.search_options), [undefined, { all_passages: true }]);
  page.assertClean();
}));

test('a long prompt is told with its tokens, its seconds and a bar that moves', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.evaluate(async () => {
    const { Reading } = await import('/assets/js/reading.js');
    const reading = new Reading();
    document.querySelector('.thread').hidden = false;
    document.querySelector('.thread').append(reading.element);
    Object.assign(window, { reading });
  });
  const take = (data) => page.evaluate((given) => window.reading.take(given), data);
  const bar = page.getByRole('progressbar', { name: 'Reading' });
  const status = 'Reading 4 sources';
  await take({ stage: 'reading', status, sources: 4, prompt_tokens: 2400, reused_tokens: 300, read_tokens: 300, estimated_seconds: 8 });
  await page.getByText('Reading 2,100 tokens, about 8 s').waitFor();
  await page.waitForFunction(() => document.querySelector('.rd progress').value > 0.02);
  await take({ stage: 'reading', status, sources: 4, prompt_tokens: 2400, reused_tokens: 300, read_tokens: 1875, estimated_seconds: 2 });
  await page.getByText('about 2 s').waitFor();
  assert.ok((await bar.evaluate((element) => element.value)) >= 0.75);
  await take({ stage: 'reading', status, sources: 4, prompt_tokens: 2400, reused_tokens: 2300, read_tokens: 2300, estimated_seconds: 0.3 });
  await page.getByText(status, { exact: true }).waitFor();
  await take({ stage: 'reading', status, sources: 12, part: 3, parts: 10, of_notes: false, prompt_tokens: 3000, reused_tokens: 0, read_tokens: 1500 });
  await page.getByText('Reading part 3 of 10').waitFor();
  assert.equal(await bar.evaluate((element) => element.value), 0.25);
  await take({ stage: 'writing', status: 'Writing' });
  await bar.waitFor({ state: 'hidden' });
  page.assertClean();
}));

test('the administration shows what the instance does', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.route('**/api/status', async (route) => {
    const response = await route.fetch();
    const activity = { running: 1, waiting: 2, reused_tokens: 1200, kv_blocks: 100, kv_blocks_used: 5, kv_blocks_kept: 20, prompt_tokens_per_second: 195.4, answer_tokens_per_second: 31 };
    return route.fulfill({ response, json: { ...(await response.json()), chat_activity: activity } });
  });
  await page.getByRole('link', { name: 'Administration' }).click();
  const facts = page.getByRole('region', { name: 'Status' });
  await facts.getByText('195 tokens/s').waitFor();
  await facts.getByText('31 tokens/s').waitFor();
  await facts.getByText('1 writing, 2 waiting').waitFor();
  await facts.getByText('25% full, 1,200 tokens not read again').waitFor();
  page.assertClean();
}));
