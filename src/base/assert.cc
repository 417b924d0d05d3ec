// A failed assertion is a defect of ours: it says where and leaves with exit code 4.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace offramp::base {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "offramp: defect: assertion '%s' failed at %s:%d; please report it\n",
               expression, file, line);
  std::fflush(stderr);
#if defined(OFFRAMP_SANITIZED)
  std::abort();
#else
  std::_Exit(4);
#endif
}

}  // namespace offramp::base
