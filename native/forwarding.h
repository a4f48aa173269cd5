// Output of programs that are not recorded. A program that a recorded process starts with the process's own stdout or stderr gets a
// pipe in its place; a small process, the forwarder (forwarder.cc), copies what comes to the real descriptor and into the recording. Its
// life is that of the pipe's writers, so that nobody notices when the recorded process ends first, however it ends.
//
// This is the recorded process's half, used by writer.cc. Invariant: Settle() returns when everything that was in the pipes at its
// call has reached the real descriptors, so that what the recorded process writes next comes after it, as without a recording.
// A reader that takes nothing for half a second ends the wait. No child, no signal and no thread of it is to be seen in the process.
#ifndef RETRACE_FORWARDING_H_
#define RETRACE_FORWARDING_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace retrace {

// What a forwarder tells the process that started it, in memory that both map.
struct ForwardSlot {
  // Not 0 from before it takes bytes from a pipe until they have been written and logged; one bit for each stream.
  std::atomic<uint32_t> busy;
  // It has ended: all its pipes have, and all that came is written.
  std::atomic<uint32_t> done;
  // Bytes written so far.
  std::atomic<uint64_t> moved;
};

constexpr int kForwardSlots = 1024;
// Descriptors of ours are above those that a program expects to get.
constexpr int kHighDescriptor = 200;

struct ForwardedStream {
  // The descriptor that the program was to get.
  int real;
  // 1 or 2: which of the recorded process's outputs that is.
  int label;
};

class Forwarding {
 public:
  // Starts a forwarder (executable file `program`) that logs to `name` in `folder`, in that format version and the order of the file `order`. `ends` are the
  // descriptors for the new program, one for each stream, to be closed when it has been started. Returns 0 or errno.
  int Start(const std::string& program, const std::string& order, const std::string& folder, const std::string& name,
            uint32_t version, const std::vector<ForwardedStream>& streams, std::vector<int>* ends);
  void Settle();

 private:
  struct Active {
    int slot;
    uint64_t moved;      // at the beginning of the wait
    uint64_t abandoned;  // moved + 1 when a wait for it was given up
  };

  int Prepare();
  int FreeSlot() const;

  ForwardSlot* slots_ = nullptr;
  int memory_ = -1;
  // Knows whether there is something in the pipes, without keeping their reading ends open.
  int epoll_ = -1;
  std::vector<Active> active_;
};

// In a process started with such a pipe that records itself: puts the real descriptor in its place.
void TakeBackOutput();

// Name of the abstract socket at which the forwarder of the pipe with that inode hands out the real descriptor. Returns its length.
inline int ForwardAddress(char* name, unsigned long inode) {
  // The first byte is 0: a name that is no file's.
  char digits[24];
  int n = 0, length = 0;
  for (const char* c = "retrace-output-"; *c != 0; c++) name[++length] = *c;
  do digits[n++] = static_cast<char>('0' + inode % 10);
  while ((inode /= 10) != 0);
  name[0] = 0;
  while (n > 0) name[++length] = digits[--n];
  return length + 1;
}

}  // namespace retrace

#endif  // RETRACE_FORWARDING_H_
