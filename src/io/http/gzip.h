// Gzip of request and answer bodies, by ISA-L. One thread at a time; memory is kept between calls.
#pragma once

#include <memory>
#include <string_view>

#include "io/http/byte_buffer.h"

namespace offramp::io::http {

class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  enum class Outcome { kDone, kDamaged, kTooLarge };
  // The members of `bytes` one behind the other, checksums compared. Inflates at most `size_max`
  // bytes, so that a small body cannot become a large one.
  Outcome run(std::string_view bytes, size_t size_max, ByteBuffer& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Gzip {
 public:
  Gzip();
  ~Gzip();
  // False when the result would not be smaller: send `bytes` as they are.
  bool run(std::string_view bytes, ByteBuffer& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What an Accept-Encoding header allows: gzip named, or "*", and not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace offramp::io::http
