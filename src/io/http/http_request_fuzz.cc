// Bytes of a connection through the parser and gunzip, whole and in pieces: the same requests come
// out, within the limits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "io/http/gzip.h"
#include "io/http/request_parser.h"

namespace {

// So that the fuzzer keeps the input: ASSERT ends the process before it can.
void check(bool holds) {
  if (!holds) __builtin_trap();
}

using namespace offramp::io::http;  // NOLINT: a fuzzer is one file
using Progress = RequestParser::Progress;

constexpr size_t kHeaderMax = 2048, kBodyMax = 8192;

// The requests that come out. How what is none ends is not compared: with a chunk extension whose
// quote is not closed Beast waits for more, or finds the limit exceeded, depending on the pieces.
// `step`: how many bytes come at once; 0 for as many as there is room for.
std::string feed(std::string_view bytes, size_t step) {
  RequestParser parser(kHeaderMax, kBodyMax);
  Gunzip gunzip;
  ByteBuffer inflated;
  std::string seen;
  Progress last = Progress::kMore;
  while (!bytes.empty()) {
    auto room = parser.prepare();
    check(!room.empty());
    size_t size = std::min(bytes.size(), room.size());
    if (step) size = std::min(size, step);
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    parser.commit(size);
    while ((last = parser.parse()) == Progress::kRequest) {
      const Request& request = parser.request();
      check(request.body.size() <= kBodyMax);
      size_t header_bytes = request.method.size() + request.target.size();
      seen.append(request.method).append(" ").append(request.target).append("\n");
      for (const auto& [name, value] : request.headers) {
        header_bytes += name.size() + value.size();
        seen.append(name).append("=").append(value).append("\n");
      }
      check(header_bytes <= kHeaderMax);
      seen.append(request.body).append(parser.keep_alive() ? "\nkeep\n" : "\nclose\n");
      accepts_gzip(request.header("accept-encoding"));
      if (gunzip.run(request.body, kBodyMax, inflated) == Gunzip::Outcome::kDone)
        check(inflated.size() <= kBodyMax);
      parser.next();
    }
    if (last != Progress::kMore) break;
    parser.take_expects_continue();
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = feed(bytes, 0);
  for (size_t step : {1, 7, 100}) {
    check(feed(bytes, step) == whole);
  }
  return 0;
}
