// Arena: bytes that live until reset(). Blocks are kept across resets, so a warm arena does not
// allocate.
//
// Not thread-safe. Pointers handed out stay valid until reset() or destruction, also when the arena
// is moved.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace offramp::base {

class Arena {
 public:
  explicit Arena(size_t block_bytes = 64 * 1024) : block_bytes_(block_bytes) {}
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  // `size` writable bytes, not aligned.
  char* allocate(size_t size) {
    if (size <= static_cast<size_t>(end_ - next_)) {
      char* out = next_;
      next_ += size;
      return out;
    }
    return allocate_slow(size);
  }
  // Gives back the unused tail of the newest allocation: `used` of `size` bytes are kept.
  void shrink_last(char* start, size_t size, size_t used) {
    if (start + size == next_) next_ = start + used;
  }
  const char* copy(std::string_view text) {
    char* out = allocate(text.size());
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return out;
  }
  void reset() {
    // One outsized block must not stay for ever (C10).
    large_.clear();
    current_ = 0;
    next_ = blocks_.empty() ? nullptr : blocks_[0].get();
    end_ = blocks_.empty() ? nullptr : next_ + block_bytes_;
  }
  size_t bytes_held() const { return blocks_.size() * block_bytes_; }

 private:
  char* allocate_slow(size_t size) {
    if (size > block_bytes_ / 4) {
      large_.push_back(std::make_unique_for_overwrite<char[]>(size));
      return large_.back().get();
    }
    if (!blocks_.empty()) ++current_;
    if (current_ >= blocks_.size())
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_bytes_));
    next_ = blocks_[current_].get();
    end_ = next_ + block_bytes_;
    char* out = next_;
    next_ += size;
    return out;
  }

  size_t block_bytes_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::unique_ptr<char[]>> large_;
  size_t current_ = 0;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace offramp::base
