#define OPENSSL_SUPPRESS_DEPRECATED
#include "endpoint/hash.h"

#include <openssl/sha.h>

#include <cstring>
#include <string>

namespace offramp::endpoint {
namespace {

constexpr size_t kBlock = 64;

SHA256_CTX padded(std::string_view key, unsigned char pad) {
  unsigned char block[kBlock];
  std::memset(block, pad, sizeof block);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= static_cast<unsigned char>(key[i]);
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block, sizeof block);
  return context;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  Digest digest;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

void append_hex(const Digest& digest, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  char text[2 * sizeof(Digest)];
  for (size_t i = 0; i < digest.size(); ++i) {
    text[2 * i] = kDigits[digest[i] >> 4];
    text[2 * i + 1] = kDigits[digest[i] & 15];
  }
  out.append(text, sizeof text);
}

HmacKey::HmacKey(std::string_view key) {
  static_assert(sizeof(SHA256_CTX) == sizeof(Context));
  Digest hashed;
  if (key.size() > kBlock) {
    hashed = sha256(key);
    key = view(hashed);
  }
  const SHA256_CTX inner = padded(key, 0x36), outer = padded(key, 0x5c);
  std::memcpy(&inner_, &inner, sizeof inner);
  std::memcpy(&outer_, &outer, sizeof outer);
}

Digest HmacKey::sign(std::string_view message) const {
  Digest digest;
  SHA256_CTX context;
  std::memcpy(&context, &inner_, sizeof context);
  SHA256_Update(&context, message.data(), message.size());
  SHA256_Final(digest.data(), &context);
  std::memcpy(&context, &outer_, sizeof context);
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace offramp::endpoint
