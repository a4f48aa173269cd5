#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

namespace retrace {

namespace {

// Where the committed length stands in the head: HEADER.committedAt of recorder/trace/events.ts.
constexpr size_t kCommittedAt = 16;

size_t PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Leaked, because exit handlers outlive static objects.
std::mutex& open_files_mutex = *new std::mutex;
std::set<TraceFile*>& open_files = *new std::set<TraceFile*>;

void CloseAll() {
  std::lock_guard<std::mutex> lock(open_files_mutex);
  for (TraceFile* file : open_files) file->Close();
}

int MapFile(void* where, size_t size, int fd, uint64_t offset, void** result) {
  int flags = MAP_SHARED;
#if defined(__linux__)
  // A trace that has filled one window will fill the next: all its pages at once cost less than one fault each.
  if (where != nullptr) flags |= MAP_POPULATE;
#endif
  if (where != nullptr) flags |= MAP_FIXED;
  void* address = mmap(where, size, PROT_READ | PROT_WRITE, flags, fd, static_cast<off_t>(offset));
  if (address == MAP_FAILED) return errno;
  *result = address;
  return 0;
}

// While it lives, a file size limit (setrlimit) is an error of the call that meets it, EFBIG, and not the end of the program.
class WithoutSizeSignal {
 public:
  WithoutSizeSignal() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~WithoutSizeSignal() {
    int error = errno;
    if (!sigismember(&before_, SIGXFSZ)) {
#if defined(__linux__)
      struct timespec now = {0, 0};
      sigtimedwait(&set_, nullptr, &now);
#endif
      pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    errno = error;
  }

 private:
  sigset_t set_;
  sigset_t before_;
};

// Puts memory of no consequence where a file was mapped.
void Unbind(const Region& region) {
  mmap(region.address, region.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

}  // namespace

Region::~Region() {
  if (address != nullptr) munmap(address, size);
}

TraceFile::TraceFile() {
  std::lock_guard<std::mutex> lock(open_files_mutex);
  static const int registered = atexit(CloseAll);
  (void)registered;
  open_files.insert(this);
}

TraceFile::~TraceFile() {
  std::lock_guard<std::mutex> lock(open_files_mutex);
  open_files.erase(this);
  Close();
}

int TraceFile::Open(const char* path, size_t window_size) {
  size_t page = PageSize();
  size_t size = (window_size + page - 1) / page * page;
  do {
    fd_ = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) return errno;
  window_ = std::make_shared<Region>();
  head_ = std::make_shared<Region>();
  int error = Reserve(0, size);
  if (error == 0) error = MapFile(nullptr, size, fd_, 0, &window_->address);
  if (error == 0) {
    window_->size = size;
    error = MapFile(nullptr, page, fd_, 0, &head_->address);
  }
  if (error == 0) {
    head_->size = page;
    return 0;
  }
  close(fd_);
  fd_ = -1;
  unlink(path);
  return error;
}

int TraceFile::Reserve(uint64_t from, uint64_t length) {
  WithoutSizeSignal without;
#if defined(__linux__)
  int result;
  do {
    result = fallocate(fd_, 0, static_cast<off_t>(from), static_cast<off_t>(length));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
#endif
  // No reservation on this file system: writing zeros behind the end reserves as well.
  off_t end = lseek(fd_, 0, SEEK_END);
  if (end < 0) return errno;
  char zeros[65536];
  memset(zeros, 0, sizeof(zeros));
  for (uint64_t at = static_cast<uint64_t>(end); at < from + length;) {
    uint64_t rest = from + length - at;
    ssize_t n = pwrite(fd_, zeros, rest < sizeof(zeros) ? rest : sizeof(zeros), static_cast<off_t>(at));
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    at += static_cast<uint64_t>(n);
  }
  return 0;
}

int TraceFile::Advance(uint64_t offset) {
  if (fd_ < 0) return EBADF;
  uint64_t base = offset / PageSize() * PageSize();
  int error = Reserve(base, window_->size);
  if (error != 0) return error;
  void* address;
  // The same address: the JavaScript view stays valid, and stays the same object.
  error = MapFile(window_->address, window_->size, fd_, base, &address);
  if (error != 0) {
    Unbind(*window_);
    return error;
  }
  base_ = base;
  return 0;
}

bool TraceFile::Holds(uint64_t offset, const uint8_t* bytes, size_t size) const {
  char piece[65536];
  while (size > 0) {
    size_t wanted = size < sizeof(piece) ? size : sizeof(piece);
    ssize_t n = pread(fd_, piece, wanted, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || memcmp(piece, bytes, static_cast<size_t>(n)) != 0) return false;
    bytes += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

int TraceFile::Close() {
  if (fd_ < 0) return 0;
  double committed;
  memcpy(&committed, static_cast<char*>(head_->address) + kCommittedAt, sizeof(committed));
  int error = 0;
  if (committed >= 0 && ftruncate(fd_, static_cast<off_t>(committed)) != 0) error = errno;
  Unbind(*window_);
  Unbind(*head_);
  close(fd_);
  fd_ = -1;
  return error;
}

}  // namespace retrace
