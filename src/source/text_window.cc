#include "source/text_window.h"

#include <cstring>

#include "ddb/wire_json.h"

namespace offramp::source {

void TextWindow::begin(std::vector<char>& buffer, size_t target) {
  size_ = carry_.size();
  if (buffer.size() < size_ + ddb::kJsonPadding) buffer.resize(size_ + ddb::kJsonPadding);
  if (size_ > 0) std::memcpy(buffer.data(), carry_.data(), size_);
  carry_.clear();
  if (target > size_) more(buffer, target - size_);
}

bool TextWindow::more(std::vector<char>& buffer, size_t bytes) {
  if (ended_) return false;
  size_t before = size_;
  size_t wanted = size_ + bytes;
  // The buffer only grows: a batch that is used again is not cleared anew.
  if (buffer.size() < wanted + ddb::kJsonPadding) buffer.resize(wanted + ddb::kJsonPadding);
  while (size_ < wanted) {
    Result<size_t> got = reader_->read(buffer.data() + size_, wanted - size_);
    if (!got.ok()) error_ = got.error();
    if (!got.ok() || *got == 0) {
      ended_ = true;
      break;
    }
    size_ += *got;
  }
  std::memset(buffer.data() + size_, 0, ddb::kJsonPadding);
  return size_ > before;
}

void TextWindow::keep(const std::vector<char>& buffer, size_t consumed) {
  carry_.assign(buffer.begin() + static_cast<std::ptrdiff_t>(consumed),
                buffer.begin() + static_cast<std::ptrdiff_t>(size_));
  offset_ += consumed;
}

}  // namespace offramp::source
