// What the words of an expression mean, checked in the service's order. Private to this folder and
// ddb/partiql.
//
// 1. the text's form, redundant parentheses among it (syntax.h), 2. words in the order of the text:
// functions, reserved words, list indexes, repeated sections, 3. what placeholders stand for, and
// operands, 4. the number of operators. Source: the answers of DynamoDB Local and the reference
// notes, §2.5.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/path.h"
#include "ddb/expression/placeholders.h"
#include "ddb/expression/syntax.h"

namespace offramp::ddb::expression {

enum class ExpressionKind { kCondition, kProjection, kUpdate };

// An error where `token` stands.
Error check_error(const Syntax& syntax, Dialect dialect, uint32_t token, std::string message);

// Step 2.
Status check_words(const Syntax& syntax, Dialect dialect, ExpressionKind kind);
Status check_operator_count(const Syntax& syntax);

// Step 3 of a request; the elements are appended.
Result<PathRange> resolve_path(const Syntax& syntax, const SyntaxNode& node,
                               Placeholders& placeholders, std::vector<PathElement>& elements);
Result<ValueView> resolve_value(const Syntax& syntax, const SyntaxNode& node,
                                Placeholders& placeholders);

// The paths of a projection or those that an update writes; no two may clash (path.h). The service
// takes them from the last to the first, each against those before.
Result<std::vector<PathRange>> resolve_targets(const Syntax& syntax,
                                               std::span<const uint32_t> nodes,
                                               Placeholders& placeholders,
                                               std::vector<PathElement>& elements);

// The element that an index's or a bare name's token stands for.
PathElement element_of(const Syntax& syntax, const PathPart& part);

std::string wrong_operand_count(std::string_view function, size_t count);
std::string wrong_operand_type(std::string_view function, std::string_view type);
std::string not_a_path(std::string_view function);
std::string not_distinct(std::string_view function, Path first);
std::string too_many_levels(size_t levels);

}  // namespace offramp::ddb::expression
