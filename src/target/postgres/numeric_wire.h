// DynamoDB's canonical decimal text ⇄ PostgreSQL's binary numeric, digit by digit (C11).
//
// Wire form (src/backend/utils/adt/numeric.c, numeric_send): int16 ndigits, weight, sign, dscale,
// then ndigits base-10000 digits; value = Σ digit[i] · 10000^(weight-i). All big-endian.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace offramp::target::postgres {

// The largest number of bytes that encode_numeric writes for a text of `size` characters.
constexpr size_t numeric_wire_size_max(size_t size) { return 12 + size; }

// `text` is canonical (ddb/number.h). Returns the number of bytes written.
size_t encode_numeric(std::string_view text, char* out);

// The largest text that decode_numeric writes: sign, "0.", and the digits that kNumericGroupsMax
// allow.
constexpr int kNumericGroupsMax = 40;  // 10000-groups on each side of the point; DynamoDB needs 33
constexpr size_t kNumericTextMax = 4 + 8 * kNumericGroupsMax;

// Writes the canonical text to `out` (kNumericTextMax bytes); its size. kCorrupt: NaN, infinity, or
// digits further from the point than any DynamoDB number has.
Result<size_t> decode_numeric(std::string_view wire, char* out);

}  // namespace offramp::target::postgres
