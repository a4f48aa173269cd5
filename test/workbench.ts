// One fixture case on one Node version, from a temporary copy of the fixture: run plainly, recorded, and replayed from a copy of the recording
// with the program, its servers and the network gone. Used by the fixture tests.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { drive, fill, startServers, type Command, type Outcome } from './drive.js';
import { root, type Fixture, type FixtureCase } from './fixture.js';
import { withoutNetwork } from '../recorder/isolation.test-support.js';
import type { NodeUnderTest } from './nodes.js';

const cli = path.join(root, 'dist/cli/main.js');

export class Workbench {
  private readonly directory: string;
  private readonly app: string;
  private scratch = '';
  private values = new Map<string, string>();
  private stopServers: (() => Promise<void>) | undefined;

  constructor(
    readonly fixture: Fixture,
    readonly one: FixtureCase,
    readonly node: NodeUnderTest,
  ) {
    this.directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), `retrace-test-${fixture.name}-`)));
    this.app = path.join(this.directory, 'app');
    fs.cpSync(fixture.directory, this.app, { recursive: true, verbatimSymlinks: true });
  }

  get recording(): string {
    return path.join(this.directory, 'recording');
  }

  /** Where replays find the recording: another place than where it was made. */
  get copy(): string {
    return path.join(this.directory, 'elsewhere', 'copied');
  }

  async runPlainly(): Promise<Outcome> {
    return this.withSurroundings(() =>
      drive(
        { words: [this.node.binary, ...this.nodeFlags(), ...this.program()], ...this.place() },
        { fixture: this.fixture, case: this.one },
      ),
    );
  }

  async record(...flags: string[]): Promise<Outcome> {
    return this.withSurroundings(() =>
      drive(
        {
          words: [this.node.binary, cli, 'record', '-o', this.recording, ...this.recordFlags(flags), '--', ...this.program()],
          ...this.place(),
        },
        { fixture: this.fixture, case: this.one },
      ),
    );
  }

  /** Recorded by environment alone, as in production: no launcher, no flags. */
  async recordByEnvironment(): Promise<Outcome> {
    return this.withSurroundings(() => {
      const { cwd, env } = this.place();
      const preload = `--require ${JSON.stringify(path.join(root, 'dist/recorder/register.js'))}`;
      const words = [this.node.binary, ...this.nodeFlags(), ...this.program()];
      return drive(
        { words, cwd, env: { ...env, NODE_OPTIONS: preload, RETRACE_RECORDING_PATH: this.recording } },
        { fixture: this.fixture, case: this.one },
      );
    });
  }

  /** Takes the program's world away: app folder, scratch folder, the recording's first place. */
  moveAway(): void {
    fs.mkdirSync(path.dirname(this.copy));
    fs.cpSync(this.recording, this.copy, { recursive: true });
    fs.renameSync(this.recording, path.join(this.directory, 'recording-was-here'));
    fs.renameSync(this.app, path.join(this.directory, 'app-was-here'));
  }

  async retrace(...words: string[]): Promise<Outcome> {
    return drive(this.command(...words));
  }

  async replay(engine: 'native' | 'vm'): Promise<Outcome> {
    return this.retrace('replay', this.copy, '--engine', engine);
  }

  /** Replayed with nobody reading what it prints. */
  async replayUnheard(engine: 'native' | 'vm'): Promise<Outcome> {
    return drive({ ...this.command('replay', this.copy, '--engine', engine), deaf: true });
  }

  /** Replayed with files as standard output and error, whatever they were when it was recorded. */
  async replayToFiles(engine: 'native' | 'vm'): Promise<Outcome> {
    const [out, err] = ['out', 'err'].map((name) => path.join(this.directory, `${name}-${engine}`));
    const shell = ['sh', '-c', 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"', 'sh', out, err];
    const command = this.command('replay', this.copy, '--engine', engine);
    const outcome = await drive({ ...command, words: [...shell, ...command.words] });
    return { ...outcome, stdout: fs.readFileSync(out), stderr: fs.readFileSync(err) };
  }

  async dispose(): Promise<void> {
    await this.stopServers?.();
    if (process.env.RETRACE_TEST_KEEP !== '1') fs.rmSync(this.directory, { recursive: true, force: true });
  }

  private command(...words: string[]): Command {
    const elsewhere = path.join(this.directory, 'elsewhere');
    return {
      words: [...withoutNetwork(), this.node.binary, cli, ...words],
      cwd: elsewhere,
      // As little as possible of what the recorded program had, and some of it different.
      env: { PATH: process.env.PATH, HOME: elsewhere, TZ: 'Pacific/Auckland', LANG: 'C' },
    };
  }

  private nodeFlags(): string[] {
    return (this.one.flags ?? []).map((flag) => fill(flag, this.values));
  }

  private recordFlags(flags: readonly string[]): string[] {
    return [...this.nodeFlags().map((flag) => `--node-flag=${flag}`), ...flags];
  }

  private program(): string[] {
    return [this.one.script, ...this.one.args.map((word) => fill(word, this.values))];
  }

  private place(): { cwd: string; env: Record<string, string | undefined> } {
    const env: Record<string, string | undefined> = {
      PATH: process.env.PATH,
      HOME: this.directory,
      TZ: 'Asia/Kathmandu',
      LANG: 'de_CH.UTF-8',
    };
    for (const [name, value] of Object.entries({ ...this.fixture.env, ...this.one.env })) env[name] = fill(value, this.values);
    return { cwd: this.app, env };
  }

  private async withSurroundings(run: () => Promise<Outcome>): Promise<Outcome> {
    const { values, stop } = await startServers(this.fixture);
    this.values = values;
    values.set('app', this.app);
    this.stopServers = stop;
    if (this.fixture.scratch) {
      this.scratch = path.join(this.directory, 'scratch');
      fs.mkdirSync(this.scratch);
      values.set('scratch', this.scratch);
    }
    try {
      return await run();
    } finally {
      await stop();
      if (this.scratch) fs.rmSync(this.scratch, { recursive: true, force: true });
    }
  }
}
