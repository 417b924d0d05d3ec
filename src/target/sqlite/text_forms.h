// Timestamps, dates and UUIDs as text. Writing never fails; reading gives nothing for text of
// another form.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace offramp::target::sqlite {

constexpr size_t kTextFormMax = 64;

// Each writes to `out` (kTextFormMax bytes) and returns the size. Years outside 0000–9999 are
// written with a sign.
size_t write_timestamp(int64_t micros_since_1970, char* out);
size_t write_date(int64_t days_since_1970, char* out);
size_t write_uuid(const char* bytes16, char* out);

// Reading takes what an application may have written too: a space for the T, 0–6 fraction digits, Z
// or +00:00 or none.
std::optional<int64_t> parse_timestamp(std::string_view text);
std::optional<int64_t> parse_date(std::string_view text);
bool parse_uuid(std::string_view text, char* bytes16);

}  // namespace offramp::target::sqlite
