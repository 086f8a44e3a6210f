// @ts-check
// The line that says how long a chat model still reads, with a bar that moves.

import { h } from './dom.js';
import { t, tn } from './language.js';
import { duration } from './words.js';

/** Seconds of waiting that nobody needs to be told about. */
const WORTH_SAYING = 1;

/** How often the bar moves while nothing new is heard, in ms. */
const STEP = 200;

export class Reading {
  constructor() {
    this.bar = h('progress', { max: '1', 'aria-label': t('Reading') });
    this.words = h('span', { class: 'mute num' });
    this.element = h('div', { class: 'rd', hidden: true }, this.bar, this.words);
    this.timer = 0;
  }

  /**
   * Takes a stage of the stream.
   * @param {any} data
   */
  take(data) {
    this.hide();
    if (data.stage !== 'reading') return;
    const tokens = (data.prompt_tokens ?? 0) - (data.reused_tokens ?? 0);
    const done = tokens ? (data.read_tokens - data.reused_tokens) / tokens : 0;
    this.element.hidden = false;
    if (data.parts) {
      const { part, parts } = data;
      this.bar.value = (part - 1 + Math.max(0, Math.min(1, done))) / parts;
      this.words.textContent = data.of_notes ? t('Reading its notes, part {part} of {parts}', { part, parts }) : t('Reading part {part} of {parts}', { part, parts });
      return;
    }
    const left = data.estimated_seconds ?? 0;
    if (!tokens || left < WORTH_SAYING) {
      this.bar.removeAttribute('value');
      this.words.textContent = tn(data.sources ?? 0, 'Reading {count} source', 'Reading {count} sources');
      return;
    }
    const since = performance.now();
    const move = () => {
      const share = Math.min(1, (performance.now() - since) / 1000 / left);
      this.bar.value = done + (1 - done) * share;
      this.words.textContent = tn(tokens, 'Reading {count} token, about {time} left', 'Reading {count} tokens, about {time} left', { time: duration(left * (1 - share)) });
    };
    move();
    this.timer = setInterval(move, STEP);
  }

  hide() {
    clearInterval(this.timer);
    this.element.hidden = true;
  }
}
