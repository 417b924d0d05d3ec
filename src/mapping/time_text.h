// Times and dates as text and back, strictly: what is accepted is exactly what is written back
// (C8).
//
// Years 0001–9999, a valid calendar day, no leap second, no blanks. Times are microseconds since
// 1970-01-01 UTC, dates are days since then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/mapping_spec.h"

namespace offramp::mapping {

// Bytes that write_time and write_date need at most.
constexpr size_t kTimeTextMax = 40;

constexpr int64_t kTimeMin = -62'135'596'800'000'000;  // 0001-01-01T00:00:00Z
constexpr int64_t kTimeMax = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z
constexpr int64_t kDateMin = kTimeMin / 86'400'000'000;
constexpr int64_t kDateMax = kTimeMax / 86'400'000'000;

// True for formats whose source value is a Number.
constexpr bool is_epoch(model::TimeFormat format) {
  return format == model::TimeFormat::kEpochS || format == model::TimeFormat::kEpochMs;
}

std::optional<int64_t> parse_time(std::string_view text, model::TimeFormat format);
// Nothing when `micros` cannot be written in `format` (finer than it, or outside the years).
std::optional<size_t> write_time(int64_t micros, model::TimeFormat format, char* out);

std::optional<int64_t> parse_date(std::string_view text);
std::optional<size_t> write_date(int64_t days, char* out);

}  // namespace offramp::mapping
