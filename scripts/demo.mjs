/**
 * `npm run demo`: the point of the project in a few seconds. Records a program that crashes on what a language model answered, takes the model
 * and the program's folder away, and shows the answer from the recording alone. Prints the commands a person would type; ends with 0 only if
 * the text that caused the crash was found.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist/cli/main.js');
const bold = process.stdout.isTTY ? (text) => `\u001b[1m${text}\u001b[22m` : (text) => text;

const explain = (text) => console.log(`\n${bold(text)}`);
const indent = (text) => text.replace(/\n$/, '').replace(/^/gm, '    ');

function retrace(words, options) {
  console.log(`\n  $ retrace ${words.join(' ')}`);
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [cli, ...words], { encoding: 'utf8', ...options });
  if (error) throw error;
  return { stdout, stderr, status };
}

const place = realpathSync(mkdtempSync(join(tmpdir(), 'retrace-demo-')));
const app = join(place, 'app');
cpSync(join(root, 'fixtures/llm-intent'), app, { recursive: true });

const model = spawn(process.execPath, ['server.js'], { cwd: app, stdio: ['ignore', 'pipe', 'inherit'] });
const stopped = new Promise((resolve) => model.once('close', resolve));
try {
  const [line] = await new Promise((resolve, reject) => {
    model.once('close', (code) => reject(new Error(`the fixture's model server ended with ${code}`)));
    createInterface({ input: model.stdout }).once('line', (text) => resolve([text]));
  });
  const url = `http://127.0.0.1:${line.replace('ready ', '')}/v1/chat`;

  explain('1. In production: a program that sorts messages with a language model is recorded, and crashes.');
  const recorded = retrace(['record', '-o', '../recording', 'app.js'], { cwd: app, env: { ...process.env, LLM_URL: url } });
  console.log(indent(recorded.stdout));
  console.log(indent(recorded.stderr));
  console.log(`  exit code ${recorded.status}`);

  explain('2. The model is stopped and the program is moved away: what is left is the recording.');
  model.kill();
  await stopped;
  renameSync(app, join(place, 'gone'));

  explain('3. Anywhere else: the same run, from the recording alone, inside the interpreter.');
  const replayed = retrace(['replay', './recording'], { cwd: place });
  const same = replayed.stdout === recorded.stdout && replayed.stderr === recorded.stderr && replayed.status === recorded.status;
  console.log(`    output and exit code ${same ? 'are the same to the byte' : 'DIFFER'}`);

  explain('4. It died in JSON.parse, app.js line 12. Stop there and look: what had the model answered?');
  const words = ['interpret', './recording', '--stop-at', 'app.js:12', '--eval', 'response.length'];
  const stop = retrace(words, { cwd: place });
  console.log(indent(stop.stdout + stop.stderr));
  const json = spawnSync(process.execPath, [cli, ...words, '--json'], { cwd: place, encoding: 'utf8' });
  const text = json.status === 0 ? JSON.parse(json.stdout).locals.response.value : undefined;

  explain('5. The text that caused the crash:');
  console.log(`\n    ${text}\n`);
  if (!same || recorded.status !== 1 || typeof text !== 'string' || !text.startsWith('Sure!')) {
    console.error('the demo did not find what it should have');
    process.exitCode = 1;
  }
} finally {
  model.kill();
  rmSync(place, { recursive: true, force: true });
}
