// Where the metrics are served: "127.0.0.1:9464", "[::1]:9464", "localhost:9464", or a port alone,
// which means loopback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace offramp::migrate::metrics {

struct Address {
  std::string host;   // an IPv4 address, or an IPv6 address without brackets
  uint16_t port = 0;  // 0: any free one
  // "127.0.0.1:9464", "[::1]:9464"
  std::string text() const;
};

// kConfig "metrics.address" for anything else: names are not looked up, so that what is opened is
// what was written.
Result<Address> parse_address(std::string_view text);

}  // namespace offramp::migrate::metrics
