#include "migrate/metrics/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace offramp::migrate::metrics {

std::string Address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<Address> parse_address(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return Error(
        ErrorKind::kConfig, "metrics.address",
        fmt::format(
            "\"{}\" is no address to serve metrics at: {}; write an IP address and a port like "
            "127.0.0.1:9464, or a port alone",
            text.substr(0, 100), why));
  };
  Address address{"127.0.0.1", 0};
  std::string_view port = text;
  if (size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    port = text.substr(colon + 1);
    bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    address.host = bracketed ? host.substr(1, host.size() - 2) : host;
    if (address.host == "localhost") address.host = "127.0.0.1";
    in6_addr parsed;
    if (::inet_pton(bracketed ? AF_INET6 : AF_INET, address.host.c_str(), &parsed) != 1)
      return bad("its host is no IP address");
  }
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size())
    return bad("its port is no number up to 65535");
  return address;
}

}  // namespace offramp::migrate::metrics
