// Where V8's stack overflowed: how many frames of the program stood on it, and in which of them it ended. Used by the recorder, on the
// main thread; a replay runs the overflow at the same frame.
//
// V8 tells nobody that it throws "Maximum call stack size exceeded". But whenever it takes the stack of a new error while
// Error.stackTraceLimit differs from the flag --stack-trace-limit, it counts a use of that feature (ErrorUtils: GetStackTraceLimit), and
// the embedder may watch uses. So the flag is given a value that no program uses. Only its memory is changed: setting it as a flag would change
// V8's hash of all flags, with which every code cache is checked. The place is found by setting two rare values and looking for them in the
// data of the executable; where it is not found, nothing is watched. The flag is also what Error.stackTraceLimit is in new contexts:
// whoever makes one calls hideOverflowWatch() around it.
//
// V8's functions are looked up by name, because this addon is one binary for all versions of Node.
//
// Invariant: an error that is made far from the end of the stack costs one comparison.
#include "overflow.h"

#include <stdint.h>
#include <string.h>

#include <map>
#include <string>
#include <vector>

#ifdef __linux__
#include <dlfcn.h>
#include <link.h>
#endif

namespace retrace {
namespace {

// v8::Isolate::UseCounterFeature: kErrorStackTraceLimit.
constexpr int kErrorStackTraceLimit = 45;
// v8::StackTrace: kOverview and kExposeFramesAcrossSecurityOrigins.
constexpr int kAllFrames = 15 | 256;
constexpr int kMostFrames = 1 << 20;
// How near to the end of V8's stack an error must be made, in bytes: V8's own frames in between, and what stood on the stack before us.
constexpr size_t kNear = 48 * 1024;
// A program that overflows more often than this is no longer watched: each time costs a walk over the stack.
constexpr size_t kMostOverflows = 5000;
// What no program sets Error.stackTraceLimit to.
constexpr int kUnusedLimit = 1017;

struct Overflow {
  // The how-manieth it is, from 1.
  uint32_t number;
  // Frames of the program, and those of other code above the topmost of them.
  uint32_t depth, above;
  // Where the topmost frame of the program is: from 1.
  int line, column;
  std::string script;
};

// Member functions as what they are on Linux: functions with `this` first. A v8::Local is one pointer.
struct {
  void (*set_callback)(void* isolate, void (*callback)(void* isolate, int feature));
  void (*set_flags)(const char* text);
  uint32_t (*cache_tag)();
  void* (*current_isolate)();
  void* (*stack_trace)(void* isolate, int limit, int options);
  int (*frame_count)(const void* trace);
  void* (*frame)(const void* trace, void* isolate, uint32_t index);
  // v8::Location: two ints, from 0.
  uint64_t (*location)(const void* frame);
  int (*script_id)(const void* frame);
  void* (*script_name)(const void* frame);
} v8api;

// The watch, one for the process.
struct {
  napi_env env;
  const char* base;
  size_t depth;
  int usual_limit;
  volatile int* flag = nullptr;
  int32_t* pending = nullptr;
  size_t count = 0;
  std::string own;
  std::vector<Overflow> overflows;
} watch;

bool StartsWith(const std::string& text, const std::string& start) { return text.compare(0, start.size(), start) == 0; }

std::string ScriptOf(const void* frame) {
  void* name = v8api.script_name(frame);
  if (name == nullptr) return "";
  auto value = static_cast<napi_value>(name);
  napi_valuetype type;
  size_t length = 0;
  if (napi_typeof(watch.env, value, &type) != napi_ok || type != napi_string) return "";
  if (napi_get_value_string_utf8(watch.env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length, '\0');
  if (napi_get_value_string_utf8(watch.env, value, text.data(), length + 1, &length) != napi_ok) return "";
  return text;
}

void OnUse(void* isolate, int feature) {
  char here;
  if (feature != kErrorStackTraceLimit || watch.base - &here < static_cast<ptrdiff_t>(watch.depth)) return;
  if (watch.count >= kMostOverflows) return;
  watch.count++;
  void* trace = v8api.stack_trace(isolate, kMostFrames, kAllFrames);
  if (trace == nullptr) return;
  int frames = v8api.frame_count(trace);
  std::map<int, bool> programs;
  Overflow overflow = {static_cast<uint32_t>(watch.count), 0, 0, 0, 0, ""};
  for (int i = 0; i < frames; i++) {
    void* frame = v8api.frame(trace, isolate, static_cast<uint32_t>(i));
    int script = v8api.script_id(frame);
    auto known = programs.find(script);
    if (known == programs.end()) {
      std::string name = ScriptOf(frame);
      known = programs.emplace(script, !StartsWith(name, "node:") && !StartsWith(name, watch.own)).first;
    }
    if (!known->second) {
      if (overflow.depth == 0) overflow.above++;
    } else if (overflow.depth++ == 0) {
      uint64_t location = v8api.location(frame);
      overflow.line = static_cast<int>(location & 0xffffffff) + 1;
      overflow.column = static_cast<int>(location >> 32) + 1;
      overflow.script = ScriptOf(frame);
    }
  }
  watch.overflows.push_back(overflow);
  watch.pending[0] = 1;
  watch.pending[1] = static_cast<int32_t>(watch.count);
}

#ifdef __linux__
template <typename F>
bool Find(F* function, const char* name) {
  *function = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
  return *function != nullptr;
}

bool FindFunctions() {
  return Find(&v8api.set_callback, "_ZN2v87Isolate21SetUseCounterCallbackEPFvPS0_NS0_17UseCounterFeatureEE") &&
         Find(&v8api.set_flags, "_ZN2v82V818SetFlagsFromStringEPKc") &&
         Find(&v8api.cache_tag, "_ZN2v814ScriptCompiler20CachedDataVersionTagEv") &&
         Find(&v8api.current_isolate, "_ZN2v87Isolate10GetCurrentEv") &&
         Find(&v8api.stack_trace, "_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE") &&
         Find(&v8api.frame_count, "_ZNK2v810StackTrace13GetFrameCountEv") &&
         Find(&v8api.frame, "_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj") &&
         Find(&v8api.location, "_ZNK2v810StackFrame11GetLocationEv") &&
         Find(&v8api.script_id, "_ZNK2v810StackFrame11GetScriptIdEv") &&
         Find(&v8api.script_name, "_ZNK2v810StackFrame13GetScriptNameEv");
}

void SetLimit(int value) {
  std::string text = "--stack-trace-limit=" + std::to_string(value);
  v8api.set_flags(text.c_str());
}

// The initialised data of an executable or library that holds V8: where `value` stands.
struct Search {
  int value;
  std::vector<volatile int*> found;
};

int LookThrough(struct dl_phdr_info* info, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) == 0) continue;
    auto* begin = reinterpret_cast<volatile int*>((info->dlpi_addr + part.p_vaddr + 3) & ~uintptr_t{3});
    auto* end = reinterpret_cast<volatile int*>(info->dlpi_addr + part.p_vaddr + part.p_filesz);
    for (auto* at = begin; at + 1 <= end; at++)
      if (*at == search->value) search->found.push_back(at);
  }
  return 0;
}

// The memory of the flag, or null if it is not certain.
volatile int* FindFlag(int usual) {
  constexpr int kRare = 0x2b7e1516, kRarer = 0x3c6ef372;
  uint32_t tag = v8api.cache_tag();
  Search search{kRare, {}};
  SetLimit(kRare);
  dl_iterate_phdr(LookThrough, &search);
  SetLimit(kRarer);
  volatile int* flag = nullptr;
  int matches = 0;
  for (volatile int* at : search.found)
    if (*at == kRarer) {
      flag = at;
      matches++;
    }
  SetLimit(usual);
  // The hash is made when it is asked for, and kept.
  return matches == 1 && *flag == usual && v8api.cache_tag() == tag ? flag : nullptr;
}
#endif

// (bytes of stack that V8 may use, Error.stackTraceLimit as a new context has it, start of the names of scripts of ours, Int32Array): begins
// to watch; its first number becomes 1 when there is something to
// take, its second is how many overflows there have been. Returns whether it watches.
Napi::Value WatchOverflows(const Napi::CallbackInfo& info) {
  bool watching = false;
#ifdef __linux__
  static const bool found = FindFunctions();
  double bytes = info[0].As<Napi::Number>().DoubleValue();
  if (found && watch.pending == nullptr && bytes > 2 * kNear) {
    char here;
    watch.env = info.Env();
    watch.base = &here;
    watch.depth = static_cast<size_t>(bytes) - kNear;
    watch.usual_limit = info[1].As<Napi::Number>().Int32Value();
    watch.own = info[2].As<Napi::String>().Utf8Value();
    auto pending = info[3].As<Napi::Int32Array>();
    // Kept for ever, as the recorder is.
    napi_ref kept;
    napi_create_reference(info.Env(), pending, 1, &kept);
    watch.pending = pending.Data();
    watch.flag = FindFlag(watch.usual_limit);
    if (watch.flag != nullptr) {
      v8api.set_callback(v8api.current_isolate(), OnUse);
      *watch.flag = kUnusedLimit;
      watching = true;
    }
  }
#endif
  return Napi::Boolean::New(info.Env(), watching);
}

// (hidden): while it is, new contexts get the Error.stackTraceLimit that they get without us, and nothing is watched.
Napi::Value HideOverflowWatch(const Napi::CallbackInfo& info) {
  if (watch.flag != nullptr) *watch.flag = info[0].As<Napi::Boolean>().Value() ? watch.usual_limit : kUnusedLimit;
  return info.Env().Undefined();
}

// (): for good.
Napi::Value StopOverflowWatch(const Napi::CallbackInfo& info) {
  if (watch.flag != nullptr) *watch.flag = watch.usual_limit;
  watch.flag = nullptr;
  return info.Env().Undefined();
}

// The overflows since the last call: [number, depth, frames above, line, column, script, ...].
Napi::Value TakeOverflows(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::vector<Overflow> taken;
  taken.swap(watch.overflows);
  if (watch.pending != nullptr) *watch.pending = 0;
  Napi::Array list = Napi::Array::New(env);
  uint32_t at = 0;
  for (const Overflow& one : taken) {
    list.Set(at++, Napi::Number::New(env, one.number));
    list.Set(at++, Napi::Number::New(env, one.depth));
    list.Set(at++, Napi::Number::New(env, one.above));
    list.Set(at++, Napi::Number::New(env, one.line));
    list.Set(at++, Napi::Number::New(env, one.column));
    list.Set(at++, Napi::String::New(env, one.script));
  }
  return list;
}

}  // namespace

void DefineOverflow(Napi::Env env, Napi::Object exports) {
  exports.Set("watchOverflows", Napi::Function::New<WatchOverflows>(env, "watchOverflows"));
  exports.Set("hideOverflowWatch", Napi::Function::New<HideOverflowWatch>(env, "hideOverflowWatch"));
  exports.Set("stopOverflowWatch", Napi::Function::New<StopOverflowWatch>(env, "stopOverflowWatch"));
  exports.Set("takeOverflows", Napi::Function::New<TakeOverflows>(env, "takeOverflows"));
}

}  // namespace retrace
