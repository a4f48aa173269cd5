/**
 * The code blocks that have been compiled, for those who put instructions of their own into them (tracking.ts). Filled by `prepare`.
 *
 * Invariant: while nobody debugs, nothing is kept.
 */
import type { CodeBlock } from '../bytecode';

interface CodeBlocks {
  /** Whether they are kept. */
  keep: boolean;
  compiled: CodeBlock[];
  onCompile: ((block: CodeBlock) => void) | null;
}

export const codeBlocks: CodeBlocks = { keep: false, compiled: [], onCompile: null };
