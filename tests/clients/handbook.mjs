// Every example of the handbook's chapter on the API, run as it stands: those
// for curl in one shell, from top to bottom, and each of those for JavaScript.
// OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom, as for OpenAI's clients.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const origin = process.env.OPENAI_BASE_URL.replace(/\/v1$/, '');
const key = process.env.OPENAI_API_KEY;
const here = new URL('.', import.meta.url);

const chapter = await readFile(new URL('../../static/handbook/05-api.md', here), 'utf8');
const blocks = [...chapter.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, text]) => text.replaceAll('http://127.0.0.1:8080', origin));
const shell = blocks.filter((text) => /(^|\s|\()curl /m.test(text));
const scripts = blocks.filter((text) => /\bfetch\(|new EventSource\(|new OpenAI\(/.test(text));

/** What the examples ask about. */
const LIGHTS = '# Lights\n\nThe lamp burns colza oil. The report was filed in 1874. The filing date is the second of March.\n';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'satchel-handbook-'));
  await writeFile(join(folder, 'lights.md'), LIGHTS);
  await copyFile(new URL('../fixtures/documents/groff.pdf', here), join(folder, 'report.pdf'));
  // The examples do not wait until what they upload can be found.
  const headers = { Authorization: `Bearer ${key}` };
  const form = new FormData();
  form.append('file', new File([LIGHTS], 'lights.md'));
  form.append('module', 'Harbours');
  await fetch(`${origin}/documents/upload`, { method: 'POST', headers, body: form });
  for (let pending = 1; pending; ) {
    pending = (await (await fetch(`${origin}/api/status`, { headers })).json()).jobs_pending;
    await setTimeout(50);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

test('the chapter has examples of both kinds', () => {
  assert.ok(shell.length > 10 && scripts.length > 6, `${shell.length} for curl, ${scripts.length} for JavaScript`);
});

test('the examples for curl', async () => {
  const prelude = [
    'set -eu',
    'satchel() { printf %s "$KEY"; }',
    'curl() { command curl --fail-with-body --silent --show-error "$@" || { echo "curl $*" >&2; return 1; }; }',
  ];
  const env = { ...process.env, KEY: key, TOKEN: key };
  await run('bash', ['-c', [...prelude, ...shell].join('\n')], { cwd: folder, env, maxBuffer: 1 << 26 });
});

test('the examples for JavaScript', async (context) => {
  const prelude = `
    import { EventSource } from 'eventsource';
    const token = process.env.OPENAI_API_KEY, KEY = token, question = 'When was the report filed?';
    const send = fetch;
    globalThis.fetch = async (...given) => {
      const response = await send(...given);
      if (!response.ok) throw new Error(response.status + ' ' + (await response.text()));
      return response;
    };\n`;
  for (const [index, script] of scripts.entries()) {
    await context.test(`number ${index + 1}`, async () => {
      const { stdout } = await run('node', ['--input-type=module', '-e', prelude + script], { cwd: here });
      assert.ok(stdout.trim(), script);
    });
  }
});
