// What must hold on every view, light and dark, narrow and wide: no rule of
// accessibility is broken, and on a phone nothing is wider than the window.
// What must hold while a view appears is in every_view_steady.test.mjs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';
import { THEMES, WIDTHS, everyView, prepare, tooWide } from './views.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Of two themes one is measured: colours have no width. */
const measured = (theme, width) => theme === 'light' && width === 360;

for (const theme of THEMES) {
  for (const width of WIDTHS) {
    const also = measured(theme, width) ? ', or is wider than the window' : '';
    test(`no view breaks a rule of accessibility${also}, ${theme}, ${width} pixels wide`, { timeout: 600_000 }, withSatchel(async (satchel) => {
      const world = await prepare(satchel);
      const broken = [];
      const wide = [];
      await everyView(satchel, world, { colorScheme: theme, viewport: { width, height: 900 }, locale: 'en' }, async (page, view) => {
        if (measured(theme, width)) wide.push(...(await page.evaluate(tooWide)).map((one) => `${view.name}: ${one}`));
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        for (const one of violations) {
          for (const node of one.nodes.slice(0, 3)) broken.push(`${view.name}: ${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`);
        }
      });
      assert.deepEqual({ broken, wide }, { broken: [], wide: [] });
    }));
  }
}
