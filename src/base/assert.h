// ASSERT: for our own mistakes, on in release builds. Never for input.
#pragma once

namespace offramp::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define ASSERT(expression)             \
  (__builtin_expect(!!(expression), 1) \
       ? static_cast<void>(0)          \
       : ::offramp::base::assertion_failed(#expression, __FILE__, __LINE__))
