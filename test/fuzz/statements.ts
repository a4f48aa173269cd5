/** Random statements: the bodies of programs, functions and blocks. Called by every part of the generator. */
import { expression, generatorCall, key, list, memberOf, promise, target, value } from './expressions';
import { classText, functionText } from './functions';
import type { Maker } from './maker';
import { pattern } from './patterns';
import { as, block, CALL, COMMA, inside, Scope, SHIFT, type Type, type Variable, type Where } from './where';

const TYPES: readonly Type[] = ['num', 'num', 'str', 'obj', 'arr', 'fn', 'gen', 'async', 'iter', 'any'];

/** Declarations that everything else of a program may use, then parts that do not stop one another. */
export function top(g: Maker, where: Where): string {
  const { random } = g;
  const parts: string[] = [];
  // Each part has a budget of its own, so that the last is not all leaves.
  const part = (make: () => string): void => {
    g.budget = random.between(12, 45);
    parts.push(make());
  };
  for (let i = random.between(2, 5); i > 0; i--) part(() => shared(g, where));
  for (let i = random.between(3, 8); i > 0; i--) part(() => section(g, where));
  return parts.join('\n');
}

/** A declaration that does not end the program, whatever it does. */
function shared(g: Maker, where: Where): string {
  const { random } = g;
  const type = random.pick([...TYPES, 'ctor', 'ctor', 'ctor'] as const);
  const name = g.fresh(type.slice(0, 1));
  if (/^(?:fn|gen|async)$/.test(type)) {
    g.declare(where, name, type);
    return functionText(g, where, { declaration: true, name, generator: type === 'gen', async: type === 'async' });
  }
  const variable = g.declare(where, name, type, false, false);
  const text = `try { var ${name} = ${value(g, where, type)}; } catch (e) { log('${name}', e); }`;
  variable.live = true;
  return text;
}

function section(g: Maker, where: Where): string {
  const { random } = g;
  const inner = block(where);
  const id = random.between(1, 99);
  return random.choose<string>([
    [
      4,
      () => {
        const asynchronous = inside(inner, { awaits: true, isAsync: true, returns: true, level: 1, args: false });
        return `(async () => {\n${program(g, asynchronous)}\n})().then((v) => log('done ${id}', v), (e) => log('failed ${id}', e));`;
      },
    ],
    [6, () => `try {\n${program(g, inner)}\n} catch (e) { log('caught', e); }`],
    [
      2,
      () =>
        `try {\nlog(${functionText(g, where, { body: true, name: g.fresh('F') }).replace(/^/, '(')})(${list(g, where)}));\n} catch (e) { log('caught', e); }`,
    ],
    [random.chance(20) ? 1 : 0, () => statement(g, inside(where, { depth: where.depth + 3 }))],
  ]);
}

/** A list of statements in the scope of `where`. */
export function program(g: Maker, where: Where): string {
  const { random } = g;
  const parts: string[] = [];
  const count = random.between(1, where.depth > 5 ? 2 : where.depth > 3 ? 3 : 5);
  for (let i = 0; i < count; i++) parts.push(statement(g, where));
  return parts.join('\n');
}

/** The body of a function, which may return. */
export function body(g: Maker, where: Where): string {
  const text = program(g, where);
  return where.returns && g.random.chance(60) ? `${text}\nreturn ${as(expression(g, where), COMMA)};\n` : `${text}\n`;
}

const braces = (g: Maker, where: Where): string => `{\n${program(g, block(where))}\n}`;

function isAmbiguous(text: string): boolean {
  return /^(?:\{|function|class|let\b|async function)/.test(text);
}

function effect(text: string): string {
  return isAmbiguous(text) ? `(${text});` : `${text};`;
}

export function statement(g: Maker, where: Where): string {
  const { random } = g;
  if (g.spent(where)) return random.chance(50) ? `log(${value(g, where)});` : effect(`${target(g, where, 'num')} = ${value(g, where)}`);
  const deep = where.depth > 6 ? 0 : 1;
  return random.choose<string>([
    [16, () => `log(${list(g, where)});`],
    [10, () => effect(as(expression(g, where), COMMA))],
    [12, () => declaration(g, where)],
    [4 * deep, () => ifStatement(g, where)],
    [14 * deep, () => tryStatement(g, where)],
    [12 * deep, () => loopStatement(g, where)],
    [3 * deep, () => switchStatement(g, where)],
    [4 * deep, () => labelledBlock(g, where)],
    [2 * deep, () => braces(g, where)],
    [where.strict ? 0 : 2 * deep, () => `with (${value(g, where, 'obj')}) ${braces(g, where)}`],
    [4, () => `throw ${value(g, where)};`],
    [where.returns ? 4 : 0, () => (random.chance(85) ? `return ${as(expression(g, where), COMMA)};` : 'return;')],
    [where.breaks ? 6 : 0, () => 'break;'],
    [where.inLoop ? 6 : 0, () => 'continue;'],
    [where.labels.length > 0 ? 6 : 0, () => jump(g, where)],
    [6, () => driven(g, where)],
    [6, () => awaited(g, where)],
    [1, () => `${target(g, where, 'num')} = ${value(g, where, 'num')}`.concat(';')],
    [1, () => `delete ${as(memberOf(g, where), CALL)};`],
  ]);
}

function jump(g: Maker, where: Where): string {
  const label = g.random.pick(where.labels);
  return label.loop && g.random.chance(50) ? `continue ${label.name};` : `break ${label.name};`;
}

function ifStatement(g: Maker, where: Where): string {
  const { random } = g;
  const test = as(expression(g, where), COMMA);
  if (random.chance(6) && !where.strict) {
    const name = `f${random.below(3)}`;
    return `if (${test}) function ${name}() { tick(); return ${value(g, inside(where, { awaits: false, yields: false, level: where.level + 1 }))}; }`;
  }
  const otherwise = random.chance(40)
    ? ` else ${random.chance(30) ? ifStatement(g, inside(where, { depth: where.depth + 1 })) : braces(g, where)}`
    : '';
  return `if (${test}) ${braces(g, where)}${otherwise}`;
}

function tryStatement(g: Maker, where: Where): string {
  const { random } = g;
  const kind = random.below(3);
  let text = `try ${braces(g, where)}`;
  if (kind !== 1) {
    const inner = block(where);
    let parameter = '';
    if (random.chance(85)) {
      if (random.chance(15)) {
        const names: string[] = [];
        parameter = ` (${pattern(g, inner, (name) => void names.push(name))})`;
        for (const name of names) g.declare(inner, name, 'any');
      } else {
        const name = g.fresh('e');
        g.declare(inner, name, 'any');
        parameter = ` (${name})`;
      }
    }
    const first = parameter !== '' && random.chance(60) ? `log(${/^ \((\w+)\)$/.exec(parameter)?.[1] ?? '1'});\n` : '';
    text += ` catch${parameter} {\n${first}${program(g, inner)}\n}`;
  }
  return kind === 0 ? text : `${text} finally ${braces(g, where)}`;
}

function labelled(g: Maker, where: Where, isLoop: boolean): [prefix: string, labels: Where['labels']] {
  if (!g.random.chance(isLoop ? 40 : 100)) return ['', where.labels];
  const name = g.fresh('l');
  return [`${name}: `, [...where.labels, { name, loop: isLoop }]];
}

function labelledBlock(g: Maker, where: Where): string {
  const [prefix, labels] = labelled(g, where, false);
  const inner = inside(where, { labels });
  return (
    prefix +
    g.random.choose([
      [3, () => braces(g, inner)] as const,
      [2, () => tryStatement(g, inner)] as const,
      [1, () => switchStatement(g, inner)] as const,
    ])
  );
}

/** The head of a for-in, for-of or for-await: what is bound, in the scope given. */
function head(g: Maker, where: Where): string {
  const { random } = g;
  if (random.chance(25)) return random.chance(60) ? target(g, where, 'any') : pattern(g, where, 'assign');
  const kind = random.pick(['const', 'let', 'var']);
  if (random.chance(25)) {
    const names: string[] = [];
    const text = pattern(g, where, (name) => void names.push(name));
    for (const name of names) g.declare(where, name, 'any', kind === 'const');
    return `${kind} ${text}`;
  }
  const name = g.fresh('i');
  g.declare(where, name, 'any', kind === 'const');
  return `${kind} ${name}`;
}

function loopStatement(g: Maker, where: Where): string {
  const { random } = g;
  const [prefix, labels] = labelled(g, where, true);
  const outer = inside(block(where), { labels, inLoop: true, breaks: true });
  const loopBody = (inner: Where): string => `{ tick();\n${program(g, block(inner))}\n}`;
  const text = random.choose<string>([
    [
      5,
      () => {
        const kind = random.pick(['let', 'let', 'var']);
        const name = g.fresh('i');
        g.declare(outer, name, 'num');
        const more = random.chance(15) ? `, ${name}f = () => ${name}` : '';
        if (more !== '') g.declare(outer, `${name}f`, 'fn');
        const test = random.chance(15)
          ? as(expression(g, outer, 'any'), COMMA).replace(/^(.*\bin\b.*)$/s, '($1)')
          : `${name} < ${random.between(1, 4)}`;
        return `for (${kind} ${name} = 0${more}; tick() && ${test}; ${random.chance(80) ? `${name}++` : as(expression(g, outer), COMMA)}) ${loopBody(outer)}`;
      },
    ],
    [
      6,
      () => {
        const iterated = value(g, where, 'iter');
        return `for (${head(g, outer)} of ${iterated}) ${loopBody(outer)}`;
      },
    ],
    [
      3,
      () => {
        const object = as(expression(g, where, random.pick(['obj', 'arr'])), COMMA);
        return `for (${head(g, outer)} in ${object}) ${loopBody(outer)}`;
      },
    ],
    [2, () => `while (tick() && ${as(expression(g, where), SHIFT)}) ${loopBody(outer)}`],
    [2, () => `do ${loopBody(outer)} while (${as(expression(g, where), COMMA)});`],
    [
      where.awaits ? 9 : 0,
      () => {
        const iterated = random.chance(60) ? value(g, where, 'iter') : `[${promise(g, where)[0]}, ${value(g, where)}]`;
        return `for await (${head(g, outer)} of ${iterated}) ${loopBody(outer)}`;
      },
    ],
  ]);
  // An assignment target named async or let would read as something else; a pattern in braces is fine here.
  return prefix + text;
}

function switchStatement(g: Maker, where: Where): string {
  const { random } = g;
  const inner = inside(block(where), { breaks: true });
  const parts: string[] = [];
  const count = random.between(1, 4);
  const otherwise = random.chance(60) ? random.below(count) : -1;
  for (let i = 0; i < count; i++)
    parts.push(
      `${i === otherwise ? 'default' : `case ${as(expression(g, inner, 'num'), COMMA)}`}:\n${random.chance(85) ? program(g, inner) : ''}`,
    );
  return `switch (${as(expression(g, where, 'num'), COMMA)}) {\n${parts.join('\n')}\n}`;
}

/** A generator made and told things. */
function driven(g: Maker, where: Where): string {
  const { random } = g;
  const name = g.fresh('it');
  const made = as(expression(g, where, 'gen'), CALL);
  let text = `const ${name} = ${made}(${list(g, where)});`;
  g.declare(where, name, 'iter', true);
  for (let i = random.between(1, 4); i > 0; i--) {
    const told = `${name}.${random.pick(['next', 'next', 'next', 'return', 'throw'])}(${random.chance(60) ? value(g, where) : ''})`;
    text += random.chance(50)
      ? `\ntry { log(${told}); } catch (e) { log('told', e); }`
      : where.awaits && random.chance(50)
        ? `\nlog(await ${told});`
        : `\nlog(${told});`;
  }
  return random.chance(80) ? text : effect(as(generatorCall(g, where), COMMA));
}

/** Something asynchronous that is watched, or awaited. */
function awaited(g: Maker, where: Where): string {
  const { random } = g;
  const id = random.between(1, 99);
  const made = as(random.chance(50) ? promise(g, where) : expression(g, where, 'async'), CALL);
  if (where.awaits && random.chance(60)) return `log(${id}, await ${made}${random.chance(40) ? `(${list(g, where)})` : ''});`;
  return random.choose<string>([
    [3, () => effect(`Promise.resolve(${made}).then((v) => log('then ${id}', v), (e) => log('rejected ${id}', e))`)],
    [
      2,
      () =>
        `(async () => { try { log('async ${id}', await ${made}(${list(g, inside(where, { awaits: false, yields: false }))})); } catch (e) { log('async ${id}', e); } finally { log('end ${id}'); } })();`,
    ],
    [
      1,
      () =>
        `${random.pick(['later', 'nextTick', 'micro'])}(() => { tick();\n${program(g, inside(block(where), { awaits: false, yields: false, returns: true, inLoop: false, breaks: false, labels: [], level: where.level + 1 }))}\n});`,
    ],
  ]);
}

function initialised(g: Maker, where: Where): string {
  const { random } = g;
  const kind = random.pick(['const', 'let', 'let', 'var']);
  if (random.chance(22)) {
    const names: string[] = [];
    const text = pattern(g, where, (name) => void names.push(name));
    const from = text.startsWith('[') ? value(g, where, 'iter') : value(g, where, 'obj');
    for (const name of names) g.declare(where, name, 'any', kind === 'const');
    return `${kind} ${text} = ${from};`;
  }
  const type = random.pick(TYPES);
  // In sight of its own initialiser, and of what comes before.
  const name = g.fresh(type.slice(0, 1));
  const made: Variable = g.declare(where, name, type, kind === 'const', false);
  const text = kind !== 'const' && random.chance(10) ? `${kind} ${name};` : `${kind} ${name} = ${value(g, where, type)};`;
  made.live = true;
  return text;
}

export function declaration(g: Maker, where: Where): string {
  const { random } = g;
  return random.choose<string>([
    [10, () => initialised(g, where)],
    [
      6,
      () => {
        const isGenerator = random.chance(30);
        const type: Type = isGenerator ? 'gen' : random.chance(35) ? 'async' : 'fn';
        // Shared names: functions in blocks are also variables of the function around (Annex B).
        const name = !isGenerator && random.chance(20) ? `f${random.below(3)}` : g.fresh(type.slice(0, 1));
        if (where.scope.variables.has(name)) return ';';
        g.declare(where, name, type);
        return functionText(g, where, {
          declaration: true,
          name,
          generator: isGenerator,
          async: type === 'async' || (isGenerator && random.chance(25)),
        });
      },
    ],
    [
      4,
      () => {
        const name = g.fresh('C');
        const variable = g.declare(where, name, 'ctor', false, false);
        const text = classText(g, where, name);
        variable.live = true;
        return text;
      },
    ],
    [
      1,
      () =>
        `Object.defineProperty(${value(g, where, 'obj')}, ${key(g, where)}, { get() { tick(); log('got'); return ${value(g, inside(where, { scope: new Scope(where.scope), awaits: false, yields: false, level: where.level + 1, depth: where.depth + 1 }))}; }, configurable: true });`,
    ],
  ]);
}
