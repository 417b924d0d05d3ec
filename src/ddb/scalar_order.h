// The order of scalars, which that of sort keys, comparisons and BETWEEN is.
//
// Source: the service's documentation: numbers by value, strings by their UTF-8 bytes, binary by
// its unsigned bytes.
#pragma once

#include <compare>

#include "ddb/number.h"
#include "ddb/value.h"

namespace offramp::ddb {

// Both of the same type, which is S, N or B.
inline std::strong_ordering compare_scalars(ValueView a, ValueView b) {
  if (a.type() == Type::kN) return compare_numbers(a.bytes(), b.bytes());
  return a.bytes() <=> b.bytes();
}

}  // namespace offramp::ddb
