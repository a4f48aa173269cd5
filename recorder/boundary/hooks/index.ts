/**
 * All hook files, in the order in which they are installed: the same in both modes.
 */
import type { Boundary } from '../core';
import * as addons from './addons';
import * as compiled from './compiled';
import * as blob from './blob';
import * as crypto from './crypto/index';
import * as destroy from './destroy';
import * as dgram from './dgram';
import * as dns from './dns';
import * as fs from './fs';
import * as fsDir from './fs-dir';
import * as fsEvents from './fs-events';
import * as fsJobs from './fs-jobs';
import * as gc from './gc';
import * as http from './http';
import * as http2 from './http2';
import * as inspector from './inspector';
import * as introspection from './introspection';
import * as jsStream from './js-stream';
import * as loaderThread from './loader-thread';
import * as messaging from './messaging';
import * as net from './net';
import * as performance from './performance';
import * as process from './process';
import * as serdes from './serdes';
import * as realms from './realms';
import * as signals from './signals';
import * as stdio from './stdio';
import * as streamPipe from './stream-pipe';
import * as temporal from './temporal';
import * as time from './time';
import * as timers from './timers';
import * as tls from './tls';
import * as wasm from './wasm';
import * as zlib from './zlib';

/** Hooks that need nothing but the boundary. exits, stacks, modules, children and statics have parameters: see ../index.ts. */
export const HOOKS: readonly { install(boundary: Boundary): void }[] = [
  fs,
  fsDir,
  fsJobs,
  timers,
  time,
  temporal,
  performance,
  process,
  introspection,
  inspector,
  stdio,
  signals,
  crypto,
  gc,
  net,
  tls,
  http,
  http2,
  streamPipe,
  dns,
  zlib,
  wasm,
  dgram,
  fsEvents,
  jsStream,
  messaging,
  blob,
  loaderThread,
  compiled,
  realms,
  serdes,
  destroy,
  addons,
];
