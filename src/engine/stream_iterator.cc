// ARN|1|BASE64 of five numbers of 8 bytes, least significant byte first: generation, shard (and a
// flag above it), place, time of issue, checksum of all before and of the ARN.
#include "engine/stream_iterator.h"

#include <xxhash.h>

#include <array>

#include "base/base64.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kVersion = "|1|";
constexpr uint64_t kFromHorizon = 1ULL << 32;
constexpr size_t kNumbers = 5;
using Bytes = std::array<char, kNumbers * 8>;

void put(Bytes& bytes, size_t place, uint64_t number) {
  for (size_t i = 0; i < 8; ++i) bytes[place * 8 + i] = static_cast<char>(number >> (8 * i));
}

uint64_t take(const Bytes& bytes, size_t place) {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; ++i)
    out |= uint64_t{static_cast<unsigned char>(bytes[place * 8 + i])} << (8 * i);
  return out;
}

uint64_t checksum(std::string_view arn, const Bytes& bytes) {
  uint64_t seed = XXH3_64bits_withSeed(arn.data(), arn.size(), 0x6f666672616d7031);
  return XXH3_64bits_withSeed(bytes.data(), bytes.size() - 8, seed);
}

}  // namespace

void append_iterator(const ShardIterator& iterator, std::string& out) {
  Bytes bytes;
  put(bytes, 0, static_cast<uint64_t>(iterator.begun_ms));
  put(bytes, 1, iterator.index | (iterator.from_horizon ? kFromHorizon : 0));
  put(bytes, 2, iterator.after);
  put(bytes, 3, static_cast<uint64_t>(iterator.issued_ms));
  put(bytes, 4, checksum(iterator.stream_arn, bytes));
  out.append(iterator.stream_arn).append(kVersion);
  base::append_base64({bytes.data(), bytes.size()}, out);
}

std::optional<ShardIterator> parse_iterator(std::string_view text) {
  if (text.size() > kIteratorBytesMax) return std::nullopt;
  size_t at = text.rfind(kVersion);
  if (at == text.npos) return std::nullopt;
  std::string_view encoded = text.substr(at + kVersion.size());
  Bytes bytes;
  std::array<char, base::base64_decoded_size_max(((kNumbers * 8 + 2) / 3) * 4)> decoded;
  if (encoded.size() != (bytes.size() + 2) / 3 * 4) return std::nullopt;
  std::optional<size_t> size = base::decode_base64(encoded, decoded.data());
  if (size != bytes.size()) return std::nullopt;
  std::copy_n(decoded.data(), bytes.size(), bytes.data());
  ShardIterator out;
  out.stream_arn = text.substr(0, at);
  if (take(bytes, 4) != checksum(out.stream_arn, bytes)) return std::nullopt;
  out.begun_ms = static_cast<int64_t>(take(bytes, 0));
  out.index = static_cast<uint32_t>(take(bytes, 1));
  out.from_horizon = (take(bytes, 1) & kFromHorizon) != 0;
  out.after = take(bytes, 2);
  out.issued_ms = static_cast<int64_t>(take(bytes, 3));
  return out;
}

}  // namespace offramp::engine
