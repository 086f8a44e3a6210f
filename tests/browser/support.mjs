// Starts a real satchel with a data folder of its own and opens its page in a
// real Chromium. Whatever the page logs as an error, and whatever it asks of
// another host, fails the test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
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

const executable = process.env.SATCHEL_BIN ?? path.join(here, '..', '..', 'target', 'debug', 'satchel');

/**
 * Starts a server; gives back its process and the link that it prints.
 * @param {string} data its data folder
 * @param {Record<string, string>} env further environment
 */
async function serve(data, env = {}) {
  const server = spawn(executable, ['serve', '--listen', '127.0.0.1:0', '--data-dir', data, '--rate-limit', '0'], { env: { ...process.env, ...env } });
  const link = await new Promise((resolve, reject) => {
    let printed = '';
    let logged = '';
    server.stdout.on('data', (data) => {
      printed += data;
      const link = /http:\/\/\S+#\/welcome\?link=\w+/.exec(printed);
      if (link && printed.includes('Stop')) resolve(link[0]);
    });
    server.stderr.on('data', (data) => { logged += data; });
    server.on('exit', (code) => reject(new Error(`satchel ended with ${code}: ${logged}`)));
  });
  return { server, link };
}

async function end(server) {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.on('exit', resolve));
  server.kill('SIGTERM');
  await ended;
}

/**
 * A data folder as this executable leaves it after its first start. Reading the
 * handbook is most of a first start, and the same for every test: one makes it,
 * the others start with a copy.
 */
async function prepared() {
  const output = path.join(here, 'output');
  const name = `prepared-${createHash('sha256').update(executable).digest('hex').slice(0, 8)}-`;
  const folder = path.join(output, `${name}${Math.round((await stat(executable)).mtimeMs)}`);
  const there = await stat(folder).catch(() => undefined);
  if (there) return folder;
  await mkdir(output, { recursive: true });
  for (const one of await readdir(output)) {
    if (one.startsWith(name) && one !== path.basename(folder)) await rm(path.join(output, one), { recursive: true, force: true });
  }
  const made = await mkdtemp(path.join(tmpdir(), 'satchel-browser-'));
  const { server } = await serve(path.join(made, 'data'));
  await end(server);
  const whole = await mkdtemp(path.join(output, 'making-'));
  await cp(path.join(made, 'data'), whole, { recursive: true });
  await rm(made, { recursive: true, force: true });
  // Of two that make one at once the first has its way.
  await rename(whole, folder).catch(() => rm(whole, { recursive: true, force: true }));
  return folder;
}

class Satchel {
  /**
   * @param {Record<string, string>} env further environment of the server
   * @param {{ anew?: boolean }} options `anew`: with an empty data folder
   */
  async start(env = {}, { anew = false } = {}) {
    this.folder = await mkdtemp(path.join(tmpdir(), 'satchel-browser-'));
    const data = path.join(this.folder, 'data');
    if (!anew) await cp(await prepared(), data, { recursive: true });
    // What the page may choose from, and not what is on this machine.
    this.shown = path.join(this.folder, 'shown');
    await mkdir(path.join(this.shown, 'papers', 'letters'), { recursive: true });
    const { server, link } = await serve(data, { SATCHEL_WATCHABLE: this.shown, ...env });
    this.process = server;
    this.link = link;
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
    if (this.process) await end(this.process);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Runs `test` with a satchel of its own.
 * @param {(satchel: Satchel) => Promise<void>} test
 * @param {Record<string, string>} env
 * @param {{ anew?: boolean }} options
 */
export const withSatchel = (test, env = {}, options = {}) => async () => {
  const satchel = new Satchel();
  try {
    await satchel.start(env, options);
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
