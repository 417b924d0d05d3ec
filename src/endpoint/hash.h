// SHA-256 and HMAC-SHA256 as signatures use them: many small ones with the same key.
//
// OpenSSL's low-level functions, because its one-shot HMAC costs three times as much per call: it
// looks the algorithm up and allocates each time.
#pragma once

#include <array>
#include <string_view>

namespace offramp::endpoint {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);
void append_hex(const Digest& digest, std::string& out);

// A key whose two padded blocks are hashed already: a short message costs two blocks more.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  Digest sign(std::string_view message) const;

 private:
  // Of OpenSSL's SHA256_CTX, whose header stays out of this one.
  struct alignas(8) Context {
    unsigned char bytes[112];
  };
  Context inner_, outer_;
};

inline std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace offramp::endpoint
