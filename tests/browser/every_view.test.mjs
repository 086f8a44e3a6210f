// What must hold on every view, light and dark, narrow and wide.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';
import { THEMES, WIDTHS, everyView, prepare } from './views.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The share of the window that may move by itself while a view is shown. */
const LAYOUT_SHIFT = 0.02;

/** Counts what moves without the reader having done anything. */
const watchShifts = () => {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts += one.value;
  }).observe({ type: 'layout-shift', buffered: true });
};

/** What reaches over the edge of the window, and is not in something that scrolls. */
const tooWide = () => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return [];
  return [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className} by ${wide}`);
};

for (const theme of THEMES) {
  for (const width of WIDTHS) {
    test(`no view breaks a rule of accessibility, ${theme}, ${width} pixels wide`, { timeout: 600_000 }, withSatchel(async (satchel) => {
      const world = await prepare(satchel);
      const broken = [];
      await everyView(satchel, world, { colorScheme: theme, viewport: { width, height: 900 } }, async (page, view) => {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        for (const one of violations) {
          for (const node of one.nodes.slice(0, 3)) broken.push(`${view.name}: ${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`);
        }
      });
      assert.deepEqual(broken, []);
    }));
  }
}

for (const direction of ['ltr', 'rtl']) {
  test(`at 360 pixels no view is wider than the window or moves by itself, ${direction}`, { timeout: 600_000 }, withSatchel(async (satchel) => {
    const world = await prepare(satchel);
    const wrong = [];
    const options = { viewport: { width: 360, height: 800 }, locale: 'en' };
    await everyView(satchel, world, options, async (page, view) => {
      if (direction === 'rtl') await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
      wrong.push(...(await page.evaluate(tooWide)).map((one) => `${view.name}: ${one}`));
    });
    assert.deepEqual(wrong, []);
  }));
}

test('no view moves by itself while it is shown', { timeout: 600_000 }, withSatchel(async (satchel) => {
  const world = await prepare(satchel);
  const wrong = [];
  for (const width of WIDTHS) {
    await everyView(satchel, world, { viewport: { width, height: 900 } }, async (page, view) => {
      // Loaded anew, so that everything arrives late.
      await page.context().addInitScript(watchShifts);
      await page.reload();
      await page.locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {});
      const shifts = await page.evaluate(() => window.shifts);
      if (shifts > LAYOUT_SHIFT) wrong.push(`${view.name}, ${width}: ${shifts.toFixed(3)}`);
    });
  }
  assert.deepEqual(wrong, []);
}));
