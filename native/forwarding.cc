// See forwarding.h.
#include "forwarding.h"

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace retrace {

namespace {

// Longest wait for a forwarder that makes no progress, and how much one call waits for: what a pipe and the forwarder can hold.
constexpr int64_t kPatience = 500 * 1000 * 1000;
constexpr uint64_t kMost = (1 << 16) + (1 << 16);

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() { Set(-1); }
  int get() const { return fd_; }
  int Release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Set(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  // Takes `fd` over, moved out of the program's way where that is possible. Returns false, with errno, if fd is none.
  bool Take(int fd) {
    if (fd < 0) return false;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, kHighDescriptor);
    if (high >= 0) close(fd);
    Set(high >= 0 ? high : fd);
    return true;
  }

 private:
  int fd_ = -1;
};

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

socklen_t AddressOf(int pipe, sockaddr_un* address) {
  struct stat facts;
  if (fstat(pipe, &facts) != 0 || !S_ISFIFO(facts.st_mode)) return 0;
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path)) +
         static_cast<socklen_t>(ForwardAddress(address->sun_path, static_cast<unsigned long>(facts.st_ino)));
}

struct Launch {
  const char* program;
  char* const* argv;
  const std::vector<int>* kept;
  int error;
  alignas(16) char outer_stack[16384];
  alignas(16) char inner_stack[16384];
};

// In memory that is shared with the recorded process, which waits meanwhile: system calls only.
int Inner(void* given) {
  auto* launch = static_cast<Launch*>(given);
  setsid();
  for (int fd : *launch->kept) fcntl(fd, F_SETFD, 0);
  char* const environment[] = {nullptr};
  execve(launch->program, launch->argv, environment);
  launch->error = errno;
  _exit(127);
}

int Outer(void* given) {
  auto* launch = static_cast<Launch*>(given);
  if (clone(Inner, launch->inner_stack + sizeof(launch->inner_stack), CLONE_VM | CLONE_VFORK | SIGCHLD, given) < 0) launch->error = errno;
  _exit(0);
}

// Runs the program as nobody's child. Returns 0 or errno.
int RunApart(const std::string& program, const std::vector<std::string>& words, const std::vector<int>& kept) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto* launch = new Launch;
  launch->program = program.c_str();
  launch->argv = argv.data();
  launch->kept = &kept;
  launch->error = 0;
  // No handler of Node's may run in there; the forwarder keeps them blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // Without a signal for us when it ends; what it starts belongs to init.
  int pid = clone(Outer, launch->outer_stack + sizeof(launch->outer_stack), CLONE_VM | CLONE_VFORK, launch);
  int error = pid < 0 ? errno : 0;
  if (pid > 0) {
    while (waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
    }
    error = launch->error;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  delete launch;
  return error;
}

}  // namespace

int Forwarding::Prepare() {
  if (slots_ != nullptr) return 0;
  Descriptor memory, epoll;
  size_t size = sizeof(ForwardSlot) * kForwardSlots;
  if (!memory.Take(memfd_create("retrace", MFD_CLOEXEC)) || ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return errno;
  if (!epoll.Take(epoll_create1(EPOLL_CLOEXEC))) return errno;
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (address == MAP_FAILED) return errno;
  slots_ = static_cast<ForwardSlot*>(address);
  memory_ = memory.Release();
  epoll_ = epoll.Release();
  return 0;
}

int Forwarding::FreeSlot() const {
  bool taken[kForwardSlots] = {};
  for (const Active& one : active_) taken[one.slot] = true;
  for (int i = 0; i < kForwardSlots; i++)
    if (!taken[i]) return i;
  return -1;
}

int Forwarding::Start(const std::string& program, const std::string& order, const std::string& folder, const std::string& name,
                      uint32_t version, const std::vector<ForwardedStream>& streams, std::vector<int>* ends) {
  int error = Prepare();
  if (error != 0) return error;
  for (size_t i = active_.size(); i-- > 0;)
    if (slots_[active_[i].slot].done.load() != 0) active_.erase(active_.begin() + static_cast<ptrdiff_t>(i));
  int slot = FreeSlot();
  if (slot < 0) return EAGAIN;
  Descriptor order_file, directory;
  if (!order_file.Take(open(order.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))) return errno;
  if (!directory.Take(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))) return errno;
  std::vector<int> kept = {memory_, order_file.get(), directory.get()};
  std::vector<std::string> words = {"retrace-forwarder", std::to_string(slot), std::to_string(memory_), std::to_string(order_file.get()),
                                    std::to_string(directory.get()), name, std::to_string(version)};
  std::vector<Descriptor> held, writing;
  for (const ForwardedStream& stream : streams) {
    int both[2];
    if (pipe2(both, O_CLOEXEC) != 0) return errno;
    Descriptor read_end, write_end, real, door;
    bool moved = read_end.Take(both[0]);
    if (!write_end.Take(both[1]) || !moved) return errno;
    fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
    int copy = fcntl(stream.real, F_DUPFD_CLOEXEC, kHighDescriptor);
    if (copy < 0) return errno;
    real.Set(copy);
    sockaddr_un address;
    socklen_t length = AddressOf(read_end.get(), &address);
    if (!door.Take(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))) return errno;
    if (bind(door.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(door.get(), 16) != 0) return errno;
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<uint32_t>(slot);
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, read_end.get(), &event) != 0) return errno;
    for (int number : {stream.label, real.get(), read_end.get(), door.get()}) words.push_back(std::to_string(number));
    for (Descriptor* one : {&real, &read_end, &door}) {
      kept.push_back(one->get());
      held.push_back(std::move(*one));
    }
    writing.push_back(std::move(write_end));
  }
  slots_[slot].busy = 0;
  slots_[slot].done = 0;
  slots_[slot].moved = 0;
  error = RunApart(program, words, kept);
  if (error != 0) return error;
  // What a program that inherits a descriptor does to it: libuv makes it a blocking one, for all who share it.
  for (const ForwardedStream& stream : streams) {
    int flags = fcntl(stream.real, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0) fcntl(stream.real, F_SETFL, flags & ~O_NONBLOCK);
  }
  active_.push_back({slot, 0, 0});
  for (Descriptor& end : writing) ends->push_back(end.Release());
  return 0;
}

void Forwarding::Settle() {
  if (active_.empty()) return;
  for (Active& one : active_) one.moved = slots_[one.slot].moved.load();
  int64_t last = Now();
  uint64_t seen = 0;
  for (long pause = 20000;; pause = pause < 1000000 ? pause * 2 : pause) {
    // The pipes first: bytes that are no longer there have made their forwarder busy before.
    epoll_event ready[64];
    int count = epoll_wait(epoll_, ready, 64, 0);
    bool waiting = false;
    uint64_t sum = 0;
    for (size_t i = active_.size(); i-- > 0;) {
      Active& one = active_[i];
      ForwardSlot& slot = slots_[one.slot];
      if (slot.done.load() != 0) {
        active_.erase(active_.begin() + static_cast<ptrdiff_t>(i));
        continue;
      }
      bool pending = slot.busy.load() != 0;
      for (int k = 0; k < count; k++)
        if (ready[k].data.u32 == static_cast<uint32_t>(one.slot) && (ready[k].events & EPOLLIN) != 0) pending = true;
      uint64_t moved = slot.moved.load();
      sum += moved;
      if (pending && moved + 1 != one.abandoned && moved - one.moved < kMost) waiting = true;
    }
    if (!waiting) return;
    int64_t now = Now();
    if (sum != seen) {
      seen = sum;
      last = now;
    } else if (now - last > kPatience) {
      for (Active& one : active_) one.abandoned = slots_[one.slot].moved.load() + 1;
      return;
    }
    timespec sleep = {0, pause};
    nanosleep(&sleep, nullptr);
  }
}

void TakeBackOutput() {
  for (int fd = 1; fd <= 2; fd++) {
    sockaddr_un address;
    socklen_t length = AddressOf(fd, &address);
    if (length == 0) continue;
    int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door < 0) continue;
    // The forwarder first writes what came before us, which may take as long as the reader of that does.
    timeval patience = {1, 0};
    setsockopt(door, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(door, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    char byte;
    iovec part = {&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof(room);
    ucred other;
    socklen_t size = sizeof(other);
    if (connect(door, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
        getsockopt(door, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 && other.uid == geteuid() &&
        recvmsg(door, &message, MSG_CMSG_CLOEXEC) == 1) {
      cmsghdr* head = CMSG_FIRSTHDR(&message);
      if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        int real;
        memcpy(&real, CMSG_DATA(head), sizeof(real));
        dup2(real, fd);
        close(real);
      }
    }
    close(door);
  }
}

}  // namespace retrace

#else

#include <errno.h>

namespace retrace {

int Forwarding::Start(const std::string&, const std::string&, const std::string&, const std::string&, uint32_t, const std::vector<ForwardedStream>&,
                      std::vector<int>*) {
  return ENOSYS;
}
void Forwarding::Settle() {}
void TakeBackOutput() {}

}  // namespace retrace

#endif
