// The log of a forwarder: a trace file of `output` events alone (recorder/trace/events.ts), each with a check behind it. Used by forwarder.cc.
//
// Invariant: the committed length is stored after the bytes of an event, so that whenever the forwarder is killed the log is whole up
// to there. The file is made with the first byte of output. A log that cannot be written stays as it is from then on.
#pragma once
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>

#include "crc32.h"

namespace retrace {

class OutputLog {
 public:
  // The most bytes that one event takes.
  static constexpr size_t kMost = 1 << 16;

  // version: FORMAT_VERSION of recorder/trace/events.ts.
  OutputLog(int folder, const char* name, uint32_t version) : folder_(folder), name_(name), version_(version) {}

  // fd: 1 or 2. time: see output_order.h.
  void Add(int fd, uint64_t time, const uint8_t* bytes, size_t size) {
    if (failed_ || (file_ < 0 && !Create())) return;
    uint8_t* at = buffer_;
    *at++ = 10;  // EventTag.Output
    at = Uint(at, static_cast<uint64_t>(fd));
    at = Uint(at, time);
    *at++ = 0x91;  // ValueTag.Buffer
    at = Uint(at, size);
    memcpy(at, bytes, size);
    at += size;
    auto length = static_cast<uint32_t>(at - buffer_);
    uint32_t crc = Crc32(buffer_, length, 0);
    *at++ = 9;  // EventTag.Check
    at = Fixed(Fixed(at, &length, sizeof(length)), &crc, sizeof(crc));
    size_t all = static_cast<size_t>(at - buffer_);
    if (!Put(buffer_, all, end_)) return;
    end_ += all;
    Commit();
  }

 private:
  // HEADER of recorder/trace/events.ts.
  static constexpr size_t kHead = 64, kCommittedAt = 16;

  static uint8_t* Uint(uint8_t* at, uint64_t number) {
    for (; number >= 128; number >>= 7) *at++ = static_cast<uint8_t>(number | 128);
    *at++ = static_cast<uint8_t>(number);
    return at;
  }

  // As it lies in memory: the format is little endian, and so are the machines that Node runs on.
  static uint8_t* Fixed(uint8_t* at, const void* value, size_t size) {
    memcpy(at, value, size);
    return at + size;
  }

  bool Create() {
    file_ = openat(folder_, name_, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_ < 0) failed_ = true;
    uint8_t head[kHead] = {};
    Fixed(Fixed(head, "RETRACE\n", 8), &version_, sizeof(version_));
    if (!Put(head, kHead, 0)) return false;
    end_ = kHead;
    Commit();
    return !failed_;
  }

  void Commit() {
    const double lengths[2] = {static_cast<double>(end_), end_ == kHead ? 0.0 : static_cast<double>(end_)};
    Put(reinterpret_cast<const uint8_t*>(lengths), sizeof(lengths), kCommittedAt);
  }

  bool Put(const uint8_t* bytes, size_t size, uint64_t offset) {
    while (size > 0 && !failed_) {
      ssize_t n = pwrite(file_, bytes, size, static_cast<off_t>(offset));
      if (n <= 0) {
        failed_ = true;
        break;
      }
      bytes += n;
      size -= static_cast<size_t>(n);
      offset += static_cast<uint64_t>(n);
    }
    return !failed_;
  }

  const int folder_;
  const char* const name_;
  const uint32_t version_;
  int file_ = -1;
  bool failed_ = false;
  uint64_t end_ = 0;
  uint8_t buffer_[kMost + 64];
};

}  // namespace retrace
