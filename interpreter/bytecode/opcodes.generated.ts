// Generated from opcodes.ts by scripts/generate-opcodes.mjs; do not edit.

export const enum Op {
  /** Counts one statement and pauses when the debugger asked for this statement or this step. */
  Step = 0,
  /** Counts a call of a function whose first statement a loop comes back to. */
  Count = 1,
  /** dst = constant. */
  LoadConst = 2,
  /** dst = small integer. */
  LoadInt = 3,
  /** dst = undefined. */
  LoadUndefined = 4,
  /** dst = null. */
  LoadNull = 5,
  /** dst = true. */
  LoadTrue = 6,
  /** dst = false. */
  LoadFalse = 7,
  /** dst = the mark of an uninitialised binding. */
  LoadHole = 8,
  /** dst = src. */
  Move = 9,
  /** dst = this of the frame. */
  LoadThis = 10,
  /** dst = the function that is running. */
  LoadCallee = 11,
  /** dst = new.target of the frame. */
  LoadNewTarget = 12,
  /** dst = home object of the running method (for super). */
  LoadHome = 13,
  /** dst = the global object of the guest realm. */
  LoadGlobalThis = 14,
  /** ReferenceError if src is an uninitialised binding. */
  CheckHole = 15,
  /** ReferenceError if this is not bound yet in a derived constructor. */
  CheckThis = 16,
  /** TypeError: Assignment to constant variable. */
  ThrowConstAssign = 17,
  /** Throws a guest error made from a constant message (kind: 0 TypeError, 1 ReferenceError, 2 SyntaxError). */
  ThrowError = 18,
  /** Throws src. */
  Throw = 19,
  /** Throws src again after a finally block: the throw was already reported. */
  Rethrow = 20,
  /** Enters an environment with that many slots, all uninitialised. */
  PushEnv = 21,
  /** Leaves that many environments. */
  PopEnv = 22,
  /** Replaces the environment by a copy: fresh bindings for the next loop iteration. */
  CopyEnv = 23,
  /** dst = the current environment (kept for exception handlers). */
  SaveEnv = 24,
  /** Makes src the current environment. */
  RestoreEnv = 25,
  /** dst = captured variable. */
  GetEnv = 26,
  /** dst = captured variable; ReferenceError if uninitialised. */
  GetEnvChecked = 27,
  /** captured variable = src. */
  SetEnv = 28,
  /** captured variable = src; ReferenceError if uninitialised. */
  SetEnvChecked = 29,
  /** dst = global variable; ReferenceError if there is none. */
  GetGlobal = 30,
  /** dst = global variable or undefined (typeof). */
  GetGlobalOrUndefined = 31,
  /** Assigns a global variable in sloppy code. */
  SetGlobal = 32,
  /** Assigns a global variable in strict code; ReferenceError if there is none. */
  SetGlobalStrict = 33,
  /** Initialises a let, const or class binding of a script. */
  InitGlobal = 34,
  /** Global declaration instantiation of a script or an indirect eval. */
  DeclareGlobals = 35,
  /** Creates a global function binding. */
  DefineGlobalFunction = 36,
  /** dst = delete name, for an unresolvable or global name in sloppy code. */
  DeleteGlobal = 37,
  /** dst = whether a with object (or the eval variables of a function) provides name. */
  HasBinding = 38,
  /** dst = object that holds the variables a direct eval declares, with those of the constant added. */
  EvalVars = 39,
  /** dst = object.name. */
  GetNamed = 40,
  /** dst = object[key]. */
  GetKeyed = 41,
  /** dst = object.length. */
  GetLength = 42,
  /** object.name = src in sloppy code. */
  SetNamed = 43,
  /** object.name = src in strict code. */
  SetNamedStrict = 44,
  /** object[key] = src in sloppy code. */
  SetKeyed = 45,
  /** object[key] = src in strict code. */
  SetKeyedStrict = 46,
  /** dst = super[key] with this = self. */
  GetSuper = 47,
  /** super[key] = src with this = self. */
  SetSuper = 48,
  /** dst = delete object[key]. */
  DeleteKeyed = 49,
  /** dst = object.stackTraceLimit; the realm may answer for Error. */
  GetStackLimit = 50,
  /** object.stackTraceLimit = src; the realm may take it for Error. */
  SetStackLimit = 51,
  /** dst = key in object. */
  In = 52,
  /** dst = value instanceof target. */
  InstanceOf = 53,
  /** TypeError if src is null or undefined (destructuring). */
  CheckObjectCoercible = 54,
  /** dst = src as a property key. */
  ToPropertyKey = 55,
  /** dst = a new private name (constant: name, kind, class name, static). */
  MakePrivate = 56,
  /** dst = object.#name. */
  GetPrivate = 57,
  /** object.#name = src. */
  SetPrivate = 58,
  /** Adds the private field to object. */
  DefinePrivate = 59,
  /** Gives a private name its method (role 0), getter (1) or setter (2). */
  DefinePrivateMethod = 60,
  /** Adds a private method or accessor to object. */
  InstallPrivate = 61,
  /** dst = #name in object. */
  HasPrivate = 62,
  /** dst = {}. */
  NewObject = 63,
  /** dst = object literal with the constant keys and the values of consecutive registers. */
  NewObjectShape = 64,
  /** dst = array literal of consecutive registers. */
  NewArray = 65,
  /** Adds src at the end of an array literal. */
  ArrayAppend = 66,
  /** Adds a hole at the end of an array literal. */
  ArrayHole = 67,
  /** Adds all that the iterable src yields. */
  ArraySpread = 68,
  /** dst = internal list of consecutive registers: arguments with spread, long array literals. */
  NewList = 69,
  /** Adds src at the end of an internal list. */
  ListAppend = 70,
  /** Adds all that the iterable src yields to an internal list. */
  ListSpread = 71,
  /** dst = array of the elements of an internal list. */
  ListToArray = 72,
  /** Defines an own enumerable data property. */
  DefineNamed = 73,
  /** Defines an own enumerable data property; naming 1 names an anonymous function after the key. */
  DefineKeyed = 74,
  /** Defines a method (kind 0), getter (1) or setter (2) and names it. */
  DefineMethod = 75,
  /** `__proto__: src` in an object literal. */
  SetLiteralProto = 76,
  /** Copies own enumerable properties except those whose keys the array `excluded` holds (undefined: none). */
  CopyProperties = 77,
  /** dst = new regular expression object. */
  RegExp = 78,
  /** dst = the template object of this site. */
  TemplateObject = 79,
  /** dst = new function object of the nested code block in the current environment. */
  Closure = 80,
  /** dst = new function object named after a computed key. */
  ClosureNamed = 81,
  /** Gives a method its home object. */
  SetHome = 82,
  /** Names an anonymous function or class after a computed key, unless it has an own name. */
  SetFunctionName = 83,
  /** dst, prototype = new class; parent is the mark of an uninitialised binding when there is no extends clause. */
  NewClass = 84,
  /** Gives a class the function that initialises instance fields. */
  SetFields = 85,
  /** Runs the instance field initialiser of a class on object. */
  InitFields = 86,
  /** Runs the static initialiser of a class with this = the class. */
  CallStatic = 87,
  /** dst = callee.call(self, ...registers). */
  Call = 88,
  /** dst = callee.apply(self, list). */
  CallSpread = 89,
  /** dst = new callee(...registers). */
  New = 90,
  /** dst = new callee(...list). */
  NewSpread = 91,
  /** dst = super(...list): constructs the parent of the active function for new.target. */
  SuperCall = 92,
  /** dst = src as this of a derived constructor; ReferenceError if current is bound already. */
  BindThis = 93,
  /** Sets this of the frame (derived constructors). */
  SetFrameThis = 94,
  /** Direct eval if callee is the realm's eval, else an ordinary call. */
  CallEval = 95,
  /** CallEval with the arguments in an internal list. */
  CallEvalSpread = 96,
  /** dst = import(specifier, options) or (source 1) import.source(specifier). */
  ImportCall = 97,
  /** dst = arguments object (0 sloppy without aliasing, 1 strict). */
  CreateArguments = 98,
  /** dst = aliasing arguments object; cells = accessors of the parameters. */
  CreateMapped = 99,
  /** dst = array of the arguments from that index on. */
  RestArguments = 100,
  /** dst = left + right. */
  Add = 101,
  /** dst = left - right. */
  Sub = 102,
  /** dst = left * right. */
  Mul = 103,
  /** dst = left / right. */
  Div = 104,
  /** dst = left % right. */
  Mod = 105,
  /** dst = left ** right. */
  Exp = 106,
  /** dst = left & right. */
  BitAnd = 107,
  /** dst = left | right. */
  BitOr = 108,
  /** dst = left ^ right. */
  BitXor = 109,
  /** dst = left << right. */
  Shl = 110,
  /** dst = left >> right. */
  Shr = 111,
  /** dst = left >>> right. */
  Ushr = 112,
  /** dst = left == right. */
  Eq = 113,
  /** dst = left != right. */
  Ne = 114,
  /** dst = left === right. */
  StrictEq = 115,
  /** dst = left !== right. */
  StrictNe = 116,
  /** dst = left < right. */
  Lt = 117,
  /** dst = left <= right. */
  Le = 118,
  /** dst = left > right. */
  Gt = 119,
  /** dst = left >= right. */
  Ge = 120,
  /** dst = left + small integer. */
  AddInt = 121,
  /** dst = !src. */
  Not = 122,
  /** dst = -src. */
  Neg = 123,
  /** dst = +src. */
  ToNumber = 124,
  /** dst = src as a number or bigint. */
  ToNumeric = 125,
  /** dst = ~src. */
  BitNot = 126,
  /** dst = typeof src. */
  TypeOf = 127,
  /** dst = src + 1 for a number or bigint of any kind. */
  Inc = 128,
  /** dst = src - 1 for a number or bigint of any kind. */
  Dec = 129,
  /** dst = src as a string, as a template literal converts it. */
  ToTemplateString = 130,
  /** dst = concatenation of consecutive registers, converted as a template literal does. */
  Concat = 131,
  /** Continues at target. */
  Jump = 132,
  /** Continues at target if src is truthy. */
  JumpTrue = 133,
  /** Continues at target if src is falsy. */
  JumpFalse = 134,
  /** Continues at target if src is null or undefined. */
  JumpNullish = 135,
  /** Continues at target if src is neither null nor undefined. */
  JumpNotNullish = 136,
  /** Continues at target if src is undefined. */
  JumpUndefined = 137,
  /** Continues at target if src is not undefined. */
  JumpNotUndefined = 138,
  /** Continues at target if left < right. */
  JumpLt = 139,
  /** Continues at target unless left < right. */
  JumpNotLt = 140,
  /** Continues at target if left === right. */
  JumpStrictEq = 141,
  /** Continues at target if left !== right. */
  JumpStrictNe = 142,
  /** Continues at target if the completion kind in src is this integer (end of finally). */
  JumpKind = 143,
  /** iterator, next = iterator record of src. */
  GetIterator = 144,
  /** iterator, next = async iterator record of src. */
  GetAsyncIterator = 145,
  /** dst = next value; continues at `done` when the iterator is exhausted. */
  IteratorNext = 146,
  /** dst = next value or undefined; finished records that the iterator must not be closed (destructuring). */
  IteratorStep = 147,
  /** dst = array of all values left. */
  IteratorRest = 148,
  /** dst = result of calling next, not unwrapped (for await). */
  IteratorCall = 149,
  /** dst = value of an awaited iterator result; continues at `done` when it says so. */
  IteratorResult = 150,
  /** Calls iterator.return; TypeError if it does not return an object. */
  IteratorClose = 151,
  /** Calls iterator.return and swallows its errors (a throw is under way). */
  IteratorCloseSilent = 152,
  /** dst = result of iterator.return(), to be awaited, or the mark of an uninitialised binding if there is no return. */
  AsyncIteratorClose = 153,
  /** TypeError unless src is an object or the mark of an uninitialised binding. */
  CheckIteratorResult = 154,
  /** dst = empty list of what declarations with using keep for disposal. */
  NewResources = 155,
  /** Keeps src for disposal (async 1: await using); TypeError if it is neither nothing nor disposable. */
  AddResource = 156,
  /** Disposes of the resources, the last one first; kind and value: the completion under way. dst = promise to await before it goes on, or the mark of an uninitialised binding at the end; throws what the disposal threw. */
  Dispose = 157,
  /** The promise of a disposal was rejected with src. */
  DisposalFailed = 158,
  /** dst = enumeration of the property keys of src. */
  ForInStart = 159,
  /** dst = next key; continues at `done` when there is none. */
  ForInNext = 160,
  /** The parameters of a generator are bound: suspends until the first next(). */
  GeneratorStart = 161,
  /** Suspends until src is settled; dst = its value. */
  Await = 162,
  /** Suspends with src as the yielded value; dst = what next() passes. */
  Yield = 163,
  /** Suspends while src is iterated by the host; dst = its return value. */
  YieldStar = 164,
  /** Returns src. */
  Return = 165,
  /** Returns undefined from the end of a function body. */
  ReturnUndefined = 166,
  /** dst = the one frame on the stack that runs a function (debugger evaluation); ReferenceError if there is none. */
  LiveFrame = 167,
  /** dst = a register of the paused frame that an expression is evaluated in. */
  GetForeign = 168,
  /** Writes a register of the paused frame that an expression is evaluated in. */
  SetForeign = 169,
  /** dst = parameter aliased with the arguments object. */
  GetCell = 170,
  /** Writes a parameter aliased with the arguments object. */
  SetCell = 171,
  /** The debugger statement: pauses when a debugger is attached. */
  Debugger = 172,
}

/** Instruction length in ints, opcode included, by opcode. */
export const OP_LENGTH: readonly number[] = [
  2, // Step
  2, // Count
  3, // LoadConst
  3, // LoadInt
  2, // LoadUndefined
  2, // LoadNull
  2, // LoadTrue
  2, // LoadFalse
  2, // LoadHole
  3, // Move
  2, // LoadThis
  2, // LoadCallee
  2, // LoadNewTarget
  2, // LoadHome
  2, // LoadGlobalThis
  3, // CheckHole
  2, // CheckThis
  2, // ThrowConstAssign
  3, // ThrowError
  2, // Throw
  2, // Rethrow
  2, // PushEnv
  2, // PopEnv
  1, // CopyEnv
  2, // SaveEnv
  2, // RestoreEnv
  4, // GetEnv
  5, // GetEnvChecked
  4, // SetEnv
  5, // SetEnvChecked
  3, // GetGlobal
  3, // GetGlobalOrUndefined
  3, // SetGlobal
  3, // SetGlobalStrict
  3, // InitGlobal
  2, // DeclareGlobals
  4, // DefineGlobalFunction
  3, // DeleteGlobal
  4, // HasBinding
  4, // EvalVars
  4, // GetNamed
  4, // GetKeyed
  3, // GetLength
  4, // SetNamed
  4, // SetNamedStrict
  4, // SetKeyed
  4, // SetKeyedStrict
  5, // GetSuper
  6, // SetSuper
  5, // DeleteKeyed
  3, // GetStackLimit
  4, // SetStackLimit
  4, // In
  4, // InstanceOf
  3, // CheckObjectCoercible
  3, // ToPropertyKey
  3, // MakePrivate
  4, // GetPrivate
  4, // SetPrivate
  4, // DefinePrivate
  4, // DefinePrivateMethod
  3, // InstallPrivate
  4, // HasPrivate
  2, // NewObject
  5, // NewObjectShape
  4, // NewArray
  3, // ArrayAppend
  2, // ArrayHole
  3, // ArraySpread
  4, // NewList
  3, // ListAppend
  3, // ListSpread
  3, // ListToArray
  4, // DefineNamed
  5, // DefineKeyed
  6, // DefineMethod
  3, // SetLiteralProto
  4, // CopyProperties
  4, // RegExp
  3, // TemplateObject
  3, // Closure
  4, // ClosureNamed
  3, // SetHome
  3, // SetFunctionName
  5, // NewClass
  3, // SetFields
  3, // InitFields
  3, // CallStatic
  6, // Call
  5, // CallSpread
  5, // New
  4, // NewSpread
  5, // SuperCall
  4, // BindThis
  2, // SetFrameThis
  6, // CallEval
  5, // CallEvalSpread
  5, // ImportCall
  3, // CreateArguments
  4, // CreateMapped
  3, // RestArguments
  4, // Add
  4, // Sub
  4, // Mul
  4, // Div
  4, // Mod
  4, // Exp
  4, // BitAnd
  4, // BitOr
  4, // BitXor
  4, // Shl
  4, // Shr
  4, // Ushr
  4, // Eq
  4, // Ne
  4, // StrictEq
  4, // StrictNe
  4, // Lt
  4, // Le
  4, // Gt
  4, // Ge
  4, // AddInt
  3, // Not
  3, // Neg
  3, // ToNumber
  3, // ToNumeric
  3, // BitNot
  3, // TypeOf
  3, // Inc
  3, // Dec
  3, // ToTemplateString
  4, // Concat
  2, // Jump
  3, // JumpTrue
  3, // JumpFalse
  3, // JumpNullish
  3, // JumpNotNullish
  3, // JumpUndefined
  3, // JumpNotUndefined
  4, // JumpLt
  4, // JumpNotLt
  4, // JumpStrictEq
  4, // JumpStrictNe
  4, // JumpKind
  4, // GetIterator
  4, // GetAsyncIterator
  5, // IteratorNext
  5, // IteratorStep
  5, // IteratorRest
  4, // IteratorCall
  4, // IteratorResult
  2, // IteratorClose
  2, // IteratorCloseSilent
  3, // AsyncIteratorClose
  2, // CheckIteratorResult
  2, // NewResources
  4, // AddResource
  5, // Dispose
  3, // DisposalFailed
  3, // ForInStart
  4, // ForInNext
  1, // GeneratorStart
  3, // Await
  3, // Yield
  3, // YieldStar
  2, // Return
  1, // ReturnUndefined
  4, // LiveFrame
  4, // GetForeign
  4, // SetForeign
  4, // GetCell
  4, // SetCell
  1, // Debugger
];
