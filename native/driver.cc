// retrace_driver: makes the callbacks of a replay as Node itself would make them. Loaded by replayers only, through
// native/index.ts; one binary for each Node ABI, because it needs node::MakeCallback.
//
// start(next) arms a timer on the event loop. When it fires, with nothing of JavaScript on the stack, the driver loops:
//
//   next(threw) is called plainly; `threw` says whether the callback delivered before it threw. It returns
//     { recv, fn, args, asyncId, triggerId }   to make this callback; with `direct` as Node calls its timers, without the function
//                                              that stands between when async hooks are on; or
//     undefined                                                to return to the event loop: the timer is gone, start() may arm another.
//   The callback is made by node::MakeCallback in the given async context: async hooks, then the callback, then ticks and
//   microtasks. An exception goes Node's own way (uncaughtException or the end of the process), and the stack of the callback
//   ends where it would end in a live run.
//
// Invariant: next() runs outside of any callback scope, so neither ticks nor microtasks run before or after it. If next()
// itself throws, the replay cannot go on: the process ends at once with code 125.
#include <node.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include <vector>

namespace {

using v8::Array;
using v8::Context;
using v8::Exception;
using v8::Function;
using v8::FunctionCallbackInfo;
using v8::Global;
using v8::HandleScope;
using v8::Isolate;
using v8::Local;
using v8::Message;
using v8::NewStringType;
using v8::Null;
using v8::Number;
using v8::Object;
using v8::String;
using v8::TryCatch;
using v8::Undefined;
using v8::Value;

Local<String> Text(Isolate* isolate, const char* text) {
  return String::NewFromUtf8(isolate, text, NewStringType::kInternalized).ToLocalChecked();
}

[[noreturn]] void Fault(Isolate* isolate, Local<Context> context, const TryCatch& caught) {
  Local<Value> what;
  if (!caught.HasCaught() || !caught.StackTrace(context).ToLocal(&what)) what = Text(isolate, "unknown error");
  String::Utf8Value text(isolate, what);
  fprintf(stderr, "retrace: the replay failed inside retrace itself: %s\n", *text ? *text : "unknown error");
  fflush(stderr);
  _exit(125);
}

// One armed timer. Freed when libuv has closed it.
struct Drive {
  uv_timer_t timer;
  Isolate* isolate;
  Global<Context> context;
  Global<Function> next;
};

double NumberOf(Local<Context> context, Local<Object> object, Local<String> key) {
  Local<Value> value;
  double number = 0;
  if (object->Get(context, key).ToLocal(&value)) (void)value->NumberValue(context).To(&number);
  return number;
}

// The process that has loaded this, as opposed to its copies (fork.cc).
const pid_t original = getpid();

// Keeps the event loop of a copy from ending by itself.
struct {
  uv_prepare_t handle;
  Isolate* isolate = nullptr;
  Global<Context> context;
} guard;

// What node::SpinEventLoop does where the event loop has nothing left, without waiting for the tasks of V8's helper threads
// (NodePlatform::DrainTasks): in a copy nobody is there to do what collections still post.
void EndIfIdle(uv_prepare_t* handle) {
  auto* base = reinterpret_cast<uv_handle_t*>(handle);
  uv_unref(base);
  if (!uv_loop_alive(handle->loop)) {
    HandleScope scope(guard.isolate);
    Local<Context> context = guard.context.Get(guard.isolate);
    Context::Scope context_scope(context);
    node::Environment* env = node::GetCurrentEnvironment(context);
    if (node::EmitProcessBeforeExit(env).IsNothing()) _exit(1);
    if (!uv_loop_alive(handle->loop)) _exit(node::EmitProcessExit(env).FromMaybe(1));
  }
  uv_ref(base);
}

void GuardLoop(Isolate* isolate) {
  if (getpid() == original || guard.isolate != nullptr) return;
  guard.isolate = isolate;
  guard.context.Reset(isolate, isolate->GetCurrentContext());
  uv_prepare_init(node::GetCurrentEventLoop(isolate), &guard.handle);
  uv_prepare_start(&guard.handle, EndIfIdle);
}

void Stop(Drive* drive) {
  uv_close(reinterpret_cast<uv_handle_t*>(&drive->timer), [](uv_handle_t* handle) { delete static_cast<Drive*>(handle->data); });
}

void Run(uv_timer_t* timer) {
  auto* drive = static_cast<Drive*>(timer->data);
  Isolate* isolate = drive->isolate;
  HandleScope outer(isolate);
  Local<Context> context = drive->context.Get(isolate);
  Context::Scope context_scope(context);
  Local<Function> next = drive->next.Get(isolate);
  Local<String> recv_key = Text(isolate, "recv");
  Local<String> fn_key = Text(isolate, "fn");
  Local<String> args_key = Text(isolate, "args");
  Local<String> async_key = Text(isolate, "asyncId");
  Local<String> trigger_key = Text(isolate, "triggerId");
  Local<String> direct_key = Text(isolate, "direct");
  bool threw = false;
  std::vector<Local<Value>> argv;

  for (;;) {
    HandleScope scope(isolate);
    Local<Object> recv;
    Local<Function> fn;
    node::async_context async{0, 0};
    bool direct = false;
    argv.clear();
    {
      TryCatch caught(isolate);
      Local<Value> threw_value = v8::Boolean::New(isolate, threw);
      Local<Value> delivery;
      if (!next->Call(context, v8::Undefined(isolate), 1, &threw_value).ToLocal(&delivery)) Fault(isolate, context, caught);
      if (!delivery->IsObject()) break;
      Local<Object> object = delivery.As<Object>();
      Local<Value> recv_value, fn_value, args_value;
      if (!object->Get(context, recv_key).ToLocal(&recv_value) || !object->Get(context, fn_key).ToLocal(&fn_value) ||
          !object->Get(context, args_key).ToLocal(&args_value))
        Fault(isolate, context, caught);
      if (!recv_value->IsObject() || !fn_value->IsFunction()) {
        isolate->ThrowException(Exception::TypeError(Text(isolate, "a delivery needs an object and a function")));
        Fault(isolate, context, caught);
      }
      recv = recv_value.As<Object>();
      fn = fn_value.As<Function>();
      async.async_id = NumberOf(context, object, async_key);
      async.trigger_async_id = NumberOf(context, object, trigger_key);
      Local<Value> direct_value;
      if (object->Get(context, direct_key).ToLocal(&direct_value)) direct = direct_value->IsTrue();
      if (args_value->IsArray()) {
        Local<Array> args = args_value.As<Array>();
        for (uint32_t i = 0; i < args->Length(); i++) {
          Local<Value> arg;
          if (!args->Get(context, i).ToLocal(&arg)) Fault(isolate, context, caught);
          argv.push_back(arg);
        }
      }
    }
    if (direct) {
      node::CallbackScope callback_scope(isolate, recv, async);
      threw = fn->Call(context, recv, static_cast<int>(argv.size()), argv.data()).IsEmpty();
      continue;
    }
    // Verbose: the exception still reaches Node's own listener, at the same moment; we only learn that there was one.
    TryCatch caught(isolate);
    caught.SetVerbose(true);
    (void)node::MakeCallback(isolate, recv, fn, static_cast<int>(argv.size()), argv.data(), async);
    threw = caught.HasCaught();
  }
  Stop(drive);
}

void Start(const FunctionCallbackInfo<Value>& info) {
  Isolate* isolate = info.GetIsolate();
  if (!info[0]->IsFunction()) {
    isolate->ThrowException(Exception::TypeError(Text(isolate, "start needs a function")));
    return;
  }
  GuardLoop(isolate);
  auto* drive = new Drive;
  drive->isolate = isolate;
  drive->context.Reset(isolate, isolate->GetCurrentContext());
  drive->next.Reset(isolate, info[0].As<Function>());
  drive->timer.data = drive;
  uv_timer_init(node::GetCurrentEventLoop(isolate), &drive->timer);
  uv_timer_start(&drive->timer, Run, 0, 0);
}

// A message as JavaScript gets it: lines from 1, columns from 0.
Local<Object> Describe(Isolate* isolate, Local<Context> context, Local<Message> message) {
  Local<Object> result = Object::New(isolate);
  auto set = [&](const char* key, Local<Value> value) { (void)result->Set(context, Text(isolate, key), value); };
  set("resourceName", message->GetScriptResourceName());
  set("line", Number::New(isolate, message->GetLineNumber(context).FromMaybe(0)));
  Local<String> source_line;
  if (message->GetSourceLine(context).ToLocal(&source_line))
    set("sourceLine", source_line);
  else
    set("sourceLine", Text(isolate, ""));
  set("startColumn", Number::New(isolate, message->GetStartColumn(context).FromMaybe(0)));
  set("endColumn", Number::New(isolate, message->GetEndColumn(context).FromMaybe(0)));
  set("text", message->Get());
  return result;
}

// exceptionMessage(error): where V8 says it was thrown, as in the header of a fatal error.
void ExceptionMessage(const FunctionCallbackInfo<Value>& info) {
  Isolate* isolate = info.GetIsolate();
  Local<Message> message = Exception::CreateMessage(isolate, info[0]);
  if (message.IsEmpty()) return;
  info.GetReturnValue().Set(Describe(isolate, isolate->GetCurrentContext(), message));
}

// observe(note, callable, ...args): calls, and if that throws, tells note(error, message) before the exception goes on. No frame of
// it shows in a stack, and V8 still knows where the throw was, which JavaScript that catches and throws again would lose.
void Observe(const FunctionCallbackInfo<Value>& info) {
  Isolate* isolate = info.GetIsolate();
  Local<Context> context = isolate->GetCurrentContext();
  if (!info[0]->IsFunction() || !info[1]->IsFunction()) {
    isolate->ThrowException(Exception::TypeError(Text(isolate, "observe needs two functions")));
    return;
  }
  std::vector<Local<Value>> argv;
  for (int i = 2; i < info.Length(); i++) argv.push_back(info[i]);
  TryCatch caught(isolate);
  Local<Value> value;
  if (info[1].As<Function>()->Call(context, Undefined(isolate), static_cast<int>(argv.size()), argv.data()).ToLocal(&value)) {
    info.GetReturnValue().Set(value);
    return;
  }
  if (caught.CanContinue() && caught.HasCaught() && !caught.Message().IsEmpty()) {
    Local<Value> told[] = {caught.Exception(), Describe(isolate, context, caught.Message())};
    TryCatch inner(isolate);
    (void)info[0].As<Function>()->Call(context, Undefined(isolate), 2, told);
  }
  caught.ReThrow();
}

// Where V8's stack ends now: an address; 0 for where V8 has put it.
uintptr_t stack_end = 0;

// useStack(bytes): V8 may use that much from here on. The native stack must have it.
void UseStack(const FunctionCallbackInfo<Value>& info) {
  char here;
  stack_end = reinterpret_cast<uintptr_t>(&here) - static_cast<uintptr_t>(info[0].As<Number>()->Value());
  info.GetIsolate()->SetStackLimit(stack_end);
}

// withStack(bytes, run): calls, with no more stack than that. Once useStack() has said what there is.
void WithStack(const FunctionCallbackInfo<Value>& info) {
  Isolate* isolate = info.GetIsolate();
  char here;
  uintptr_t before = stack_end;
  uintptr_t wanted = reinterpret_cast<uintptr_t>(&here) - static_cast<uintptr_t>(info[0].As<Number>()->Value());
  if (before != 0 && wanted > before) isolate->SetStackLimit(stack_end = wanted);
  Local<Value> value;
  if (info[1].As<Function>()->Call(isolate->GetCurrentContext(), Undefined(isolate), 0, nullptr).ToLocal(&value))
    info.GetReturnValue().Set(value);
  if (stack_end != before) isolate->SetStackLimit(stack_end = before);
}

}  // namespace

extern "C" NODE_MODULE_EXPORT void NODE_MODULE_INITIALIZER(Local<Object> exports, Local<Value> module, Local<Context> context) {
  NODE_SET_METHOD(exports, "start", Start);
  NODE_SET_METHOD(exports, "exceptionMessage", ExceptionMessage);
  NODE_SET_METHOD(exports, "observe", Observe);
  NODE_SET_METHOD(exports, "useStack", UseStack);
  NODE_SET_METHOD(exports, "withStack", WithStack);
}
