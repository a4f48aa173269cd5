// The forwarder: copies what programs that are not recorded write, to where it was to go and into the recording. Started by forwarding.cc
//
//   retrace-forwarder SLOT MEMORY ORDER FOLDER NAME VERSION (LABEL REAL PIPE DOOR)...      numbers are descriptors, but for SLOT, VERSION and LABEL
//
// Invariant: it ends when the last writer of its pipes is gone and everything is written; it keeps nothing open that the programs'
// readers wait for, and never waits for one of its readers while another could be served. When a reader goes away the pipe's reading
// end goes, too, and its writers learn of it as they would have. No signal but SIGKILL ends it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "forwarding.h"
#include "output_log.h"
#include "output_order.h"

namespace {

using retrace::ForwardSlot;
using retrace::OutputLog;

constexpr int kMaxStreams = 8;
// What a pipe takes whole or not at all.
constexpr size_t kPiece = 4096;
// Bytes copied before the other streams have their turn.
constexpr size_t kTurn = 1 << 20;

ForwardSlot* slot;
retrace::OutputOrder order;

class Stream {
 public:
  void Open(int number, int label, int real, int pipe, int door) {
    bit_ = 1u << number;
    label_ = label;
    real_ = to_ = real;
    pipe_ = pipe;
    door_ = door;
    struct stat facts;
    if (fstat(real, &facts) != 0) return;
    socket_ = S_ISSOCK(facts.st_mode);
    whole_ = S_ISREG(facts.st_mode);
    if (!S_ISFIFO(facts.st_mode)) return;
    // The same pipe, opened once more so that our writes never wait; those who share `real` notice nothing.
    char name[40];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", real);
    int own = ::open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (own >= 0) to_ = own;
  }

  bool open() const { return pipe_ >= 0; }
  bool stalled() const { return size_ > 0; }

  int Wanted(pollfd* wanted) const {
    if (!open()) return 0;
    wanted[0] = {stalled() ? -1 : pipe_, POLLIN, 0};
    wanted[1] = {stalled() ? -1 : door_, POLLIN, 0};
    // Told without being asked: that nobody reads there any more.
    wanted[2] = {to_, static_cast<short>(stalled() ? POLLOUT : 0), 0};
    return 3;
  }

  void Serve(const pollfd* told, OutputLog* log) {
    if ((told[2].revents & (POLLERR | POLLNVAL)) != 0) return Close();
    if (stalled() && !Write(log)) return;
    Copy(log);
    // What was written before it asked goes out before what it writes itself.
    if (open() && !stalled() && (told[1].revents & POLLIN) != 0) HandOut();
  }

 private:
  // From the pipe to where it goes, until the pipe is empty, the reader has enough, or others should have their turn.
  void Copy(OutputLog* log) {
    for (size_t done = 0; open() && done < kTurn;) {
      slot->busy.fetch_or(bit_);
      ssize_t n = read(pipe_, buffer_, sizeof(buffer_));
      if (n <= 0) {
        slot->busy.fetch_and(~bit_);
        if (n == 0) Close();
        if (n < 0 && errno == EINTR) continue;
        return;
      }
      at_ = 0;
      size_ = static_cast<size_t>(n);
      done += size_;
      if (!Write(log)) return;
    }
  }

  // Writes what is held, as much as goes without waiting. True if that was all.
  bool Write(OutputLog* log) {
    while (size_ > 0) {
      size_t piece = size_;
      if (!whole_ && piece > kPiece) {
        // Lines stay whole, as they were if their writer wrote them at once.
        const void* end = memrchr(buffer_ + at_, '\n', kPiece);
        piece = end == nullptr ? kPiece : static_cast<size_t>(static_cast<const uint8_t*>(end) - (buffer_ + at_)) + 1;
      }
      if (to_ == real_ && !whole_ && !socket_) {
        pollfd ready = {to_, POLLOUT, 0};
        if (poll(&ready, 1, 0) == 0) return false;
      }
      uint64_t time = order.Begin();
      ssize_t n = socket_ ? send(to_, buffer_ + at_, piece, MSG_DONTWAIT | MSG_NOSIGNAL) : write(to_, buffer_ + at_, piece);
      int error = n < 0 ? errno : 0;
      order.End();
      if (n < 0) {
        if (error == EINTR) continue;
        if (error == EAGAIN) return false;
        Close();
        return false;
      }
      log->Add(label_, time, buffer_ + at_, static_cast<size_t>(n));
      slot->moved.fetch_add(static_cast<uint64_t>(n));
      at_ += static_cast<size_t>(n);
      size_ -= static_cast<size_t>(n);
    }
    slot->busy.fetch_and(~bit_);
    return true;
  }

  // A process that records itself wants the real descriptor.
  void HandOut() {
    int other = accept4(door_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (other < 0) return;
    ucred who;
    socklen_t size = sizeof(who);
    if (getsockopt(other, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == geteuid()) {
      char byte = 0;
      iovec part = {&byte, 1};
      alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
      msghdr message = {};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = room;
      message.msg_controllen = sizeof(room);
      cmsghdr* head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int));
      memcpy(CMSG_DATA(head), &real_, sizeof(int));
      sendmsg(other, &message, MSG_NOSIGNAL);
    }
    close(other);
  }

  void Close() {
    for (int fd : {pipe_, door_, real_}) close(fd);
    if (to_ != real_) close(to_);
    pipe_ = -1;
    size_ = 0;
    slot->busy.fetch_and(~bit_);
  }

  uint32_t bit_ = 0;
  int label_ = 0, real_ = -1, to_ = -1, pipe_ = -1, door_ = -1;
  bool socket_ = false, whole_ = false;
  size_t at_ = 0, size_ = 0;
  uint8_t buffer_[OutputLog::kMost];
};

Stream streams[kMaxStreams];

// Whoever waits for the end of something else that the recorded process has open does not wait for us. Where the kernel is older than
// the call, what others left open across exec stays so.
void CloseOthers(const int* kept, int count) {
#if defined(SYS_close_range)
  unsigned int from = 3;
  for (;;) {
    // The next of ours from there on.
    unsigned int next = ~0u;
    for (int i = 0; i < count; i++)
      if (static_cast<unsigned int>(kept[i]) >= from && static_cast<unsigned int>(kept[i]) < next) next = static_cast<unsigned int>(kept[i]);
    if (next > from) syscall(SYS_close_range, from, next == ~0u ? next : next - 1, 0);
    if (next == ~0u) return;
    from = next + 1;
  }
#endif
}

}  // namespace

int main(int count, char** words) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  if (chdir("/") != 0) return 1;
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) {
    if (nowhere >= 0) dup2(nowhere, fd);
    else close(fd);
  }
  if (nowhere > 2) close(nowhere);
  if (count < 7 || count > 7 + 4 * kMaxStreams) return 1;
  auto number = [words](int i) { return atoi(words[i]); };
  int kept[3 + 3 * kMaxStreams];
  int keeping = 0;
  for (int i = 2; i < count; i++)
    if (i < 5 || (i > 6 && (i - 7) % 4 != 0)) kept[keeping++] = number(i);
  CloseOthers(kept, keeping);
  void* memory = mmap(nullptr, sizeof(ForwardSlot) * retrace::kForwardSlots, PROT_READ | PROT_WRITE, MAP_SHARED, number(2), 0);
  if (memory == MAP_FAILED) return 1;
  close(number(2));
  slot = static_cast<ForwardSlot*>(memory) + number(1);
  order.Use(number(3));
  static OutputLog log(number(4), words[5], static_cast<uint32_t>(number(6)));
  int all_streams = 0;
  for (int i = 7; i + 3 < count; i += 4, all_streams++)
    streams[all_streams].Open(all_streams, number(i), number(i + 1), number(i + 2), number(i + 3));
  for (;;) {
    pollfd wanted[3 * kMaxStreams];
    int asked = 0;
    for (int i = 0; i < all_streams; i++) asked += streams[i].Wanted(wanted + asked);
    if (asked == 0) break;
    if (poll(wanted, static_cast<nfds_t>(asked), -1) < 0) continue;
    const pollfd* told = wanted;
    for (int i = 0; i < all_streams; i++) {
      if (!streams[i].open()) continue;
      streams[i].Serve(told, &log);
      told += 3;
    }
  }
  slot->done = 1;
  return 0;
}
