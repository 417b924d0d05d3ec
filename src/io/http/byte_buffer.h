// ByteBuffer: bytes that grow, are not cleared first, and are followed by readable padding.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "io/http/server.h"

namespace offramp::io::http {

class ByteBuffer {
 public:
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {bytes_.get(), size_}; }

  // Keeps the bytes; `capacity` counts without the padding.
  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    std::unique_ptr<char[]> larger(new char[capacity + kBodyPadding]);
    if (size_) std::memcpy(larger.get(), bytes_.get(), size_);
    std::memset(larger.get() + capacity, 0, kBodyPadding);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  void append(const char* bytes, size_t size) {
    if (size_ + size > capacity_) reserve(std::max(size_ + size, capacity_ + capacity_ / 2));
    if (size) std::memcpy(bytes_.get() + size_, bytes, size);
    size_ += size;
  }
  void set_size(size_t size) { size_ = size; }
  void release() {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace offramp::io::http
