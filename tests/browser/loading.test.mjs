// What the first load of the page costs, and what the next one does.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { test } from 'node:test';
import { LIGHTHOUSE, add, ask, withSatchel } from './support.mjs';

/** All that the page needs before one can type, in bytes over the wire. */
const FIRST_LOAD = 150_000;

/** The bytes of a body as they come over the wire, and their encoding. */
const wire = (url, encoding) => new Promise((resolve, reject) => {
  get(url, { headers: { 'accept-encoding': encoding } }, (response) => {
    let bytes = 0;
    response.on('data', (data) => { bytes += data.length; });
    response.on('end', () => resolve({ bytes, encoding: response.headers['content-encoding'] ?? '' }));
  }).on('error', reject);
});

/** What a page has asked the server for by now. */
const asked = (page) => page.evaluate(() => performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname));

test('the first load is small in every encoding', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  const paths = (await asked(page)).filter((path) => path.startsWith('/assets/'));
  assert.ok(paths.length > 10);
  for (const encoding of ['gzip', 'br']) {
    const sizes = await Promise.all(['/', ...paths].map((path) => wire(satchel.origin + path, encoding)));
    const total = sizes.reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(total <= FIRST_LOAD, `${total} bytes with ${encoding}`);
    assert.ok(sizes.filter((one) => one.encoding === encoding).length > paths.length / 2, `compressed with ${encoding}`);
  }
}));

test('all modules are named in the page, so that they load in one round trip', withSatchel(async (satchel) => {
  const html = await (await fetch(satchel.origin)).text();
  const named = new Set([...html.matchAll(/"(\/assets\/[^"]+\.js)"/g)].map((found) => found[1]));
  const page = await satchel.signedIn();
  const modules = (await asked(page)).filter((path) => path.endsWith('.js'));
  assert.deepEqual(modules.filter((path) => !named.has(path)), []);
  page.assertClean();
}));

test('the next load asks only whether the page has changed', withSatchel(async (satchel) => {
  const page = await satchel.signedIn();
  await page.reload();
  await page.getByLabel('Your question').waitFor();
  const fetched = await page.evaluate(() => performance.getEntriesByType('resource')
    .filter((one) => new URL(one.name).pathname.startsWith('/assets/') && one.transferSize > 0).map((one) => one.name));
  assert.deepEqual(fetched, []);
  page.assertClean();
}));

test('on a slow link the page works', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.addInitScript(() => localStorage.setItem('first-steps', 'done'));
  const session = await page.context().newCDPSession(page);
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 300, downloadThroughput: 50_000, uploadThroughput: 25_000 });
  await page.goto(satchel.link, { timeout: 60_000 });
  await page.getByRole('link', { name: 'Later' }).click();
  await page.getByLabel('Your question').fill('How do I make a backup?');
  await page.keyboard.press('Enter');
  const reply = page.getByRole('article', { name: /^Answer/ }).last();
  await reply.getByRole('button', { name: 'Copy answer with sources' }).waitFor({ timeout: 60_000 });
  page.assertClean();
}));

test('the page can be installed', withSatchel(async (satchel) => {
  const page = await satchel.open();
  await page.goto(satchel.origin);
  const session = await page.context().newCDPSession(page);
  const { data, errors } = await session.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const manifest = JSON.parse(data);
  assert.equal(manifest.display, 'standalone');
  const base = await page.locator('link[rel=manifest]').evaluate((link) => link.href);
  for (const icon of manifest.icons) {
    const response = await fetch(new URL(icon.src, base));
    assert.equal(response.headers.get('content-type'), icon.type, icon.src);
  }
  page.assertClean();
}));

test('an answer prints with its sources and without the controls', withSatchel(async (satchel) => {
  const page = await satchel.signedIn({ colorScheme: 'dark' });
  await add(page, await satchel.file('lighthouse.md', LIGHTHOUSE));
  const reply = await ask(page, 'Who built the lighthouse of Skerry Point?');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  assert.equal(await page.getByLabel('Your question').isVisible(), false);
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).isVisible(), false);
  assert.equal(await page.getByRole('button', { name: 'Send' }).isVisible(), false);
  assert.equal(await reply.getByRole('blockquote').first().isVisible(), true);
  assert.equal(await reply.locator('.src li').first().isVisible(), true);
  const ink = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--ink').trim());
  assert.equal(ink, '#1b1d1f', 'dark ink on white paper');
  const box = await reply.boundingBox();
  const scroll = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(scroll >= box.y + box.height, 'all of it is on the paper');
}));
