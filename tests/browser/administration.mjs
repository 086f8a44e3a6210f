// What tests of the administration share.

import { readFile } from 'node:fs/promises';

/** Opens a part of the administration. */
export async function open(page, part) {
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('tab', { name: part, exact: true }).click();
  return page.getByRole('tabpanel');
}

/** What the browser was given to keep. */
export async function saved(page, press) {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** How wide the page has become, in pixels. */
export const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth);
