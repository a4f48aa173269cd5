// All that the VM knows of the outside. The replayer implements it; the VM calls nothing else that is not a guest value.

export interface VmHost {
  /** Evaluates JavaScript text natively in the guest's realm, as a sloppy script, and answers its value. */
  evalInRealm(source: string, filename: string): unknown;
  /**
   * Entries of the run loop that fit on the native stack, one on the other: guest functions called by built-ins that guest functions
   * called. About 3.5 KB each; 250 suit V8's usual stack, 1800 a process started with --stack-size=7000 (8 MB of stack).
   */
  readonly nestingLimit?: number;
  /** Bytes of stack that V8 had for the program. Without it 984 KB, what it has by default. */
  readonly stackBytes?: number;
  /** Runs something with no more than so many bytes of native stack. */
  withStack?<T>(bytes: number, run: () => T): T;
  /**
   * Compiles natively, without running, a function of these parameters or (null) a script, and throws what V8 throws: the guest's syntax
   * errors get V8's words by it.
   */
  compileNatively?(source: string, filename: string, params: readonly string[] | null): void;
  /** The program has a text that V8 takes and the VM's parser does not: it cannot go on. Without it the text is a SyntaxError. */
  refused?(file: string, reason: string): never;
  /** `import(specifier)` or `import.source(specifier)` from guest code; a promise of the guest's realm. Without it import() rejects. */
  dynamicImport?(specifier: unknown, options: unknown, referrer: string, isSource: boolean): unknown;
  /** V8's name for the constructor of an object, for stacks; without it they name what `constructor` says. */
  constructorName?(object: object): string;
  /** Calls callable(...args) and notes where V8 says an exception was thrown that comes out of it; V8 forgets when the VM catches it. */
  observe?: ((callable: (...args: never[]) => unknown, ...args: unknown[]) => unknown) | undefined;
  /** Whether a native frame is there only because the VM is: stacks leave it out. */
  isExtraFrame?(script: string, functionName: string | null): boolean;
  /** Node's async ids: of the resource whose callback runs, and the last one given out. Tells apart registrations of one function. */
  readonly asyncIds?: { current(): number; last(): number };
  /** Whether a value is a Proxy; without it stacks may run traps. */
  isProxy?(value: unknown): boolean;
}
