// From the tree of a condition to its program. Private to this folder.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "ddb/expression/checks.h"
#include "ddb/expression/program.h"
#include "ddb/expression/syntax.h"

namespace offramp::ddb::expression {

// The condition of a plan file. `syntax` is that of `program.text`.
Status compile_plan(const Syntax& syntax, Program& program);

// A request's condition with all its checks; errors are without "Invalid …: " before them.
Result<std::shared_ptr<const Program>> compile_request(std::string_view text,
                                                       Placeholders& placeholders);

// The same without the checks of words: a tree that is not of a request's text.
Result<std::shared_ptr<const Program>> compile_syntax(const Syntax& syntax,
                                                      Placeholders& placeholders);

}  // namespace offramp::ddb::expression
