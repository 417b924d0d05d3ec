// Splits an expression into tokens; which of them may stand where is the parser's.
#include "ddb/expression/lexer.h"

#include "base/ascii.h"

namespace offramp::ddb::expression {
namespace {

using base::is_digit, base::is_letter;
bool is_word(char c) { return base::is_letter_or_digit(c) || c == '_'; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The end of the UTF-8 sequence that begins at `at`.
size_t character_end(std::string_view text, size_t at) {
  do ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

// The end of [0-9]*(.[0-9]+)?([eE][+-]?[0-9]+)? from `at`.
size_t number_end(std::string_view text, size_t at) {
  const auto digits = [&](size_t from) {
    while (from < text.size() && is_digit(text[from])) ++from;
    return from;
  };
  at = digits(at);
  if (at < text.size() && text[at] == '.' && digits(at + 1) > at + 1) at = digits(at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (digits(exponent) > exponent) at = digits(exponent);
  }
  return at;
}

}  // namespace

Error bad_expression(size_t offset, std::string_view what) {
  return Error(ErrorKind::kConfig, "expression.invalid",
               "expression, byte " + std::to_string(offset) + ": " + std::string(what));
}

Error invalid_request(std::string message) {
  return Error(ErrorKind::kConfig, "ValidationException", std::move(message));
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the expression";
    case TokenKind::kString:
      return "a text literal";
    case TokenKind::kNumber:
      return "a number";
    default:
      break;
  }
  constexpr size_t kShownMax = 40;
  return "'" + std::string(token.text.substr(0, kShownMax)) +
         (token.text.size() > kShownMax ? "…'" : "'");
}

Result<std::vector<Token>> tokenize_plan(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (true) {
    while (at < text.size() && is_blank(text[at])) ++at;
    const size_t start = at;
    const auto add = [&](TokenKind kind, size_t end) {
      tokens.push_back({kind, text.substr(start, end - start), start});
      at = end;
    };
    if (at == text.size()) {
      add(TokenKind::kEnd, at);
      return tokens;
    }
    const char c = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (is_letter(c)) {
      while (at < text.size() && is_word(text[at])) ++at;
      add(TokenKind::kName, at);
    } else if (c == '#' || c == ':') {
      ++at;
      while (at < text.size() && is_word(text[at])) ++at;
      if (at == start + 1) return bad_expression(start, "expected a name after '#' or ':'");
      if (at - start > 255)
        return bad_expression(start, "a name after '#' or ':' has at most 254 bytes");
      add(c == '#' ? TokenKind::kNameRef : TokenKind::kValueRef, at);
    } else if (c == '\'' || c == '"') {
      do {  // a doubled quote stands for itself
        at = text.find(c, at + 1);
        if (at == text.npos) return bad_expression(start, "the closing quote is missing");
        ++at;
      } while (at < text.size() && text[at] == c);
      tokens.push_back({c == '"' ? TokenKind::kQuotedName : TokenKind::kString,
                        text.substr(start + 1, at - start - 2), start});
    } else if (is_digit(c) || (c == '-' && is_digit(next))) {
      const size_t end = number_end(text, at + 1);
      if (end < text.size() && is_word(text[end]))
        return bad_expression(end, "expected the end of a number");
      add(TokenKind::kNumber, end);
    } else if ((c == '<' && (next == '=' || next == '>')) || (c == '>' && next == '=')) {
      add(TokenKind::kPunctuation, at + 2);
    } else if (std::string_view("(),.[]=<>").find(c) != std::string_view::npos) {
      add(TokenKind::kPunctuation, at + 1);
    } else {
      return bad_expression(start, "this character begins nothing that an expression may hold");
    }
  }
}

std::vector<Token> tokenize_api(std::string_view text) {
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 3 + 4);
  size_t at = 0;
  const auto word_end = [&](size_t from) {
    while (from < text.size() && is_word(text[from])) ++from;
    return from;
  };
  while (true) {
    while (at < text.size() && is_blank(text[at])) ++at;
    const size_t start = at;
    if (at == text.size()) {
      tokens.push_back({TokenKind::kEnd, "<EOF>", start});
      return tokens;
    }
    const char c = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    TokenKind kind = TokenKind::kPunctuation;
    if (is_letter(c)) {
      kind = TokenKind::kName;
      at = word_end(at);
    } else if ((c == '#' || c == ':') && is_word(next)) {
      kind = c == '#' ? TokenKind::kNameRef : TokenKind::kValueRef;
      at = word_end(at + 1);
    } else if (is_digit(c)) {
      kind = TokenKind::kNumber;
      ++at;
      while (c != '0' && at < text.size() && is_digit(text[at])) ++at;  // 0 begins no number
    } else if ((c == '<' && (next == '=' || next == '>')) || (c == '>' && next == '=')) {
      at += 2;
    } else if (std::string_view("(),.[]=<>+-").find(c) != std::string_view::npos) {
      ++at;
    } else {
      kind = TokenKind::kUnknown;
      at = character_end(text, at);
    }
    tokens.push_back({kind, text.substr(start, at - start), start});
  }
}

// "near" is the text from the token before to the token behind, blanks between them as they are.
std::string syntax_error(std::string_view text, const std::vector<Token>& tokens, size_t at) {
  const size_t begin = at == 0 ? 0 : tokens[at - 1].offset;
  size_t end = text.size();
  if (at + 1 < tokens.size() && tokens[at + 1].kind != TokenKind::kEnd)
    end = tokens[at + 1].offset + tokens[at + 1].text.size();
  return "Syntax error; token: \"" + std::string(tokens[at].text) + "\", near: \"" +
         std::string(text.substr(begin, end - begin)) + "\"";
}

}  // namespace offramp::ddb::expression
