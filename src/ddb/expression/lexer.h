// The tokens of an expression. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::ddb::expression {

enum class TokenKind {
  kName,         // attribute, function or keyword
  kNameRef,      // #name
  kValueRef,     // :value
  kString,       // 'it''s': `text` is what is between the outer quotes
  kQuotedName,   // "a ""b""": the same
  kNumber,       // 3 or -1.5e3
  kPunctuation,  // ( ) , . [ ] = <> < <= > >=
  kEnd,
};

struct Token {
  TokenKind kind;
  std::string_view text;
  size_t offset;
};

// The tokens of `text`, the last being kEnd. They point into `text`.
Result<std::vector<Token>> tokenize(std::string_view text);

// An error at a byte of an expression.
Error bad_expression(size_t offset, std::string_view what);

// The token as an error shows it; literals are not repeated (C12).
std::string describe(const Token& token);

}  // namespace offramp::ddb::expression
