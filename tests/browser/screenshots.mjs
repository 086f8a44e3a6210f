// Pictures of every view, light and dark, narrow and wide, in tests/browser/output.
//   node tests/browser/screenshots.mjs [NAME...]   only views whose name begins so

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { withSatchel } from './support.mjs';
import { THEMES, VIEWS, WIDTHS, everyView, output, prepare } from './views.mjs';

const wanted = process.argv.slice(2);

await mkdir(output, { recursive: true });
if (wanted.length) {
  const chosen = VIEWS.filter((view) => wanted.some((name) => view.name.startsWith(name)));
  VIEWS.splice(0, VIEWS.length, ...chosen);
}
await withSatchel(async (satchel) => {
  const world = await prepare(satchel);
  for (const colorScheme of THEMES) {
    for (const width of WIDTHS) {
      await everyView(satchel, world, { colorScheme, viewport: { width, height: width > 800 ? 900 : 780 } }, async (page, view) => {
        await page.screenshot({ path: path.join(output, `${view.name}-${colorScheme}-${width}.png`) });
      });
    }
  }
})();
console.log(`${VIEWS.length * THEMES.length * WIDTHS.length} pictures in ${output}`);
