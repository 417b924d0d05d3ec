#include "source/line_reader.h"

#include <algorithm>
#include <cstring>

#include "source/item_source.h"

namespace offramp::source {

Result<const std::vector<Line>*> LineReader::next(std::vector<char>& buffer) {
  lines_.clear();
  size_t target = std::clamp<size_t>(line_bytes_ * kBatchItemsMax, 16 * 1024, kBatchBytesMax);
  window_.begin(buffer, target);
  size_t searched = 0;
  while (true) {
    std::string_view text = window_.text(buffer);
    if (text.find('\n', searched) != text.npos || window_.at_end()) break;
    searched = text.size();
    if (text.size() > kLineBytesMax) {
      Line line{{}, window_.offset(), true, true};
      TRY(skip_oversized(buffer));
      line.text = {prefix_.data(), prefix_.size()};
      lines_.push_back(line);
      return &lines_;
    }
    window_.more(buffer, std::max(text.size(), target));
  }
  std::string_view text = window_.text(buffer);
  size_t at = 0;
  while (at < text.size() && lines_.size() < kBatchItemsMax) {
    const void* newline = std::memchr(text.data() + at, '\n', text.size() - at);
    size_t end = newline ? static_cast<size_t>(static_cast<const char*>(newline) - text.data())
                         : text.size();
    // Without a newline it is the next window's, or the file's last line if the file was read to
    // its end.
    if (!newline && (!window_.at_end() || window_.error())) break;
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    bool oversized = line.size() > kLineBytesMax;  // only the first line of a window can be
    if (oversized) {
      prefix_.assign(line.begin(), line.begin() + kLinePrefixBytes);
      line = {prefix_.data(), prefix_.size()};
    }
    lines_.push_back({line, window_.offset() + at, oversized, newline != nullptr});
    at = newline ? end + 1 : end;
  }
  if (!lines_.empty()) line_bytes_ = at / lines_.size() + 1;
  if (lines_.empty() && window_.error()) return *window_.error();
  window_.keep(buffer, at);
  return &lines_;
}

Status LineReader::skip_oversized(std::vector<char>& buffer) {
  prefix_.assign(buffer.begin(), buffer.begin() + kLinePrefixBytes);
  while (true) {
    std::string_view text = window_.text(buffer);
    size_t newline = text.find('\n');
    if (newline != text.npos) {
      window_.keep(buffer, newline + 1);
      return {};
    }
    window_.keep(buffer, text.size());
    if (window_.at_end()) {
      if (window_.error()) return *window_.error();
      return {};
    }
    window_.begin(buffer, kBatchBytesMax);
  }
}

}  // namespace offramp::source
