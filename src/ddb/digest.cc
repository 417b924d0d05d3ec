// digest(value, seed): scalars hash their bytes under a seed made of type and place (name, index);
// containers sum their children's digests and hash the sum with the number of children.
#define XXH_INLINE_ALL
#include "ddb/digest.h"

#include <xxhash.h>

namespace offramp::ddb {
namespace {

constexpr uint64_t kOdd = 0x9E3779B97F4A7C15ull;

Digest from_xxh(XXH128_hash_t hash) { return Digest{hash.low64, hash.high64}; }

Digest digest_seeded(ValueView value, uint64_t place) {
  uint64_t seed = place + static_cast<uint64_t>(value.type()) * kOdd;
  switch (value.type()) {
    case Type::kS:
    case Type::kN:
    case Type::kB: {
      std::string_view bytes = value.bytes();
      if (bytes.size() <= 240)
        return from_xxh(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
      // A seed costs a whole secret per call on long inputs; hash plain, then fold the seed in.
      XXH128_hash_t plain = XXH3_128bits(bytes.data(), bytes.size());
      return from_xxh(XXH3_128bits_withSeed(&plain, sizeof plain, seed));
    }
    case Type::kBool:
    case Type::kNull:
    case Type::kAbsent: {
      char byte = value.type() == Type::kBool && value.boolean() ? 1 : 0;
      return from_xxh(XXH3_128bits_withSeed(&byte, 1, seed));
    }
    default:
      break;
  }
  Digest sum;
  uint64_t index = 0;
  for (ValueView child : value) {
    uint64_t child_place = 0;
    if (value.type() == Type::kM)
      child_place = XXH3_64bits(child.name().data(), child.name().size());
    if (value.type() == Type::kL) child_place = ++index * kOdd;
    sum += digest_seeded(child, child_place);
  }
  uint64_t parts[3] = {sum.low, sum.high, value.size()};
  return from_xxh(XXH3_128bits_withSeed(parts, sizeof parts, seed));
}

}  // namespace

Digest digest(ValueView value) { return digest_seeded(value, 0); }

}  // namespace offramp::ddb
