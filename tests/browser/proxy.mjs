// Stands between the browser and satchel, so that a test can cut a connection
// in the middle of an answer, hold one back, or give an answer of its own.

import { createServer, request } from 'node:http';

export class Proxy {
  /** Looks at each request; `true` means that it has answered it. @type {(asked: any, response: any) => boolean} */
  answer = () => false;

  /** How many events of the next stream are let through before it is cut; `null` for all. */
  cutAfter = null;

  /** Whether a stream that has reached its cut is held open and not cut. */
  holds = false;

  /** How often a stream was cut or held. */
  cuts = 0;

  /** The stream that is held open. @type {any} */
  held = null;

  /** The last events that were known to who came back. @type {string[]} */
  resumed = [];

  /** @param {any} satchel whose page is to be opened through the proxy */
  async start(satchel) {
    this.target = new URL(satchel.origin);
    this.server = createServer((asked, response) => this.pass(asked, response));
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    const origin = `http://127.0.0.1:${this.server.address().port}`;
    satchel.link = satchel.link.replace(satchel.origin, origin);
    satchel.origin = origin;
    return this;
  }

  pass(asked, response) {
    if (this.answer(asked, response)) return;
    if (asked.headers['last-event-id']) this.resumed.push(asked.headers['last-event-id']);
    const headers = { ...asked.headers, host: this.target.host };
    if (headers.origin) headers.origin = this.target.origin;
    const sent = request(new URL(asked.url, this.target), { method: asked.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      if (isStream && this.cutAfter !== null && asked.url.startsWith('/chat/send')) return this.cut(answer, response);
      answer.pipe(response);
    });
    sent.on('error', () => response.destroy());
    asked.pipe(sent);
    response.on('close', () => sent.destroy());
  }

  cut(answer, response) {
    let left = this.cutAfter;
    this.cutAfter = null;
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (piece) => {
      text += piece;
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0 || left <= 0) break;
        response.write(text.slice(0, end + 2));
        text = text.slice(end + 2);
        left -= 1;
      }
      if (left > 0 || answer.destroyed) return;
      this.cuts += 1;
      answer.destroy();
      if (this.holds) this.held = response;
      else response.destroy();
    });
  }

  /** Breaks the stream that is held open, after what it has said was heard. */
  breakHeld() {
    this.holds = false;
    this.held?.destroy();
    this.held = null;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
