import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LIGHTHOUSE, add, withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const executable = process.env.SATCHEL_BIN ?? path.join(root, 'target', 'debug', 'satchel');

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

test('a model is got, paused, resumed and removed', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Models' }).click();
  const models = page.getByRole('main');
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

test('a download is cancelled, and nothing of it stays', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Models' }).click();
  const models = page.getByRole('main');
  hub.pause = 500;
  await models.getByLabel('Model on the hub').fill('owner/some-model-GGUF');
  await page.keyboard.press('Enter');
  const row = models.getByRole('row').filter({ hasText: FILE });
  await row.getByRole('progressbar', { name: `Download of ${FILE}` }).waitFor();
  await row.getByRole('button', { name: `Discard ${FILE}` }).click();
  await row.waitFor({ state: 'detached' });
  await page.reload();
  await models.getByRole('button', { name: /^Get / }).first().waitFor();
  assert.equal(await row.count(), 0);
  page.assertClean();
}, { HF_ENDPOINT: endpoint }));

test('a model file can be dropped on the models', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('main').getByLabel('Choose a GGUF file').waitFor({ state: 'attached' });
  const transfer = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['Dear friend'], 'letter.gguf'));
    return data;
  });
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  await page.getByRole('alert').getByText('letter.gguf is no GGUF file.').waitFor();
  page.assertClean();
}));

test('on a phone the name of a model has the room that its buttons leave', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 360, height: 780 } });
  await page.getByRole('button', { name: 'Show the sidebar' }).click();
  await page.getByRole('link', { name: 'Models' }).click();
  const get = page.getByRole('button', { name: 'Get Qwen2.5 0.5B Instruct' });
  const row = page.getByRole('row').filter({ has: get });
  const name = await row.getByRole('rowheader').boundingBox();
  const button = await get.boundingBox();
  const whole = await row.boundingBox();
  assert.ok(name.width + button.width > whole.width * 0.9, `${name.width} and ${button.width} of ${whole.width}`);
  assert.ok(button.y < name.y + name.height && button.x >= name.x + name.width, 'they stand beside each other');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  page.assertClean();
}));

test('who answers is seen and chosen in the bar of the chat, also on a phone', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ viewport: { width: 360, height: 780 } });
  const client = await administrator(satchel);
  const tiny = await satchel.file('tiny.gguf', '');
  execFileSync(path.join(path.dirname(executable), 'examples', 'tiny_model'), [tiny]);
  const put = await fetch(`${satchel.origin}/api/models/tiny.gguf`, { method: 'PUT', headers: { authorization: `Bearer ${client.token}` }, body: await readFile(tiny) });
  assert.equal(put.status, 201);
  while (!(await client.send('GET', '/api/models')).models.every((one) => one.loaded)) await new Promise((resolve) => { setTimeout(resolve, 100); });
  await client.send('POST', '/api/models/unload');
  await page.reload();

  await page.getByRole('button', { name: 'Who answers: Quotes only' }).click();
  const dialog = page.getByRole('dialog', { name: 'Who shall answer?' });
  assert.equal(await dialog.getByLabel('Your documents themselves').isChecked(), true);
  const box = await dialog.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 360);
  const { title } = (await client.send('GET', '/api/models')).models[0];
  await dialog.getByRole('radio', { name: title }).check();
  await dialog.getByRole('button', { name: 'Use', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const bar = page.getByRole('main').getByRole('button', { name: /^Who answers: / });
  await page.waitForFunction(() => !/Quotes only|^$/.test(document.querySelector('.tag.model').getAttribute('aria-label')) && document.querySelector('.tag.model use').getAttribute('href') === '#model');
  assert.equal((await client.send('GET', '/api/status')).chat_model !== null, true);
  await bar.click();
  assert.equal(await dialog.getByRole('radio', { name: title }).isChecked(), true);
  await dialog.getByLabel('Your documents themselves').check();
  await dialog.getByRole('button', { name: 'Use', exact: true }).click();
  await page.getByRole('button', { name: 'Who answers: Quotes only' }).waitFor();
  await page.getByRole('button', { name: 'Who answers: Quotes only' }).click();
  await dialog.getByRole('link', { name: 'More models' }).click();
  await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  page.assertClean();
}));

test('a model file that is handed over is looked into, used and unloaded', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.getByRole('link', { name: 'Models' }).click();
  const main = page.getByRole('main');
  const picker = main.getByLabel('Choose a GGUF file');
  await picker.setInputFiles(await satchel.file('letter.gguf', 'Dear friend'));
  await main.getByRole('alert').getByText('letter.gguf is no GGUF file.').waitFor();
  await picker.setInputFiles(await satchel.file('broken.gguf', 'GGUF and nothing more'));
  await main.getByRole('alert').getByText(/broken\.gguf/).waitFor();

  const file = await satchel.file('tiny.gguf', '');
  execFileSync(path.join(path.dirname(executable), 'examples', 'tiny_model'), [file]);
  await picker.setInputFiles(file);
  await main.getByText('tiny.gguf is installed').waitFor();
  const row = main.getByRole('table', { name: 'Installed models' }).getByRole('row').filter({ hasText: 'tiny.gguf' });
  await row.getByText('In use').waitFor({ timeout: 60_000 });
  await row.getByText(/tokens\/s, estimated|measured/).waitFor();
  await row.getByRole('button', { name: /^Unload/ }).click();
  await main.getByText('Answers are quotes: no chat model is loaded.').waitFor();
  await row.getByRole('button', { name: /^Use/ }).click();
  await row.getByText('In use').waitFor({ timeout: 60_000 });
  page.assertClean();
}));

/** The built-in model made to pool by the first token: its vectors are others. */
async function otherEmbedder() {
  const bytes = await readFile(path.join(root, 'models', 'all-minilm-l6-v2.q8_0.gguf'));
  const key = 'bert.pooling_type';
  // Behind the key the type of the number, then the number.
  bytes[bytes.indexOf(key) + key.length + 4] = 2;
  return bytes;
}

test('another embedding model is chosen after its cost was said, and the documents stay', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  await page.getByRole('link', { name: 'Models' }).click();
  const main = page.getByRole('main');
  await main.getByLabel('Choose a GGUF file').setInputFiles(await satchel.file('other.gguf', await otherEmbedder()));
  await main.getByText('other.gguf is installed').waitFor();
  await main.getByRole('button', { name: 'Change what finds passages' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Model').selectOption('other.gguf');
  await dialog.getByText(/passages? (is|are) embedded anew, which takes about/).waitFor({ timeout: 30_000 });
  await dialog.getByRole('button', { name: 'Change', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const search = page.getByRole('region', { name: 'Search models' });
  await search.getByText('built in').waitFor({ state: 'detached', timeout: 60_000 });
  await search.getByRole('progressbar').waitFor({ state: 'detached', timeout: 90_000 });
  await page.getByRole('link', { name: 'Documents', exact: true }).click();
  await page.getByRole('row').filter({ hasText: 'lighthouse.md' }).getByText(/^Ready/).waitFor({ timeout: 60_000 });
}));
