// A trace file mapped into memory. Used by writer.cc alone.
//
// Invariant: the window and the head keep their addresses for as long as anybody holds the region, whatever happens to the
// file; a store into them never faults. Blocks are reserved before they are mapped, so that a full disk is an error returned by
// Advance, not a SIGBUS in the middle of somebody's program. Every open file is cut at exit(3), whichever way led there.
#ifndef RETRACE_TRACE_FILE_H_
#define RETRACE_TRACE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "crc32.h"

namespace retrace {

// Address space that outlives the file: the JavaScript views point into it.
struct Region {
  void* address = nullptr;
  size_t size = 0;
  ~Region();
};

class TraceFile {
 public:
  TraceFile();
  // All return 0 or an errno.
  int Open(const char* path, size_t window_size);
  int Advance(uint64_t offset);
  // True if the file holds these bytes at that offset.
  bool Holds(uint64_t offset, const uint8_t* bytes, size_t size) const;
  // Cuts the file to the committed length and lets go of it. The region then belongs to no file.
  int Close();
  ~TraceFile();

  bool is_open() const { return fd_ >= 0; }
  uint64_t base() const { return base_; }
  const std::shared_ptr<Region>& window() const { return window_; }
  const std::shared_ptr<Region>& head() const { return head_; }

 private:
  int Reserve(uint64_t from, uint64_t length);

  int fd_ = -1;
  uint64_t base_ = 0;
  std::shared_ptr<Region> window_;
  std::shared_ptr<Region> head_;
};

}  // namespace retrace

#endif  // RETRACE_TRACE_FILE_H_
