// Development entry: runs a CommonJS program with all its user modules in the VM and Node's own require.
// Usage: node dist/interpreter/vm/run.test-support.js program.js [arguments]
import Module from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import { Vm } from './index';

interface Internals {
  _compile(content: string, filename: string): unknown;
}

/** A Vm in this process's main realm whose modules are compiled by it. */
export function installVm(): Vm {
  const machine = new Vm({ evalInRealm: (source, filename) => vm.runInThisContext(source, { filename }) });
  const prototype = Module.prototype as unknown as Internals;
  prototype._compile = function (this: NodeModule, content: string, filename: string) {
    const body = machine.compileFunction(content, filename, ['exports', 'require', 'module', '__filename', '__dirname']);
    const make = Module.createRequire(filename);
    const require = Object.assign((id: string) => (this as unknown as { require(id: string): unknown }).require(id), {
      resolve: make.resolve,
      main: process.mainModule,
      extensions: make.extensions,
      cache: make.cache,
    });
    return Reflect.apply(body, this.exports, [this.exports, require, this, filename, path.dirname(filename)]);
  };
  return machine;
}

if (require.main === module) {
  const program = path.resolve(process.argv[2] as string);
  process.argv.splice(1, 2, program);
  installVm();
  (Module as unknown as { _load(file: string, parent: null, isMain: boolean): void })._load(program, null, true);
}
