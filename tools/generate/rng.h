// Rng: small deterministic random numbers (splitmix64). The sequence is part of the tests: never
// change it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace offramp::generate {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  // A generator for one thing of a run: item `index` in its `version`.
  static Rng of(uint64_t seed, uint64_t index, uint64_t version) {
    Rng rng(seed * 0x9E3779B97F4A7C15u + index);
    rng.state_ = rng.next() ^ (version * 0xD1B54A32D192ED03u);
    return rng;
  }
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // 0 … bound - 1.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1)));
  }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <size_t N>
  std::string_view pick(const std::string_view (&choices)[N]) {
    return choices[below(N)];
  }
  // Appends `size` lower-case letters and digits.
  void letters(size_t size, std::string& out) {
    static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz012345";
    while (size > 0) {
      uint64_t bits = next();
      for (int i = 0; i < 12 && size > 0; ++i, --size, bits >>= 5) out += kLetters[bits & 31];
    }
  }
  void bytes(size_t size, std::string& out) {
    for (; size >= 8; size -= 8) {
      uint64_t bits = next();
      out.append(reinterpret_cast<const char*>(&bits), 8);
    }
    uint64_t bits = next();
    out.append(reinterpret_cast<const char*>(&bits), size);
  }

 private:
  uint64_t state_;
};

}  // namespace offramp::generate
