// A checked update as flat data: what update.cc makes and update_apply.cc carries out. Private to
// this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "ddb/expression/path_tree.h"
#include "ddb/expression/syntax.h"
#include "ddb/expression/update.h"

namespace offramp::ddb::expression {

// What SET assigns. In a request's expression only the outermost term of an action is a sum or a
// list_append: the grammar and the checks leave nothing else. PartiQL's may be nested.
struct Term {
  enum class Kind : uint8_t { kPath, kValue, kIfNotExists, kListAppend, kAdd, kSubtract };
  Kind kind = Kind::kValue;
  PathRange path;
  ValueView value;
  uint32_t left = 0, right = 0;  // terms
};

struct Action {
  Section section = Section::kSet;
  PathRange target;
  uint32_t term = 0;
};

struct UpdatePlan {
  std::vector<PathElement> elements;
  std::vector<Term> terms;
  std::vector<Action> actions;  // in the order of the text; the tree's leaves are their indexes
  PathTree tree;
};

}  // namespace offramp::ddb::expression
