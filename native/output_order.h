// The order in which the processes of one recording write to descriptors that they share: a lock and the time of the last write, in a
// page of memory that all of them map. Used by writer.cc and forwarder.cc.
//
// Invariant: nobody waits for long. Whoever holds the lock for more than 20 milliseconds (it was killed, or waits for a reader)
// loses it, and the order of these two writes is then as good as their times.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace retrace {

// Ticks of 100 ns of a clock that all processes of the machine share and nobody sets.
inline uint64_t Ticks() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 10000000u + static_cast<uint64_t>(now.tv_nsec) / 100u;
}

class OutputOrder {
 public:
  // Maps the file, made if it is not there. Returns 0 or errno.
  int Open(const char* path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? errno : Use(fd);
  }

  // The same for a descriptor of the file, which it closes.
  int Use(int fd) {
    // Room that is not there would kill the process when it is touched.
    int error = posix_fallocate(fd, 0, sizeof(Page));
    void* address = error != 0 ? MAP_FAILED : mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (error == 0 && address == MAP_FAILED) error = errno;
    close(fd);
    if (error == 0) page_ = static_cast<Page*>(address);
    return error;
  }

  // Takes the lock. Returns the time, which is later than any returned before.
  uint64_t Begin() {
    // A write that failed has not said so.
    End();
    uint64_t now = Ticks();
    if (page_ == nullptr) return now;
    for (int tries = 0;; tries++) {
      uint64_t since = page_->held_since.load(std::memory_order_relaxed);
      bool lost = since != 0 && (now > since + kPatience || since > now + kPatience);
      if ((since == 0 || lost) && page_->held_since.compare_exchange_weak(since, now, std::memory_order_acquire)) break;
      if (tries < 20) {
        sched_yield();
      } else {
        timespec pause = {0, 50000};
        nanosleep(&pause, nullptr);
      }
      now = Ticks();
    }
    mine_ = now;
    uint64_t last = page_->last.load(std::memory_order_relaxed);
    uint64_t time = now > last || last > now + kPatience ? now : last + 1;
    page_->last.store(time, std::memory_order_relaxed);
    return time;
  }

  void End() {
    if (mine_ == 0) return;
    page_->held_since.compare_exchange_strong(mine_, 0, std::memory_order_release);
    mine_ = 0;
  }

 private:
  static constexpr uint64_t kPatience = 200000;  // 20 ms: longer than a busy machine keeps a process from running
  struct Page {
    std::atomic<uint64_t> held_since;
    std::atomic<uint64_t> last;
  };
  static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");
  Page* page_ = nullptr;
  uint64_t mine_ = 0;
};

}  // namespace retrace
