// Base64 as DynamoDB writes it: RFC 4648, `+/`, padding mandatory.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace offramp::base {

// The largest number of bytes that decode_base64 writes for `encoded_size` characters.
constexpr size_t base64_decoded_size_max(size_t encoded_size) { return encoded_size / 4 * 3; }

// Writes the decoded bytes to `out`; the number written, or nothing when `text` is not strict
// base64.
std::optional<size_t> decode_base64(std::string_view text, char* out);
std::optional<std::string> decode_base64(std::string_view text);

void append_base64(std::string_view bytes, std::string& out);
inline std::string encode_base64(std::string_view bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}

}  // namespace offramp::base
