// Starts a real satchel with a data folder of its own and opens its page in a
// real Chromium. Whatever the page logs as an error, and whatever it asks of
// another host, fails the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));

export const fixture = (name) => path.join(here, '..', 'fixtures', 'documents', name);

/** A document with facts that nothing else says. */
export const LIGHTHOUSE = `---
title: The lighthouse of Skerry Point
---
# Building

The lighthouse of Skerry Point was built in 1874 by Margaret Oakes. Its tower is 31 metres high.
The lamp was first lit on the second of March 1875, and ships saw it 19 miles away.

# Keepers

The first keeper was Tobias Wren, who served for 22 years. He kept bees beside the tower and sold
the honey in the village. After him came his daughter Ada, the only woman who ever held the post.
`;

class Satchel {
  /** @param {Record<string, string>} env further environment of the server */
  async start(env = {}) {
    this.folder = await mkdtemp(path.join(tmpdir(), 'satchel-browser-'));
    // What the page may choose from, and not what is on this machine.
    this.shown = path.join(this.folder, 'shown');
    await mkdir(path.join(this.shown, 'papers', 'letters'), { recursive: true });
    const executable = process.env.SATCHEL_BIN ?? path.join(here, '..', '..', 'target', 'debug', 'satchel');
    this.process = spawn(executable, ['serve', '--listen', '127.0.0.1:0', '--data-dir', path.join(this.folder, 'data'), '--rate-limit', '0'], { env: { ...process.env, SATCHEL_WATCHABLE: this.shown, ...env } });
    this.link = await new Promise((resolve, reject) => {
      let printed = '';
      let logged = '';
      this.process.stdout.on('data', (data) => {
        printed += data;
        const link = /http:\/\/\S+#\/welcome\?link=\w+/.exec(printed);
        if (link && printed.includes('Stop')) resolve(link[0]);
      });
      this.process.stderr.on('data', (data) => { logged += data; });
      this.process.on('exit', (code) => reject(new Error(`satchel ended with ${code}: ${logged}`)));
    });
    this.origin = new URL(this.link).origin;
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--host-resolver-rules=MAP satchel.test 127.0.0.1', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    return this;
  }

  /** A page in a browser of its own: no cookies, its own errors. */
  async open(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    // A busy machine is waited for; how fast the page is has tests of its own.
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => {
      // Refused requests are part of what is tested; the browser logs each.
      const refused = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !refused) wrong.push(message.text());
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== this.origin) wrong.push(`asked ${url.origin}`);
    });
    page.assertClean = () => assert.deepEqual(wrong, []);
    return page;
  }

  /** A page that is signed in, with no password set. */
  async signedIn(options) {
    const page = await this.open(options);
    // The first steps have a test of their own.
    await page.addInitScript(() => localStorage.setItem('first-steps', 'done'));
    await page.goto(this.link);
    await page.getByRole('link', { name: 'Later' }).click();
    await page.getByLabel('Your question').waitFor();
    return page;
  }

  /** Writes a file to be uploaded. */
  async file(name, content) {
    const file = path.join(this.folder, name);
    await writeFile(file, content);
    return file;
  }

  async stop() {
    await this.browser?.close();
    if (this.process && this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.on('exit', resolve));
      this.process.kill('SIGTERM');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Runs `test` with a satchel of its own. */
export const withSatchel = (test, env = {}) => async () => {
  const satchel = new Satchel();
  try {
    await satchel.start(env);
    await test(satchel);
  } finally {
    await satchel.stop();
  }
};

export const documentsLink = (page) => page.getByRole('link', { name: 'Documents', exact: true });

/** Adds files on the documents page and waits until they are ready. */
export async function add(page, ...files) {
  await documentsLink(page).click();
  await page.getByLabel('Choose files').setInputFiles(files);
  for (const file of files) {
    const row = page.getByRole('row').filter({ hasText: path.basename(file) });
    await row.getByText(/^Ready/).waitFor({ timeout: 60_000 });
  }
}

/** Asks in a new chat and gives back the reply when it is complete. */
export async function ask(page, question) {
  await page.getByRole('link', { name: 'New chat' }).click();
  await page.getByLabel('Your question').fill(question);
  await page.keyboard.press('Enter');
  const reply = page.getByRole('article', { name: /^Answer/ }).last();
  await reply.getByRole('button', { name: 'Copy answer with sources' }).waitFor();
  return reply;
}
