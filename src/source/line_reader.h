// LineReader: the lines of a file, a batch at a time, lying in the batch's buffer.
//
// Lines are cut at '\n' (a '\r' before it goes too); the last line may lack it. A window holds at
// most about kBatchItemsMax lines or kBatchBytesMax bytes, one line at least. A line above
// kLineBytesMax is given out cut to kLinePrefixBytes, with oversized set: no item is that long
// (C10). Not thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "source/text_window.h"

namespace offramp::source {

constexpr size_t kLineBytesMax = 32 * 1024 * 1024;
constexpr size_t kLinePrefixBytes = 64 * 1024;

struct Line {
  std::string_view text;
  uint64_t offset;         // of the line's first byte in the inflated text
  bool oversized = false;  // `text` is only the line's beginning
  bool terminated = true;  // false: the file ends without a newline
};

class LineReader {
 public:
  explicit LineReader(std::unique_ptr<GzReader> reader) : window_(std::move(reader)) {}

  // The next lines; none at the end. The text lives in `buffer` until the next call with the same
  // buffer. A read error is returned by the call after the last whole line before it.
  Result<const std::vector<Line>*> next(std::vector<char>& buffer);
  // Offset in the inflated text behind the lines given out.
  uint64_t offset() const { return window_.offset(); }

 private:
  // Keeps the beginning of the line that fills the window, and passes over the rest of it.
  Status skip_oversized(std::vector<char>& buffer);

  TextWindow window_;
  std::vector<Line> lines_;
  std::vector<char> prefix_;  // the beginning of an oversized line
  size_t line_bytes_ = 512;   // running mean, to size the windows
};

}  // namespace offramp::source
