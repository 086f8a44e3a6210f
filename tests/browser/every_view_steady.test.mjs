// What must hold while a view appears: nothing moves by itself; and, written from
// right to left on a phone, nothing is wider than the window. Accessibility and
// the width from left to right are in every_view.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';
import { WIDTHS, everyView, prepare, tooWide } from './views.mjs';

/** The share of the window that may move by itself while a view is shown. */
const LAYOUT_SHIFT = 0.02;

/** Counts what moves without the reader having done anything. Runs in the page. */
function watchShifts() {
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts += one.value;
  }).observe({ type: 'layout-shift', buffered: true });
}

for (const width of WIDTHS) {
  test(`no view moves by itself while it is shown, ${width} pixels wide`, { timeout: 600_000 }, withSatchel(async (satchel) => {
    const world = await prepare(satchel);
    const wrong = [];
    const watched = new WeakSet();
    await everyView(satchel, world, { viewport: { width, height: 900 } }, async (page, view) => {
      const context = page.context();
      // The views of a role share their context: a second script would count each move twice.
      if (!watched.has(context)) {
        watched.add(context);
        await context.addInitScript(watchShifts);
      }
      // Loaded anew, so that everything arrives late.
      await page.reload();
      await page.locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {});
      const shifts = await page.evaluate(() => window.shifts);
      if (shifts > LAYOUT_SHIFT) wrong.push(`${view.name}, ${width}: ${shifts.toFixed(3)}`);
    });
    assert.deepEqual(wrong, []);
  }));
}

test('from right to left at 360 pixels no view is wider than the window', { timeout: 600_000 }, withSatchel(async (satchel) => {
  const world = await prepare(satchel);
  const wrong = [];
  await everyView(satchel, world, { viewport: { width: 360, height: 800 }, locale: 'en' }, async (page, view) => {
    await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
    wrong.push(...(await page.evaluate(tooWide)).map((one) => `${view.name}: ${one}`));
  });
  assert.deepEqual(wrong, []);
}));
