/**
 * Installs every hook, in the one order that both modes share.
 */
import { dirname } from 'node:path';
import type { Boundary } from './core';
import { Guard, type OnForbidden } from './guard';
import { HOOKS } from './hooks';
import * as exits from './hooks/exits';
import * as ipc from './hooks/ipc';
import * as esModules from './hooks/esm-modules';
import * as modules from './hooks/modules';
import * as spawn from './hooks/process-spawn';
import * as stacks from './hooks/stacks';
import type { InheritedOutputs } from './inherited';

/** Compiled JavaScript of this package: its frames and modules are hidden. */
export const OWN_FOLDER = dirname(dirname(__dirname)) + '/';

export interface InstallOptions {
  readonly exits: exits.ExitEvents;
  /** See hooks/process-spawn.ts. */
  onReplaced(): void;
  readonly children?: spawn.ChildEvents | undefined;
  /** Record: see inherited.ts. */
  readonly inherited?: InheritedOutputs | undefined;
  /** Record: see guard.ts. */
  readonly onForbidden?: OnForbidden | undefined;
  readonly compileModule?: modules.CompileModule | undefined;
  readonly compileEsModule?: esModules.CompileEsModule | undefined;
  readonly rewriteStack?: stacks.RewriteStack | undefined;
}

export function installHooks(boundary: Boundary, options: InstallOptions): void {
  const guard = new Guard(boundary, options.onForbidden);
  stacks.install(boundary, options.rewriteStack);
  for (const hook of HOOKS) hook.install(boundary);
  spawn.install(boundary, options, options.children, options.inherited);
  ipc.install(boundary);
  exits.install(boundary, options.exits);
  modules.install(boundary, options.compileModule);
  if (options.compileEsModule !== undefined) esModules.install(boundary, options.compileEsModule);
  guard.finish();
}
