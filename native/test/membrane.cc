// retrace_test_addon: native code that does to JavaScript everything addons do. For recorder/boundary/membrane/membrane.test.ts only: built by
// `scripts/build-native.mjs --test`, not part of the package. Plain Node-API, so that one binary serves every Node version.
#include <node_api.h>
#include <uv.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Values = std::vector<napi_value>;

struct Call {
  napi_env env;
  napi_value self;
  Values args;
};

Call Begin(napi_env env, napi_callback_info info) {
  size_t count = 8;
  Call call{env, nullptr, Values(8)};
  napi_get_cb_info(env, info, &count, call.args.data(), &call.self, nullptr);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  for (size_t i = count; i < 8; i++) call.args[i] = undefined;
  return call;
}

napi_value Undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

napi_value Number(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

napi_value Text(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

double NumberOf(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number;
}

std::string TextOf(napi_env env, napi_value value) {
  char text[256];
  size_t length = 0;
  napi_get_value_string_utf8(env, value, text, sizeof text, &length);
  return std::string(text, length);
}

napi_value CallBack(napi_env env, napi_value fn, const Values& args, napi_value self = nullptr) {
  napi_value result = nullptr;
  napi_call_function(env, self ? self : Undefined(env), fn, args.size(), args.data(), &result);
  return result;
}

// Plain functions.

napi_value Add(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  return Number(env, NumberOf(env, call.args[0]) + NumberOf(env, call.args[1]));
}

napi_value Identity(napi_env env, napi_callback_info info) { return Begin(env, info).args[0]; }

napi_value Throw(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_valuetype type;
  napi_typeof(env, call.args[0], &type);
  if (type == napi_undefined) {
    napi_throw_range_error(env, "ERR_NATIVE", "out of native range");
  } else {
    napi_throw(env, call.args[0]);
  }
  return nullptr;
}

napi_ref stored = nullptr;

napi_value Store(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  if (stored) napi_delete_reference(env, stored);
  napi_create_reference(env, call.args[0], 1, &stored);
  return Undefined(env);
}

napi_value Load(napi_env env, napi_callback_info) {
  napi_value value = nullptr;
  if (stored) napi_get_reference_value(env, stored, &value);
  return value;
}

// One object that native code keeps and changes.
napi_ref config = nullptr;

napi_value Config(napi_env env, napi_callback_info) {
  napi_value object;
  double calls = 0;
  if (!config) {
    napi_create_object(env, &object);
    napi_create_reference(env, object, 1, &config);
  } else {
    napi_value value;
    napi_get_reference_value(env, config, &object);
    napi_get_named_property(env, object, "calls", &value);
    calls = NumberOf(env, value);
  }
  napi_set_named_property(env, object, "calls", Number(env, calls + 1));
  return object;
}

// Buffers.

void Raise(uint8_t* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) bytes[i] = static_cast<uint8_t>(bytes[i] + i + 1);
}

napi_value Fill(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  void* bytes = nullptr;
  size_t length = 0;
  bool typed = false;
  napi_is_typedarray(env, call.args[0], &typed);
  if (typed) {
    napi_typedarray_type type;
    size_t elements;
    napi_get_typedarray_info(env, call.args[0], &type, &elements, &bytes, nullptr, nullptr);
    static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
    length = elements * sizes[type];
  } else {
    napi_get_arraybuffer_info(env, call.args[0], &bytes, &length);
  }
  Raise(static_cast<uint8_t*>(bytes), length);
  return call.args[0];
}

napi_value External(napi_env env, napi_callback_info) {
  auto* bytes = static_cast<uint8_t*>(calloc(1, 16));
  Raise(bytes, 16);
  napi_value buffer, view;
  napi_create_external_arraybuffer(env, bytes, 16, [](napi_env, void* data, void*) { free(data); }, nullptr, &buffer);
  napi_create_typedarray(env, napi_uint16_array, 4, buffer, 8, &view);
  return view;
}

// What programs hold on to without being able to look inside.
napi_value Handle(napi_env env, napi_callback_info info) {
  napi_value external;
  auto* number = new double(NumberOf(env, Begin(env, info).args[0]));
  napi_create_external(env, number, [](napi_env, void* data, void*) { delete static_cast<double*>(data); }, nullptr, &external);
  return external;
}

napi_value Unhandle(napi_env env, napi_callback_info info) {
  void* number = nullptr;
  napi_get_value_external(env, Begin(env, info).args[0], &number);
  return number ? Number(env, *static_cast<double*>(number)) : nullptr;
}

// Objects of the program.

napi_value OutParameter(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value inner;
  napi_create_object(env, &inner);
  napi_set_named_property(env, inner, "deep", Number(env, 1));
  napi_set_named_property(env, call.args[0], "size", Number(env, 4096));
  napi_set_named_property(env, call.args[0], "inner", inner);
  napi_value key = Text(env, "gone");
  napi_delete_property(env, call.args[0], key, nullptr);
  bool array = false;
  napi_is_array(env, call.args[1], &array);
  if (array) napi_set_element(env, call.args[1], 0, Text(env, "pushed"));
  return Undefined(env);
}

// Looks up methods and options of what it is given: option(object, name) reads, method(object, name, argument) calls.
napi_value Option(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value value = nullptr;
  napi_get_property(env, call.args[0], call.args[1], &value);
  return value;
}

napi_value Method(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value fn;
  if (napi_get_property(env, call.args[0], call.args[1], &fn) != napi_ok) return nullptr;
  return CallBack(env, fn, {call.args[2]}, call.args[0]);
}

napi_value Construct(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value instance = nullptr;
  napi_new_instance(env, call.args[0], 2, &call.args[1], &instance);
  return instance;
}

// Constructs an error of a class of the program and throws it, as better-sqlite3 does.
napi_value ThrowNew(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value instance = nullptr;
  if (napi_new_instance(env, call.args[0], 1, &call.args[1], &instance) == napi_ok) napi_throw(env, instance);
  return nullptr;
}

// Callbacks inside of the call: each(callback, n); swallow(callback) answers with what it threw.

napi_value Each(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  double sum = 0;
  for (int i = 0; i < NumberOf(env, call.args[1]); i++) {
    napi_value result = CallBack(env, call.args[0], {Number(env, i), call.args[2]}, call.self);
    if (!result) return nullptr;
    sum += NumberOf(env, result);
  }
  return Number(env, sum);
}

napi_value Swallow(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  CallBack(env, call.args[0], {});
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  napi_value error = Undefined(env);
  if (pending) napi_get_and_clear_last_exception(env, &error);
  return error;
}

napi_value Inner(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value self = call.args[0];
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return Number(env, NumberOf(env, self) + (data ? 1000 : 0));
}

napi_value MakeFunction(napi_env env, napi_callback_info) {
  static int mark;
  napi_value fn;
  napi_create_function(env, "made", NAPI_AUTO_LENGTH, Inner, &mark, &fn);
  return fn;
}

// { [Symbol.iterator]() } with a method and a getter of its own.
napi_value IteratorNext(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value at, result, done;
  napi_get_named_property(env, call.self, "at", &at);
  double n = NumberOf(env, at);
  napi_set_named_property(env, call.self, "at", Number(env, n + 1));
  napi_create_object(env, &result);
  napi_get_boolean(env, n >= 3, &done);
  napi_set_named_property(env, result, "value", Number(env, n));
  napi_set_named_property(env, result, "done", done);
  return result;
}

napi_value Self(napi_env env, napi_callback_info info) { return Begin(env, info).self; }

napi_value Iterable(napi_env env, napi_callback_info) {
  napi_value object, global, symbol, iterator, next, self;
  napi_create_object(env, &object);
  napi_get_global(env, &global);
  napi_get_named_property(env, global, "Symbol", &symbol);
  napi_get_named_property(env, symbol, "iterator", &iterator);
  napi_create_function(env, "next", NAPI_AUTO_LENGTH, IteratorNext, nullptr, &next);
  napi_create_function(env, "[Symbol.iterator]", NAPI_AUTO_LENGTH, Self, nullptr, &self);
  napi_set_named_property(env, object, "at", Number(env, 0));
  napi_set_named_property(env, object, "next", next);
  napi_set_property(env, object, iterator, self);
  return object;
}

// Asynchronous work. what: twice (two callbacks in one scope), fill (bytes of a buffer, then the callback), resolve, reject, both (a promise
// and then a callback, in one scope), two (two promises in one scope).
struct Work {
  napi_async_work work;
  std::string what;
  napi_ref callback = nullptr, second = nullptr, buffer = nullptr;
  napi_deferred deferred = nullptr, other = nullptr;
  uint8_t* bytes = nullptr;
  size_t length = 0;
};

napi_value Referenced(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  napi_get_reference_value(env, reference, &value);
  return value;
}

void Complete(napi_env env, napi_status, void* data) {
  auto* work = static_cast<Work*>(data);
  napi_value null;
  napi_get_null(env, &null);
  if (work->deferred && work->what == "reject") {
    napi_value error;
    napi_create_error(env, Text(env, "E_LATER"), Text(env, "rejected later"), &error);
    napi_reject_deferred(env, work->deferred, error);
  } else if (work->deferred) {
    napi_value result;
    napi_create_array(env, &result);
    napi_set_element(env, result, 0, Text(env, work->what.c_str()));
    napi_resolve_deferred(env, work->deferred, result);
  }
  if (work->other) napi_resolve_deferred(env, work->other, Number(env, 2));
  if (work->callback) CallBack(env, Referenced(env, work->callback), {null, Text(env, work->what.c_str())});
  if (work->second) CallBack(env, Referenced(env, work->second), {null, Number(env, 2)});
  for (napi_ref reference : {work->callback, work->second, work->buffer})
    if (reference) napi_delete_reference(env, reference);
  napi_delete_async_work(env, work->work);
  delete work;
}

napi_value Later(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  auto* work = new Work;
  work->what = TextOf(env, call.args[0]);
  napi_value promise = Undefined(env);
  napi_valuetype type;
  napi_typeof(env, call.args[1], &type);
  if (type == napi_function) napi_create_reference(env, call.args[1], 1, &work->callback);
  if (work->what == "twice") napi_create_reference(env, call.args[2], 1, &work->second);
  if (work->what == "fill") {
    napi_create_reference(env, call.args[2], 1, &work->buffer);
    napi_get_buffer_info(env, call.args[2], reinterpret_cast<void**>(&work->bytes), &work->length);
  }
  if (work->what == "resolve" || work->what == "reject" || work->what == "both") napi_create_promise(env, &work->deferred, &promise);
  if (work->what == "two") {
    napi_value one, two;
    napi_create_promise(env, &work->deferred, &one);
    napi_create_promise(env, &work->other, &two);
    napi_create_array(env, &promise);
    napi_set_element(env, promise, 0, one);
    napi_set_element(env, promise, 1, two);
  }
  napi_create_async_work(
      env, nullptr, Text(env, "retrace:test"), [](napi_env, void* data) {
        auto* work = static_cast<Work*>(data);
        if (work->bytes) Raise(work->bytes, work->length);
      },
      Complete, work, &work->work);
  napi_queue_async_work(env, work->work);
  return promise;
}

napi_value Resolved(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_deferred deferred;
  napi_value promise;
  napi_create_promise(env, &deferred, &promise);
  bool reject = false;
  napi_get_value_bool(env, call.args[1], &reject);
  if (reject) {
    napi_reject_deferred(env, deferred, call.args[0]);
  } else {
    napi_resolve_deferred(env, deferred, call.args[0]);
  }
  return promise;
}

// A thread of its own calls back n times.
napi_value Ticker(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  int n = static_cast<int>(NumberOf(env, call.args[0]));
  napi_threadsafe_function function;
  napi_create_threadsafe_function(env, call.args[1], nullptr, Text(env, "retrace:ticker"), 0, 1, nullptr, nullptr, nullptr,
                                  [](napi_env env, napi_value fn, void*, void* data) {
                                    if (env) CallBack(env, fn, {Number(env, static_cast<double>(reinterpret_cast<intptr_t>(data)))});
                                  },
                                  &function);
  std::thread([function, n] {
    for (intptr_t i = 1; i <= n; i++) napi_call_threadsafe_function(function, reinterpret_cast<void*>(i), napi_tsfn_blocking);
    napi_release_threadsafe_function(function, napi_tsfn_release);
  }).detach();
  return Undefined(env);
}

// Classes. Counter: everything fixed (napi_default). Box: everything writable; it has its own property `kept`, and an accessor of its own that
// nobody can replace, `reads`.

napi_ref counter_class = nullptr;

napi_value CounterNew(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value target;
  napi_get_new_target(env, info, &target);
  if (!target) {
    napi_throw_type_error(env, nullptr, "Counter needs new");
    return nullptr;
  }
  auto* value = new double(NumberOf(env, call.args[0]));
  napi_wrap(env, call.self, value, [](napi_env, void* data, void*) { delete static_cast<double*>(data); }, nullptr, nullptr);
  return call.self;
}

double* Unwrap(napi_env env, napi_value self) {
  void* data = nullptr;
  if (napi_unwrap(env, self, &data) != napi_ok) napi_throw_type_error(env, nullptr, "no counter");
  return static_cast<double*>(data);
}

napi_value CounterIncrement(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  double* value = Unwrap(env, call.self);
  if (!value) return nullptr;
  napi_set_named_property(env, call.self, "last", Number(env, *value));
  return Number(env, ++*value);
}

napi_value CounterGet(napi_env env, napi_callback_info info) {
  double* value = Unwrap(env, Begin(env, info).self);
  return value ? Number(env, *value) : nullptr;
}

napi_value CounterSet(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  if (double* value = Unwrap(env, call.self)) *value = NumberOf(env, call.args[0]);
  return nullptr;
}

napi_value CounterChild(napi_env env, napi_callback_info info) {
  double* value = Unwrap(env, Begin(env, info).self);
  if (!value) return nullptr;
  napi_value constructor, instance, argument = Number(env, *value * 10);
  napi_get_reference_value(env, counter_class, &constructor);
  napi_new_instance(env, constructor, 1, &argument, &instance);
  return instance;
}

// Adds up counters: arguments are native objects, one of them in an array.
napi_value CounterSum(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value first;
  napi_get_element(env, call.args[1], 0, &first);
  double *one = Unwrap(env, call.args[0]), *two = Unwrap(env, first);
  return one && two ? Number(env, *one + *two) : nullptr;
}

napi_value CounterIs(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value constructor, result;
  bool is = false;
  napi_get_reference_value(env, counter_class, &constructor);
  napi_instanceof(env, call.args[0], constructor, &is);
  napi_get_boolean(env, is, &result);
  return result;
}

napi_value BoxReads(napi_env env, napi_callback_info info) {
  napi_value self = Begin(env, info).self, hidden;
  napi_get_named_property(env, self, "count", &hidden);
  return hidden;
}

napi_value BoxNew(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_valuetype type;
  napi_typeof(env, call.args[0], &type);
  if (type == napi_object) return call.args[0];
  napi_property_descriptor reads = {"reads", nullptr, nullptr, BoxReads, nullptr, nullptr, napi_enumerable, nullptr};
  napi_define_properties(env, call.self, 1, &reads);
  napi_property_descriptor kept = {"kept", nullptr, nullptr, nullptr, nullptr, call.args[0], napi_enumerable, nullptr};
  napi_define_properties(env, call.self, 1, &kept);
  napi_property_descriptor count = {"count", nullptr, nullptr, nullptr, nullptr, Number(env, 0), napi_writable, nullptr};
  napi_define_properties(env, call.self, 1, &count);
  return call.self;
}

napi_value BoxOpen(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value count;
  napi_get_named_property(env, call.self, "count", &count);
  napi_set_named_property(env, call.self, "count", Number(env, NumberOf(env, count) + 1));
  return call.self;
}

// An emitter: looks `emit` up on itself and calls it, inside of the call or later.
napi_value EmitterNew(napi_env env, napi_callback_info info) { return Begin(env, info).self; }

napi_value EmitterFire(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  napi_value emit;
  napi_get_named_property(env, call.self, "emit", &emit);
  return CallBack(env, emit, {Text(env, "fired"), call.args[0]}, call.self);
}

struct Firing {
  napi_async_work work;
  napi_ref self;
};

napi_value EmitterFireLater(napi_env env, napi_callback_info info) {
  Call call = Begin(env, info);
  auto* firing = new Firing;
  napi_create_reference(env, call.self, 1, &firing->self);
  napi_create_async_work(
      env, nullptr, Text(env, "retrace:fire"), [](napi_env, void*) {},
      [](napi_env env, napi_status, void* data) {
        auto* firing = static_cast<Firing*>(data);
        napi_value self = Referenced(env, firing->self), emit, handler;
        napi_valuetype type;
        napi_get_named_property(env, self, "emit", &emit);
        CallBack(env, emit, {Text(env, "fired"), Text(env, "later")}, self);
        napi_get_named_property(env, self, "onfire", &handler);
        napi_typeof(env, handler, &type);
        if (type == napi_function) CallBack(env, handler, {self}, self);
        napi_delete_reference(env, firing->self);
        napi_delete_async_work(env, firing->work);
        delete firing;
      },
      firing, &firing->work);
  napi_queue_async_work(env, firing->work);
  return Undefined(env);
}

napi_property_descriptor Function(const char* name, napi_callback callback, napi_property_attributes attributes) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, attributes, nullptr};
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_attributes usual = napi_default_jsproperty;
  napi_value counter, box, emitter, space, answer = Number(env, 42);
  const napi_property_descriptor counter_members[] = {
      Function("increment", CounterIncrement, napi_default),
      Function("child", CounterChild, napi_default),
      Function("each", Each, napi_default),
      {"value", nullptr, nullptr, CounterGet, CounterSet, nullptr, napi_default, nullptr},
      {"sum", nullptr, CounterSum, nullptr, nullptr, nullptr, napi_static, nullptr},
      {"isCounter", nullptr, CounterIs, nullptr, nullptr, nullptr, napi_static, nullptr},
      {"answer", nullptr, nullptr, nullptr, nullptr, answer, napi_static, nullptr},
  };
  napi_define_class(env, "Counter", NAPI_AUTO_LENGTH, CounterNew, nullptr, 7, counter_members, &counter);
  napi_create_reference(env, counter, 1, &counter_class);
  const napi_property_descriptor box_members[] = {Function("open", BoxOpen, napi_default_method)};
  napi_define_class(env, "Box", NAPI_AUTO_LENGTH, BoxNew, nullptr, 1, box_members, &box);
  const napi_property_descriptor emitter_members[] = {Function("fire", EmitterFire, napi_default_method),
                                                      Function("fireLater", EmitterFireLater, napi_default_method)};
  napi_define_class(env, "Emitter", NAPI_AUTO_LENGTH, EmitterNew, nullptr, 2, emitter_members, &emitter);
  napi_create_object(env, &space);
  const napi_property_descriptor fixed[] = {Function("add", Add, napi_enumerable)};
  napi_define_properties(env, space, 1, fixed);
  const napi_property_descriptor members[] = {
      Function("add", Add, usual),
      Function("identity", Identity, usual),
      Function("throw", Throw, usual),
      Function("store", Store, usual),
      Function("load", Load, usual),
      Function("config", Config, usual),
      Function("fill", Fill, usual),
      Function("external", External, usual),
      Function("handle", Handle, usual),
      Function("unhandle", Unhandle, usual),
      Function("outParameter", OutParameter, usual),
      Function("option", Option, usual),
      Function("method", Method, usual),
      Function("construct", Construct, usual),
      Function("throwNew", ThrowNew, usual),
      Function("each", Each, usual),
      Function("swallow", Swallow, usual),
      Function("makeFunction", MakeFunction, usual),
      Function("iterable", Iterable, usual),
      Function("later", Later, usual),
      Function("resolved", Resolved, usual),
      Function("ticker", Ticker, usual),
      {"Counter", nullptr, nullptr, nullptr, nullptr, counter, usual, nullptr},
      {"Box", nullptr, nullptr, nullptr, nullptr, box, usual, nullptr},
      {"Emitter", nullptr, nullptr, nullptr, nullptr, emitter, usual, nullptr},
      {"fixed", nullptr, nullptr, nullptr, nullptr, space, usual, nullptr},
      {"answer", nullptr, nullptr, nullptr, nullptr, answer, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof members / sizeof *members, members);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
