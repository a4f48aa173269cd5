/**
 * node:crypto and WebCrypto: randomness, generated keys, signatures, and the completion of jobs that run on other threads.
 *
 * Invariant: what only computes runs for real at replay when it is synchronous; what is random, depends on the machine or
 * completes later is answered from the trace. Keys cross as their exported bytes and are made again from them.
 */
import type { Boundary } from '../../core';
import { installAnswers } from './answers';
import { installKeyExchange } from './exchange';
import { installJobs } from './jobs';
import { keyCodec } from './keys';
import { installStores } from './stores';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('crypto', (binding) => {
    const keys = keyCodec(boundary.host, binding);
    installJobs(boundary, binding, keys);
    installStores(boundary, binding, keys);
    installAnswers(boundary, binding);
    installKeyExchange(boundary, binding);
  });
}
