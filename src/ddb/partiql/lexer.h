// The tokens of a PartiQL statement. Private to this folder.
//
// Comments (-- to the end of the line, /* … */) and blanks are between tokens. What is no token
// makes the service refuse the whole statement without a word about it, so the lexer does too.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::ddb::partiql {

enum class TokenKind : uint8_t {
  kWord,        // an identifier or a keyword
  kQuotedWord,  // "a ""b""": `text` is what is between the outer quotes
  kString,      // 'it''s': the same
  kNumber,      // 12.5, .5, 1e3; without a sign
  kParameter,   // ?
  kSymbol,      // ( ) [ ] { } << >> , . : ; * = <> != < <= > >= + - / % ||
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  uint32_t offset = 0;  // of the token, quotes included
  uint32_t size = 0;    // characters that the service's positions count
};

// The tokens, the last being kEnd; they point into `text`.
Result<std::vector<Token>> tokenize(std::string_view text);

// Whether a word is this keyword (given in capitals), in any case of letters.
bool is_keyword(std::string_view word, std::string_view upper);

// " at 1:12:3": line, column and length of a token, counted in characters from 1.
std::string position(std::string_view text, const Token& token);

// ValidationException "Statement wasn't well formed, can't be processed: " + detail.
Error not_well_formed(std::string_view detail);

}  // namespace offramp::ddb::partiql
