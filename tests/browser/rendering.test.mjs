// What the server renders of Markdown, as the page shows it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSatchel } from './support.mjs';
import { administrator } from './views.mjs';

const MARKDOWN = `The bearings are listed below.[^when]

| Bearing | Limit |
|---------|------:|
| Drive end | 7.1 |

\`\`\`rust
// Never more than the limit.
fn trip(speed: f64) -> bool { speed > 7.1 }
\`\`\`

The area is $\\pi r^2$, and

$$\\frac{a}{b}$$

[a page](https://example.org/) and [a trap](javascript:alert(1))

[^when]: As of March.
`;

/** A chat of ChatGPT, with this answer. */
const chatOf = (answer) => {
  const node = (parent, role, words) => ({ parent, children: [], message: { author: { role }, create_time: 1.7e9, content: { content_type: 'text', parts: [words] } } });
  return [{ id: 'm', title: 'Bearings', create_time: 1.7e9, current_node: 'b', mapping: { a: node(null, 'user', 'Which bearings?'), b: node('a', 'assistant', answer) } }];
};

test('tables, code, formulas and footnotes are shown, and code is copied', withSatchel(async (satchel) => {
  const client = await administrator(satchel);
  await client.send('POST', '/api/sessions/import', chatOf(MARKDOWN));
  const page = await satchel.signedIn({ permissions: ['clipboard-read', 'clipboard-write'] });
  await page.getByRole('group', { name: 'Chats' }).getByRole('link', { name: 'Bearings' }).click();
  const answer = page.getByRole('article').last();
  await answer.getByRole('columnheader', { name: 'Limit' }).waitFor();
  assert.equal(await answer.getByRole('cell', { name: '7.1' }).evaluate((one) => getComputedStyle(one).textAlign), 'end');
  await answer.getByRole('button', { name: 'Copy code' }).click();
  await page.getByText('Copied').first().waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^\/\/ Never more than the limit\.\nfn trip/);
  assert.equal(await answer.locator('math').count(), 2);
  assert.equal(await answer.locator('math mfrac').count(), 1);
  assert.ok(await answer.locator('math').last().evaluate((one) => one.getBoundingClientRect().height > 20), 'a fraction is drawn as one');
  await answer.getByRole('link', { name: 'when', exact: true }).click();
  await page.waitForFunction(() => document.activeElement?.textContent.includes('As of March.'));
  const link = answer.getByRole('link', { name: 'a page' });
  assert.equal(await link.getAttribute('href'), 'https://example.org/');
  assert.match(await link.getAttribute('rel'), /noopener/);
  assert.equal(await answer.getByRole('link', { name: 'a trap' }).count(), 0);
  page.assertClean();
}));
