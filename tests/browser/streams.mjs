// Answers that a test gives in the place of the server, step by step, so that it
// can look at what the page shows in between.

import { Proxy } from './proxy.mjs';
import { withSatchel } from './support.mjs';

export const COVERAGE = { documents: 1, pages: 2, pages_without_text: 0, documents_pending: 0, took_ms: 4 };

/** One answer that is being told. */
class Telling {
  constructor(response) {
    this.response = response;
    this.id = 0;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.say({ session_id: 's', title: 'Told', new_session: true, question_id: 'q', answer_id: 'a' }, 'accepted');
  }

  say(data, name) {
    this.id += 1;
    this.response.write(`id: ${this.id}\n${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`);
  }

  sources(sources) {
    this.say({ sources, coverage: COVERAGE }, 'sources');
  }

  think(text) {
    this.say({ text }, 'thinking');
  }

  block(index, html) {
    this.say({ index, html }, 'block');
  }

  complete(answer) {
    const usage = { prompt: 100, completion: 20, total: 120, reused: 0 };
    this.say({ content: '', html: '', citations: [], checks: [], mode: 'model', model: 'Tiny', finish_reason: 'stop', coverage: COVERAGE, usage, first_token_ms: 900, total_ms: 1200, ...answer });
    this.say({ message_id: 'a' }, 'done');
    this.response.end();
  }
}

/**
 * Runs `test` with a satchel whose answers it tells itself: `next` gives the
 * answer to the next question that is asked.
 * @param {(satchel: any, next: () => Promise<Telling>, proxy: Proxy) => Promise<void>} test
 */
export const withAnswers = (test) => withSatchel(async (satchel) => {
  const proxy = await new Proxy().start(satchel);
  const begun = [];
  const awaited = [];
  proxy.answer = (asked, response) => {
    if (!asked.url.startsWith('/chat/send')) return false;
    const telling = new Telling(response);
    const wanted = awaited.shift();
    if (wanted) wanted(telling);
    else begun.push(telling);
    return true;
  };
  const next = () => new Promise((resolve) => {
    const telling = begun.shift();
    if (telling) resolve(telling);
    else awaited.push(resolve);
  });
  try {
    await test(satchel, next, proxy);
  } finally {
    proxy.stop();
  }
});

/** Asks, whatever it is. */
export async function question(page, text = 'What is so?') {
  await page.getByLabel('Your question').fill(text);
  await page.keyboard.press('Enter');
}

/** The reply that is told. */
export const told = (page) => page.getByRole('article', { name: /^Answer/ }).last();

/** A sentence as the server renders it. */
export const sentence = (index, words, kind = '', chip = '') => `<span class="s${kind && ` ${kind}`}" data-sentence="${index}">${words}</span>${chip}`;

/** A citation as the server renders it. */
export const chip = (source, citation) => `\u2060<a class="c" href="#source-${source}" data-source="${source}" data-citation="${citation}" aria-label="Source ${source}, citation ${citation}">${source}</a>`;
