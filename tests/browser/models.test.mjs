import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';

const FILE = 'some-model-Q4_K_M.gguf';
const PIECE = 32 * 1024;

/** A hub with one file that begins as a model does, and is none. It arrives slowly. */
class Hub {
  content = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(40 * PIECE, 7)]);
  pause = 100;

  async start() {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  answer(request, response) {
    if (request.url.startsWith('/api/models/owner/some-model-GGUF/')) {
      const sha256 = createHash('sha256').update(this.content).digest('hex');
      const siblings = [{ rfilename: FILE, size: this.content.length, lfs: { sha256 } }];
      return void response.end(JSON.stringify({ sha: 'abcdef', siblings }));
    }
    if (!request.url.endsWith(FILE)) return void response.writeHead(404).end();
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const length = this.content.length - from;
    const range = `bytes ${from}-${this.content.length - 1}/${this.content.length}`;
    response.writeHead(from ? 206 : 200, { 'content-length': length, ...(from ? { 'content-range': range } : {}) });
    this.send(response, from);
  }

  async send(response, from) {
    for (let at = from; at < this.content.length && !response.destroyed; at += PIECE) {
      response.write(this.content.subarray(at, at + PIECE));
      await new Promise((resolve) => setTimeout(resolve, this.pause));
    }
    response.end();
  }
}

const hub = new Hub();
const endpoint = await hub.start();
test.after(() => hub.server.close());

test('a model is got, paused, resumed and removed on the settings page', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Settings' }).click();
  const models = page.getByRole('region', { name: 'Models' });
  await models.getByText('Answers are quotes: no chat model is loaded.').waitFor();
  await models.getByRole('button', { name: 'Get Qwen2.5 0.5B Instruct' }).waitFor();

  await models.getByLabel('Model on the hub').fill('owner/no-such-model');
  await page.keyboard.press('Enter');
  await page.getByText('no model repository', { exact: false }).first().waitFor();

  await models.getByLabel('Model on the hub').fill('owner/some-model-GGUF');
  await page.keyboard.press('Enter');
  const row = models.getByRole('row').filter({ hasText: FILE });
  await row.getByText('resumes if interrupted', { exact: false }).waitFor();
  await row.getByRole('button', { name: `Pause ${FILE}` }).click();
  await row.getByText('Paused').waitFor();
  await page.reload();
  await row.getByText('Paused').waitFor();
  hub.pause = 0;
  await row.getByRole('button', { name: `Resume ${FILE}` }).click();

  const remove = models.getByRole('button', { name: 'Remove some-model-Q4_K_M' });
  await remove.waitFor();
  await models.getByText(`the model file ${FILE} is damaged`, { exact: false }).waitFor();
  await remove.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  await page.setViewportSize({ width: 390, height: 800 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, 'nothing is wider than the screen');
  page.assertClean();
}, { HF_ENDPOINT: endpoint }));
