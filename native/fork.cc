// Branches of a replayer: copies of the process, made by fork(2), that go on from the very instruction. Used by debug sessions only,
// through native/index.ts; nothing here runs, and no signal is touched, in a recorded process.
//
// What a live Node needs to survive fork():
// - V8 marks its mappings MADV_DONTFORK; the mark is taken away just before (mm/madvise.c: the others are left as they are).
// - V8's helper threads do not exist in the child, so a replayer that forks runs with --single-threaded and none of them.
// - libuv's epoll set is shared with the parent until uv_loop_fork() makes a new one (docs.libuv.org, "uv_loop_fork").
// - the child must leave by _exit: Node's own end joins threads that are not there.
//
// Invariant: a branch whose controller is gone ends, also in the middle of native code: the kernel sends SIGIO when the other end of
// the control socket closes, and the handler looks. Children are never waited for: the kernel reaps them (SA_NOCLDWAIT).
#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <string>
#include <vector>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace {

#ifdef __linux__

// Where the kernel's own pages lie, which refuse the advice: between `first` and `last` byte past them. They never move.
struct {
  uintptr_t first = 0;
  uintptr_t last = 0;
  bool known = false;
} kernel_pages;

void FindKernelPages() {
  kernel_pages.known = true;
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  char line[512];
  while (fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long start, end;
    if (strstr(line, "[vvar") == nullptr || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    if (kernel_pages.first == 0) kernel_pages.first = start;
    kernel_pages.last = end;
  }
  fclose(maps);
}

// madvise goes through all mappings of a range at once, holes or not (it reports ENOMEM for those, in the end).
bool AdviseRange(uintptr_t start, uintptr_t end) {
  return start >= end || madvise(reinterpret_cast<void*>(start), end - start, MADV_DOFORK) == 0 || errno == ENOMEM;
}

// Where something else refuses: mapping by mapping.
void AdviseEach() {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  std::vector<std::pair<uintptr_t, uintptr_t>> ranges;
  char line[512];
  while (fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx", &start, &end) == 2) ranges.emplace_back(start, end);
  }
  fclose(maps);
  for (auto& [start, end] : ranges) AdviseRange(start, end);
}

void MakeForkable() {
  if (!kernel_pages.known) FindKernelPages();
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t top = (uintptr_t{1} << 47) - page;
  bool all = kernel_pages.first == 0 ? AdviseRange(page, top)
                                     : AdviseRange(page, kernel_pages.first) && AdviseRange(kernel_pages.last, top);
  if (!all) AdviseEach();
}

#else

void MakeForkable() {}

#endif

void ReapNobody() {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, nullptr);
}

// The control socket that this process lives by.
volatile int lifeline = -1;

void AtInput(int) {
  int saved = errno;
  struct pollfd socket = {lifeline, 0, 0};
#ifdef POLLRDHUP
  socket.events = POLLRDHUP;
  const short gone = POLLRDHUP | POLLHUP | POLLERR | POLLNVAL;
#else
  const short gone = POLLHUP | POLLERR | POLLNVAL;
#endif
  if (poll(&socket, 1, 0) > 0 && (socket.revents & gone) != 0) _exit(0);
  errno = saved;
}

void LiveBy(int fd) {
  lifeline = fd;
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = AtInput;
  action.sa_flags = SA_RESTART;
  sigaction(SIGIO, &action, nullptr);
  fcntl(fd, F_SETOWN, getpid());
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_ASYNC);
  // It may have closed before anybody was told.
  AtInput(0);
}

// In the child: a loop of its own, and an end by _exit whatever ends it.
void BecomeBranch(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) == napi_ok && loop != nullptr) uv_loop_fork(loop);
  // Copied with the process: a branch of a branch has it already.
  static bool leaves_early = false;
  if (!leaves_early) napi_add_env_cleanup_hook(env, [](void*) { _exit(0); }, nullptr);
  leaves_early = true;
}

// (fd): this process ends when the other end of that socket closes. For the first replayer.
Napi::Value Lifeline(const Napi::CallbackInfo& info) {
  LiveBy(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// Fills in the address; returns its length, 0 if it is too long. A leading NUL: the abstract name space.
socklen_t AddressOf(const std::string& text, struct sockaddr_un* address) {
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  if (text.empty() || text.size() >= sizeof(address->sun_path)) return 0;
  memcpy(address->sun_path, text.data(), text.size());
  return static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + text.size() + (text[0] == '\0' ? 0 : 1));
}

// (address): a descriptor that listens there, or a negative errno. Node 20 knows no abstract names.
Napi::Value ListenAt(const Napi::CallbackInfo& info) {
  struct sockaddr_un name;
  socklen_t length = AddressOf(info[0].As<Napi::String>().Utf8Value(), &name);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (fd >= 0 && bind(fd, reinterpret_cast<struct sockaddr*>(&name), length) == 0 && listen(fd, 128) == 0)
    return Napi::Number::New(info.Env(), fd);
  int error = errno;
  if (fd >= 0) close(fd);
  return Napi::Number::New(info.Env(), -error);
}

// (control fd, address): forks. In the parent: the child's process id, or a negative errno. In the child: 0; the control descriptor
// is a new connection to the address, without which the child ends at once.
Napi::Value Branch(const Napi::CallbackInfo& info) {
  int control = info[0].As<Napi::Number>().Int32Value();
  struct sockaddr_un name;
  socklen_t length = AddressOf(info[1].As<Napi::String>().Utf8Value(), &name);
  if (length == 0) return Napi::Number::New(info.Env(), -EINVAL);
  ReapNobody();
  MakeForkable();
  pid_t pid = fork();
  if (pid != 0) return Napi::Number::New(info.Env(), pid > 0 ? pid : -errno);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) _exit(1);
  while (connect(fd, reinterpret_cast<struct sockaddr*>(&name), length) != 0)
    if (errno != EINTR) _exit(1);
  if (dup2(fd, control) < 0) _exit(1);
  close(fd);
  fcntl(control, F_SETFD, FD_CLOEXEC);
  LiveBy(control);
  BecomeBranch(info.Env());
  return Napi::Number::New(info.Env(), 0);
}

enum class Left : int { Late = 1, Died = 2, Interrupted = 3, Failed = 4 };

bool WriteAll(int fd, const uint8_t* bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes += n, size -= static_cast<size_t>(n);
  }
  return true;
}

[[noreturn]] void RunScratch(Napi::Env env, Napi::Function run, int control, int out) {
  // The controller must not see this copy when it looks whether the original is there.
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, control) < 0) _exit(1);
  signal(SIGIO, SIG_IGN);
  lifeline = -1;
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  BecomeBranch(env);
  Napi::Value result = run.Call({});
  if (env.IsExceptionPending() || !result.IsTypedArray()) _exit(1);
  auto bytes = result.As<Napi::Uint8Array>();
  uint64_t size = bytes.ByteLength();
  bool told = WriteAll(out, reinterpret_cast<const uint8_t*>(&size), sizeof(size)) && WriteAll(out, bytes.Data(), bytes.ByteLength());
  _exit(told ? 0 : 1);
}

double Now() {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// (control fd, milliseconds, run): runs a function in a copy of this process that ends right after it, and gives the bytes that it
// returns; a number where there are none (Left). A message on the control socket, which stays unread, interrupts it.
Napi::Value Scratch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int control = info[0].As<Napi::Number>().Int32Value();
  double until = Now() + info[1].As<Napi::Number>().DoubleValue();
  auto run = info[2].As<Napi::Function>();
  auto left = [&](Left how) { return Napi::Number::New(env, static_cast<int>(how)); };
  int ends[2];
#ifdef __linux__
  if (pipe2(ends, O_CLOEXEC) != 0) return left(Left::Failed);
#else
  if (pipe(ends) != 0) return left(Left::Failed);
#endif
  ReapNobody();
  MakeForkable();
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    RunScratch(env, run, control, ends[1]);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return left(Left::Failed);
  }
  std::vector<uint8_t> bytes;
  uint64_t size = 0;
  Left how = Left::Died;
  uint8_t chunk[65536];
  for (;;) {
    double remaining = until - Now();
    if (remaining <= 0) {
      how = Left::Late;
      break;
    }
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {control, POLLIN, 0}};
    int ready = poll(watched, 2, static_cast<int>(remaining) + 1);
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    if (watched[0].revents == 0) {
      how = Left::Interrupted;
      break;
    }
    ssize_t n = read(ends[0], chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    bytes.insert(bytes.end(), chunk, chunk + n);
  }
  close(ends[0]);
  // Where it has ended by itself its number might be another's by now, but only its parent's death can give it away so soon.
  if (how != Left::Died) kill(pid, SIGKILL);
  if (bytes.size() >= sizeof(size)) memcpy(&size, bytes.data(), sizeof(size));
  if (how != Left::Died || bytes.size() < sizeof(size) || bytes.size() - sizeof(size) != size) return left(how);
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data() + sizeof(size), size);
}

// (fd): whether something can be read there, or its end.
Napi::Value PollIn(const Napi::CallbackInfo& info) {
  struct pollfd wanted = {info[0].As<Napi::Number>().Int32Value(), POLLIN, 0};
  return Napi::Boolean::New(info.Env(), poll(&wanted, 1, 0) > 0);
}

// getpid(2): process.pid is the recorded one, and in a copy the parent's.
Napi::Value OwnPid(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), getpid());
}

// Milliseconds that this process has had of processors.
Napi::Value ProcessorTime(const Napi::CallbackInfo& info) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return Napi::Number::New(info.Env(), static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6);
}

}  // namespace

namespace retrace {

void DefineFork(Napi::Env env, Napi::Object exports) {
  exports.Set("lifeline", Napi::Function::New<Lifeline>(env, "lifeline"));
  exports.Set("listenAt", Napi::Function::New<ListenAt>(env, "listenAt"));
  exports.Set("branch", Napi::Function::New<Branch>(env, "branch"));
  exports.Set("scratch", Napi::Function::New<Scratch>(env, "scratch"));
  exports.Set("pollIn", Napi::Function::New<PollIn>(env, "pollIn"));
  exports.Set("ownPid", Napi::Function::New<OwnPid>(env, "ownPid"));
  exports.Set("processorTime", Napi::Function::New<ProcessorTime>(env, "processorTime"));
}

}  // namespace retrace
