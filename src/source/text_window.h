// TextWindow: the inflated text of a file as windows inside the batch's own buffer, so that
// decoding is zero-copy.
//
// begin() starts a window with the bytes that the last one did not consume; more() adds to it while
// a record does not fit; keep() says from where on the bytes belong to the next window. Invariants:
// text() lies in `buffer`, is followed by ddb::kJsonPadding readable bytes, and starts at offset()
// of the inflated stream. more() may move the bytes, so nothing may point into the window until it
// has been filled for good.
//
// A read error (damaged gzip) does not take away the text before it: at_end() turns true and
// error() holds it. Not thread-safe. Memory: the carried bytes (at most one window).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/gz_reader.h"

namespace offramp::source {

class TextWindow {
 public:
  explicit TextWindow(std::unique_ptr<GzReader> reader) : reader_(std::move(reader)) {}

  // Starts a window of about `target` bytes in `buffer`.
  void begin(std::vector<char>& buffer, size_t target);
  // Adds up to `bytes` to the window; false when nothing was left to add.
  bool more(std::vector<char>& buffer, size_t bytes);
  std::string_view text(const std::vector<char>& buffer) const { return {buffer.data(), size_}; }
  // Bytes of the window from `consumed` on begin the next window.
  void keep(const std::vector<char>& buffer, size_t consumed);

  // Offset of the window's first byte in the inflated text.
  uint64_t offset() const { return offset_; }
  // All of the file is in the window.
  bool at_end() const { return ended_; }
  const std::optional<Error>& error() const { return error_; }
  const std::string& path() const { return reader_->path(); }

 private:
  std::unique_ptr<GzReader> reader_;
  std::vector<char> carry_;
  size_t size_ = 0;
  uint64_t offset_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace offramp::source
