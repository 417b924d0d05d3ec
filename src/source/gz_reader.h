// GzReader: the bytes of a file, inflated when it is gzip, as they are when it is not (told apart
// by the magic bytes).
//
// What is true:
// - Concatenated gzip members are one stream; the CRC and length of every member are checked before
// end of file is
//   reported; zero bytes behind the last member are padding, anything else there is corruption.
// - read() inflates straight into the caller's buffer. Memory is one input window (kInputBytes) and
// igzip's state.
// - A truncated or damaged stream is kCorrupt ("gz.truncated", "gz.corrupt") and names the file and
// the offset in the
//   compressed bytes; bytes inflated before it have been given out. A missing file is kConfig, an
//   I/O error kUnavailable.
// Not thread-safe; one reader per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace offramp::source {

class GzReader {
 public:
  static constexpr size_t kInputBytes = 256 * 1024;

  static Result<std::unique_ptr<GzReader>> open(const std::string& path);
  ~GzReader();
  GzReader(const GzReader&) = delete;
  GzReader& operator=(const GzReader&) = delete;

  // Writes up to `capacity` (> 0) bytes to `out`; the number written, 0 only at the end of the
  // stream.
  Result<size_t> read(char* out, size_t capacity);

  // Bytes of the file taken in so far (compressed when it is gzip), and its size when it was
  // opened.
  uint64_t file_offset() const;
  uint64_t file_size() const;
  bool compressed() const;
  const std::string& path() const;

 private:
  struct Impl;
  explicit GzReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::source
