// The tokens of an expression. Private to this folder and
// ddb/partiql.
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
  kNumber,       // 3 or -1.5e3; in requests 3 or 0 only
  kPunctuation,  // ( ) , . [ ] = <> < <= > >= and in requests + -
  kUnknown,      // in requests: a character that begins no token
  kEnd,
};

struct Token {
  TokenKind kind;
  std::string_view text;
  size_t offset;
};

// The tokens of a plan file's expression, the last being kEnd. They point into `text`.
Result<std::vector<Token>> tokenize_plan(std::string_view text);

// The tokens of a request's expression, the last being kEnd. What is no token is kUnknown: the
// service complains about it only when the grammar gets there.
std::vector<Token> tokenize_api(std::string_view text);

// An error at a byte of a plan file's expression.
Error bad_expression(size_t offset, std::string_view what);

// An error of a request: code "ValidationException".
Error invalid_request(std::string message);

// The token as a plan file's error shows it; literals are not repeated (C12).
std::string describe(const Token& token);

// The service's words for a token that cannot stand where it does.
std::string syntax_error(std::string_view text, const std::vector<Token>& tokens, size_t at);

}  // namespace offramp::ddb::expression
