// retrace_writer: the addon that recorded processes load. Trace files, process-wide order stamps and texts, and the few system
// calls that JavaScript has no blocking form of. Reached through native/index.ts only.
//
// Invariant: Node-API only, so that one binary serves every Node version; context aware; no thread, no handle, nothing on the
// event loop. Trace files are closed when their environment goes, also when a worker is terminated.
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <vector>
#include <dirent.h>
#include <errno.h>
#include <napi.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "fork.h"
#include "forwarding.h"
#include "overflow.h"
#include "output_order.h"
#include "sha256.h"
#include "trace_file.h"

namespace {

Napi::Value ThrowErrno(Napi::Env env, int number, const std::string& doing) {
  static const std::map<int, const char*> codes = {{ENOSPC, "ENOSPC"}, {EDQUOT, "EDQUOT"}, {EEXIST, "EEXIST"}, {ENOENT, "ENOENT"},
                                                   {EACCES, "EACCES"}, {EROFS, "EROFS"},   {EFBIG, "EFBIG"},   {EBADF, "EBADF"},
                                                   {EPIPE, "EPIPE"},   {ENOMEM, "ENOMEM"}, {EMFILE, "EMFILE"}, {EINVAL, "EINVAL"},
                                                   {ENOTDIR, "ENOTDIR"}, {EIO, "EIO"},     {EAGAIN, "EAGAIN"}, {ECONNRESET, "ECONNRESET"}};
  Napi::Error error = Napi::Error::New(env, doing + ": " + strerror(number));
  auto found = codes.find(number);
  error.Set("code", Napi::String::New(env, found == codes.end() ? "EUNKNOWN" : found->second));
  error.Set("errno", Napi::Number::New(env, -number));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

// An ArrayBuffer onto the region, which lives as long as the buffer does.
Napi::ArrayBuffer View(Napi::Env env, const std::shared_ptr<retrace::Region>& region) {
  auto* held = new std::shared_ptr<retrace::Region>(region);
  return Napi::ArrayBuffer::New(
      env, region->address, region->size, [](Napi::Env, void*, std::shared_ptr<retrace::Region>* hold) { delete hold; }, held);
}

class TraceFileObject : public Napi::ObjectWrap<TraceFileObject> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "TraceFile",
                       {InstanceMethod<&TraceFileObject::Advance>("advance"), InstanceMethod<&TraceFileObject::Crc32>("crc32"),
                        InstanceMethod<&TraceFileObject::Holds>("holds"), InstanceMethod<&TraceFileObject::Close>("close")});
  }

  // (path, window size in bytes): creates the file, which must not exist.
  explicit TraceFileObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TraceFileObject>(info), env_(info.Env()) {
    std::string path = info[0].As<Napi::String>();
    int error = file_.Open(path.c_str(), info[1].As<Napi::Number>().Uint32Value());
    if (error != 0) {
      ThrowErrno(info.Env(), error, "cannot create " + path);
      return;
    }
    Napi::Object self = info.This().As<Napi::Object>();
    self.Set("windowBuffer", View(info.Env(), file_.window()));
    self.Set("headBuffer", View(info.Env(), file_.head()));
    napi_add_env_cleanup_hook(env_, CloseAtExit, this);
    hooked_ = true;
  }

  ~TraceFileObject() override { Unhook(); }

 private:
  static void CloseAtExit(void* self) {
    auto* object = static_cast<TraceFileObject*>(self);
    object->hooked_ = false;
    object->file_.Close();
  }

  void Unhook() {
    if (hooked_) napi_remove_env_cleanup_hook(env_, CloseAtExit, this);
    hooked_ = false;
  }

  Napi::Value Advance(const Napi::CallbackInfo& info) {
    int error = file_.Advance(static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue()));
    if (error != 0) return ThrowErrno(info.Env(), error, "cannot write the recording");
    return Napi::Number::New(info.Env(), static_cast<double>(file_.base()));
  }

  Napi::Value Crc32(const Napi::CallbackInfo& info) {
    uint32_t start = info[0].As<Napi::Number>().Uint32Value();
    uint32_t end = info[1].As<Napi::Number>().Uint32Value();
    uint32_t seed = info[2].As<Napi::Number>().Uint32Value();
    if (start > end || end > file_.window()->size) return ThrowErrno(info.Env(), EINVAL, "crc32");
    const auto* bytes = static_cast<const uint8_t*>(file_.window()->address);
    return Napi::Number::New(info.Env(), retrace::Crc32(bytes + start, end - start, seed));
  }

  Napi::Value Holds(const Napi::CallbackInfo& info) {
    auto bytes = info[1].As<Napi::Uint8Array>();
    uint32_t start = info[2].As<Napi::Number>().Uint32Value();
    uint32_t end = info[3].As<Napi::Number>().Uint32Value();
    if (start > end || end > bytes.ByteLength()) return ThrowErrno(info.Env(), EINVAL, "holds");
    auto offset = static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue());
    return Napi::Boolean::New(info.Env(), file_.Holds(offset, bytes.Data() + start, end - start));
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    Unhook();
    int error = file_.Close();
    if (error != 0) return ThrowErrno(info.Env(), error, "cannot close the recording");
    return info.Env().Undefined();
  }

  napi_env env_;
  bool hooked_ = false;
  retrace::TraceFile file_;
};

// One order for the whole process, whichever thread asks.
std::atomic<uint64_t> next_stamp{1};

Napi::Value Stamp(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(next_stamp.fetch_add(1, std::memory_order_seq_cst)));
}

// Texts that every thread of the process sees: how a worker learns its part of the recording without environment variables.
// Leaked: a thread may still ask while the process is being torn down.
std::mutex& texts_mutex = *new std::mutex;
std::map<std::string, std::string>& texts = *new std::map<std::string, std::string>;

Napi::Value SetText(const Napi::CallbackInfo& info) {
  std::lock_guard<std::mutex> lock(texts_mutex);
  texts[info[0].As<Napi::String>()] = info[1].As<Napi::String>();
  return info.Env().Undefined();
}

Napi::Value GetText(const Napi::CallbackInfo& info) {
  std::string text;
  {
    std::lock_guard<std::mutex> lock(texts_mutex);
    auto found = texts.find(info[0].As<Napi::String>());
    if (found == texts.end()) return info.Env().Undefined();
    text = found->second;
  }
  return Napi::String::New(info.Env(), text);
}

bool Wait(int fd, short events) {
  struct pollfd wanted = {fd, events, 0};
  return poll(&wanted, 1, -1) >= 0 || errno == EINTR;
}

// (fd, bytes): fills the bytes; returns how many were read, fewer only at the end of the stream.
Napi::Value ReadFully(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>().Int32Value();
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  size_t done = 0;
  while (done < bytes.ByteLength()) {
    ssize_t n = read(fd, bytes.Data() + done, bytes.ByteLength() - done);
    if (n == 0) break;
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN && Wait(fd, POLLIN)) continue;
      return ThrowErrno(info.Env(), errno, "cannot read");
    }
    done += static_cast<size_t>(n);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(done));
}

// (fd, bytes): writes them all.
Napi::Value WriteFully(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>().Int32Value();
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  size_t done = 0;
  while (done < bytes.ByteLength()) {
    ssize_t n = write(fd, bytes.Data() + done, bytes.ByteLength() - done);
    if (n < 0) {
      if (errno == EINTR) continue;
      // Somebody who shares the descriptor has made it non-blocking.
      if (errno == EAGAIN && Wait(fd, POLLOUT)) continue;
      return ThrowErrno(info.Env(), errno, "cannot write");
    }
    done += static_cast<size_t>(n);
  }
  return info.Env().Undefined();
}

Napi::Value Sha256(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  return Napi::String::New(info.Env(), retrace::Sha256::Hex(bytes.Data(), bytes.ByteLength()));
}

Napi::Value Exit(const Napi::CallbackInfo& info) {
  _exit(info[0].As<Napi::Number>().Int32Value());
}

// Dies of the signal as if nobody had handled it; safe in a signal handler. Returns only if the signal does not kill. The calling
// thread sends it to itself: one sent to the process may wait for another thread, while this one goes on.
void DieOf(int number) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  sigaction(number, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(number);
}

// (signal number): dies of it. Returns only if the signal does not kill.
Napi::Value Die(const Napi::CallbackInfo& info) {
  DieOf(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// Node marks every descriptor it inherited close-on-exec; these belong to the program. Those it has opened since are what an
// event loop is made of: nameless objects of the kernel, and pipes of which it holds both ends.
void KeepInherited() {
  for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFD, 0);
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  std::map<std::string, std::vector<int>> pipes;
  std::vector<int> inherited;
  while (struct dirent* entry = readdir(folder)) {
    int fd = atoi(entry->d_name);
    if (fd < 3 || fd == dirfd(folder)) continue;
    char name[256];
    ssize_t n = readlinkat(dirfd(folder), entry->d_name, name, sizeof(name));
    if (n <= 0) continue;
    std::string target(name, static_cast<size_t>(n));
    if (target.compare(0, 5, "pipe:") == 0) pipes[target].push_back(fd);
    else if (target.compare(0, 11, "anon_inode:") != 0) inherited.push_back(fd);
  }
  closedir(folder);
  for (auto& [name, ends] : pipes)
    if (ends.size() == 1) inherited.push_back(ends[0]);
  for (int fd : inherited) fcntl(fd, F_SETFD, 0);
}

// What the process does when its time is over: set once, read by a signal handler.
struct {
  std::string words;
  int signal = 0;
  int code = 0;
} deadline;

// On whichever thread used the processor last. Only calls that are safe in a signal handler.
void AtDeadline(int) {
  ssize_t written = write(2, deadline.words.data(), deadline.words.size());
  (void)written;
  if (deadline.signal != 0) DieOf(deadline.signal);
  _exit(deadline.code);
}

// (milliseconds, words, signal number or 0, exit code): when the process has used that much more processor time it writes the words
// to stderr and ends, in the middle of whatever it does.
Napi::Value EndAfter(const Napi::CallbackInfo& info) {
  uint32_t milliseconds = info[0].As<Napi::Number>().Uint32Value();
  deadline.words = info[1].As<Napi::String>().Utf8Value();
  deadline.signal = info[2].As<Napi::Number>().Int32Value();
  deadline.code = info[3].As<Napi::Number>().Int32Value();
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = AtDeadline;
  sigaction(SIGPROF, &action, nullptr);
  struct itimerval timer;
  memset(&timer, 0, sizeof(timer));
  timer.it_value.tv_sec = milliseconds / 1000;
  timer.it_value.tv_usec = milliseconds % 1000 * 1000;
  setitimer(ITIMER_PROF, &timer, nullptr);
  return info.Env().Undefined();
}

// (path, arguments with argv[0] first, environment as KEY=value): execve(2). Returns only to throw.
Napi::Value Exec(const Napi::CallbackInfo& info) {
  auto texts = [](const Napi::Array& array) {
    std::vector<std::string> result;
    for (uint32_t i = 0; i < array.Length(); i++) result.push_back(array.Get(i).As<Napi::String>().Utf8Value());
    return result;
  };
  std::string path = info[0].As<Napi::String>().Utf8Value();
  std::vector<std::string> args = texts(info[1].As<Napi::Array>());
  std::vector<std::string> environment = texts(info[2].As<Napi::Array>());
  std::vector<char*> argv, envp;
  for (std::string& text : args) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  KeepInherited();
  execve(path.c_str(), argv.data(), envp.data());
  Napi::Error::New(info.Env(), std::string("execve ") + path + ": " + strerror(errno)).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// (bytes): the stack that processes started from here on get, as far as the system lets it; 0 asks only. Returns what it was; Infinity for no limit.
Napi::Value StackOfChildren(const Napi::CallbackInfo& info) {
  double wanted = info[0].As<Napi::Number>().DoubleValue();
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return Napi::Number::New(info.Env(), 0);
  double before = limit.rlim_cur == RLIM_INFINITY ? INFINITY : static_cast<double>(limit.rlim_cur);
  if (wanted > 0) {
    limit.rlim_cur = std::isinf(wanted) ? RLIM_INFINITY : static_cast<rlim_t>(wanted);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_STACK, &limit);
  }
  return Napi::Number::New(info.Env(), before);
}

// (name): unsetenv(3), of which V8 is not told, so that a time zone it has taken from TZ stays.
Napi::Value UnsetVariable(const Napi::CallbackInfo& info) {
  unsetenv(info[0].As<Napi::String>().Utf8Value().c_str());
  return info.Env().Undefined();
}

// One for the process: only its main thread writes to descriptors 1 and 2.
retrace::OutputOrder output_order;

// (path): from here on the order of output is shared with the other processes that have opened it.
Napi::Value OpenOrder(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  int error = output_order.Open(path.c_str());
  return error == 0 ? info.Env().Undefined() : ThrowErrno(info.Env(), error, "cannot open " + path);
}

// As much one for the process as the order.
retrace::Forwarding forwarding;

// (program, order file, folder, name, format version, [descriptor, label, ...]): see Forwarding::Start. Returns the descriptors for the new program.
Napi::Value ForwardOutput(const Napi::CallbackInfo& info) {
  std::string program = info[0].As<Napi::String>();
  std::string order = info[1].As<Napi::String>();
  std::string folder = info[2].As<Napi::String>();
  std::string name = info[3].As<Napi::String>();
  uint32_t version = info[4].As<Napi::Number>().Uint32Value();
  Napi::Array wanted = info[5].As<Napi::Array>();
  auto number = [&wanted](uint32_t i) { return wanted.Get(i).As<Napi::Number>().Int32Value(); };
  std::vector<retrace::ForwardedStream> streams;
  for (uint32_t i = 0; i + 1 < wanted.Length(); i += 2) streams.push_back({number(i), number(i + 1)});
  std::vector<int> ends;
  int error = forwarding.Start(program, order, folder, name, version, streams, &ends);
  if (error != 0) return ThrowErrno(info.Env(), error, "cannot start " + program);
  Napi::Array result = Napi::Array::New(info.Env(), ends.size());
  for (uint32_t i = 0; i < ends.size(); i++) result.Set(i, Napi::Number::New(info.Env(), ends[i]));
  return result;
}

Napi::Value SettleOutput(const Napi::CallbackInfo& info) {
  forwarding.Settle();
  return info.Env().Undefined();
}

// (descriptor, number): dup2(2).
Napi::Value PutDescriptor(const Napi::CallbackInfo& info) {
  dup2(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// (descriptor): of ours. The program's are not closed here.
Napi::Value CloseDescriptor(const Napi::CallbackInfo& info) {
  close(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value TakeBackOutput(const Napi::CallbackInfo& info) {
  retrace::TakeBackOutput();
  return info.Env().Undefined();
}

Napi::Value BeginOutput(const Napi::CallbackInfo& info) {
  // Before the lock is taken: forwarders need it.
  forwarding.Settle();
  return Napi::Number::New(info.Env(), static_cast<double>(output_order.Begin()));
}

Napi::Value EndOutput(const Napi::CallbackInfo& info) {
  output_order.End();
  return info.Env().Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("TraceFile", TraceFileObject::Define(env));
  exports.Set("stamp", Napi::Function::New<Stamp>(env, "stamp"));
  exports.Set("setText", Napi::Function::New<SetText>(env, "setText"));
  exports.Set("getText", Napi::Function::New<GetText>(env, "getText"));
  exports.Set("readFully", Napi::Function::New<ReadFully>(env, "readFully"));
  exports.Set("writeFully", Napi::Function::New<WriteFully>(env, "writeFully"));
  exports.Set("sha256", Napi::Function::New<Sha256>(env, "sha256"));
  exports.Set("exit", Napi::Function::New<Exit>(env, "exit"));
  exports.Set("die", Napi::Function::New<Die>(env, "die"));
  exports.Set("openOrder", Napi::Function::New<OpenOrder>(env, "openOrder"));
  exports.Set("beginOutput", Napi::Function::New<BeginOutput>(env, "beginOutput"));
  exports.Set("endOutput", Napi::Function::New<EndOutput>(env, "endOutput"));
  exports.Set("forwardOutput", Napi::Function::New<ForwardOutput>(env, "forwardOutput"));
  exports.Set("settleOutput", Napi::Function::New<SettleOutput>(env, "settleOutput"));
  exports.Set("closeDescriptor", Napi::Function::New<CloseDescriptor>(env, "closeDescriptor"));
  exports.Set("putDescriptor", Napi::Function::New<PutDescriptor>(env, "putDescriptor"));
  exports.Set("takeBackOutput", Napi::Function::New<TakeBackOutput>(env, "takeBackOutput"));
  exports.Set("endAfter", Napi::Function::New<EndAfter>(env, "endAfter"));
  exports.Set("unsetVariable", Napi::Function::New<UnsetVariable>(env, "unsetVariable"));
  exports.Set("stackOfChildren", Napi::Function::New<StackOfChildren>(env, "stackOfChildren"));
  exports.Set("exec", Napi::Function::New<Exec>(env, "exec"));
  retrace::DefineFork(env, exports);
  retrace::DefineOverflow(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(retrace_writer, Init)
