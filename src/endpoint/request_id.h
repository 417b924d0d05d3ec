// RequestIds: the 52 upper-case letters and digits by which the service names a request.
//
// Unguessable they need not be, only different. One thread.
#pragma once

#include <random>
#include <string>

namespace offramp::endpoint {

class RequestIds {
 public:
  RequestIds() {
    std::random_device seed;
    std::seed_seq words{seed(), seed(), seed(), seed()};
    random_.seed(words);
  }
  void append(std::string& out) {
    constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    char text[kSize];
    for (size_t i = 0; i < kSize;) {
      uint64_t bits = random_();
      for (int digit = 0; digit < 12 && i < kSize; ++digit, bits >>= 5)
        text[i++] = kDigits[bits & 31];
    }
    out.append(text, sizeof text);
  }

 private:
  static constexpr size_t kSize = 52;
  std::mt19937_64 random_;
};

}  // namespace offramp::endpoint
