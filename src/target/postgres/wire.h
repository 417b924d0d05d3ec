// Big-endian integers in unaligned memory, as PostgreSQL's binary formats want them, and their
// constants.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace offramp::target::postgres {

static_assert(std::endian::native == std::endian::little);

inline void put_u16(char* out, uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(out, &value, 2);
}
inline void put_u32(char* out, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(out, &value, 4);
}
inline void put_u64(char* out, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(out, &value, 8);
}
inline uint16_t get_u16(const char* in) {
  uint16_t value;
  std::memcpy(&value, in, 2);
  return __builtin_bswap16(value);
}
inline uint32_t get_u32(const char* in) {
  uint32_t value;
  std::memcpy(&value, in, 4);
  return __builtin_bswap32(value);
}
inline uint64_t get_u64(const char* in) {
  uint64_t value;
  std::memcpy(&value, in, 8);
  return __builtin_bswap64(value);
}

// COPY BINARY: signature, flags, length of the header extension; at the end a field count of -1.
constexpr char kCopyHeader[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
constexpr size_t kCopyHeaderBytes = 19;
static_assert(sizeof(kCopyHeader) == kCopyHeaderBytes + 1);
constexpr char kCopyTrailer[] = "\xff\xff";
constexpr size_t kCopyTrailerBytes = 2;

// PostgreSQL counts time from 2000-01-01.
constexpr int64_t kEpochMicros = 946'684'800'000'000;
constexpr int64_t kEpochDays = 10'957;
// timestamptz: 4713-11-24 BC … 294276-12-31 AD, in microseconds since 2000 (datatype/timestamp.h).
constexpr int64_t kTimestampMin = -211'813'488'000'000'000;
constexpr int64_t kTimestampEnd = 9'223'371'331'200'000'000;
// date: 4713 BC … 5874897 AD, in days since 2000.
constexpr int64_t kDateMin = -2'451'545;
constexpr int64_t kDateEnd = 2'145'031'949;

constexpr uint32_t kTextOid = 25;
constexpr uint32_t kByteaOid = 17;
constexpr uint32_t kNumericOid = 1700;
constexpr char kJsonbVersion = 1;

}  // namespace offramp::target::postgres
