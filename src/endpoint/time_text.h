// Times as signatures and HTTP headers write them, UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::endpoint {

// "20130609T095204Z"
std::string basic_time(int64_t unix_seconds);
std::optional<int64_t> parse_basic_time(std::string_view text);
// "Sun, 09 Jun 2013 09:52:04 GMT", as HTTP's Date header has it; botocore writes "-0000" for GMT.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace offramp::endpoint
