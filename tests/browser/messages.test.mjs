import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flaws, languages, scripts, textsOf } from './messages.mjs';

test('every text that a person sees goes through the message files', () => {
  const raw = scripts().flatMap((name) => textsOf(name).raw);
  assert.deepEqual(raw, []);
});

test('texts are written out where they are used, so that they can be collected', () => {
  assert.deepEqual(scripts().flatMap((name) => textsOf(name).wrong), []);
});

for (const language of languages()) {
  test(`messages of ${language} are complete, fit their texts, and hold nothing else`, () => {
    assert.deepEqual(flaws(language), { missing: [], stale: [], unfit: [] });
  });
}
