// Makes the PNG icons of an installed page from static/icon.svg.
//   node tests/browser/icons.mjs

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'static');
const PAPER = '#fbfbf9';
const INK = '#1b1d1f';

/** Side in pixels, and how much of it the drawing fills: what is masked keeps to the middle. */
const ICONS = [['icon-192.png', 192, 0.8], ['icon-512.png', 512, 0.8], ['icon-maskable-512.png', 512, 0.56], ['icon-180.png', 180, 0.72]];

const svg = (await readFile(path.join(folder, 'icon.svg'), 'utf8')).replaceAll('#63676b', INK);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
for (const [name, side, share] of ICONS) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  const inset = Math.round((side * (1 - share)) / 2);
  await page.setContent(`<body style="margin:0;background:${PAPER};color:${INK}"><div style="padding:${inset}px">${svg}</div>`);
  await page.addStyleTag({ content: `svg { display: block; width: ${side - 2 * inset}px; height: ${side - 2 * inset}px }` });
  await writeFile(path.join(folder, name), await page.screenshot());
  await page.close();
}
await browser.close();
