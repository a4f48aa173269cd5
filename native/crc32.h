// CRC-32 with the polynomial of zlib, eight bytes at a time: the checks of trace files. Used by trace_file.cc's callers and output_log.h.
#ifndef RETRACE_CRC32_H_
#define RETRACE_CRC32_H_

#include <cstddef>
#include <cstdint>

namespace retrace {

struct CrcTables {
  uint32_t t[8][256];
  CrcTables() {
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t c = n;
      for (int k = 0; k < 8; k++) c = c & 1 ? (c >> 1) ^ 0xedb88320u : c >> 1;
      t[0][n] = c;
    }
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t c = t[0][n];
      for (int k = 1; k < 8; k++) {
        c = t[0][c & 255] ^ (c >> 8);
        t[k][n] = c;
      }
    }
  }
};

// CRC-32 of `size` bytes, continuing `seed`.
inline uint32_t Crc32(const uint8_t* p, size_t size, uint32_t seed) {
  static const CrcTables tables;
  const auto& t = tables.t;
  uint32_t c = ~seed;
  for (; size >= 8; p += 8, size -= 8) {
    uint32_t low = c ^ (p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24);
    c = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^ t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^
        t[0][p[7]];
  }
  for (; size > 0; p++, size--) c = t[0][(c ^ *p) & 255] ^ (c >> 8);
  return ~c;
}

}  // namespace retrace

#endif  // RETRACE_CRC32_H_
