// Strict base64: no blanks, no missing padding, no stray bits in the last character.
#include "base/base64.h"

#include <array>
#include <cstdint>

namespace offramp::base {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<uint8_t, 256> make_reverse() {
  std::array<uint8_t, 256> table{};
  table.fill(0xff);
  for (int i = 0; i < 64; ++i) table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  return table;
}
constexpr auto kReverse = make_reverse();

}  // namespace

std::optional<size_t> decode_base64(std::string_view text, char* out) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  size_t padding = text.back() != '=' ? 0 : (text[text.size() - 2] == '=' ? 2 : 1);
  size_t whole = text.size() / 4 - (padding ? 1 : 0);
  char* start = out;
  uint8_t bad = 0;
  for (size_t i = 0; i < whole; ++i, in += 4) {
    uint8_t a = kReverse[in[0]], b = kReverse[in[1]], c = kReverse[in[2]], d = kReverse[in[3]];
    bad |= a | b | c | d;
    *out++ = static_cast<char>(a << 2 | b >> 4);
    *out++ = static_cast<char>(b << 4 | c >> 2);
    *out++ = static_cast<char>(c << 6 | d);
  }
  if (padding) {
    uint8_t a = kReverse[in[0]], b = kReverse[in[1]], c = padding == 1 ? kReverse[in[2]] : 0;
    bad |= a | b | c;
    *out++ = static_cast<char>(a << 2 | b >> 4);
    if (padding == 1) *out++ = static_cast<char>(b << 4 | c >> 2);
    // Bits that belong to no byte must be zero, or two texts would stand for the same bytes.
    if ((padding == 1 ? (c & 3) : (b & 15)) != 0) return std::nullopt;
  }
  if (bad & 0xc0) return std::nullopt;
  return static_cast<size_t>(out - start);
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out(base64_decoded_size_max(text.size()), '\0');
  auto size = decode_base64(text, out.data());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

void append_base64(std::string_view bytes, std::string& out) {
  size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3) {
    *to++ = kAlphabet[in[0] >> 2];
    *to++ = kAlphabet[(in[0] & 3) << 4 | in[1] >> 4];
    *to++ = kAlphabet[(in[1] & 15) << 2 | in[2] >> 6];
    *to++ = kAlphabet[in[2] & 63];
  }
  if (left == 1) {
    *to++ = kAlphabet[in[0] >> 2];
    *to++ = kAlphabet[(in[0] & 3) << 4];
    *to++ = '=';
    *to++ = '=';
  } else if (left == 2) {
    *to++ = kAlphabet[in[0] >> 2];
    *to++ = kAlphabet[(in[0] & 3) << 4 | in[1] >> 4];
    *to++ = kAlphabet[(in[1] & 15) << 2];
    *to++ = '=';
  }
}

}  // namespace offramp::base
