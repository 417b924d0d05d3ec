// The operations, by the files that have them.
#include "engine/operation.h"
#include "engine/register.h"

namespace offramp::engine {

const Dispatch& dispatch() {
  static const Dispatch all = [] {
    Dispatch made;
    register_manage_tables(made);
    register_describe(made);
    return made;
  }();
  return all;
}

}  // namespace offramp::engine
