// One pass over the statement's bytes.
#include "ddb/partiql/lexer.h"

#include <simdjson.h>

#include <charconv>

#include "base/ascii.h"
#include "ddb/expression/lexer.h"

namespace offramp::ddb::partiql {
namespace {

using base::is_digit;
bool is_word_start(char c) { return base::is_letter(c) || c == '_' || c == '$'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr std::string_view kLongSymbols[] = {"<<", ">>", "<>", "<=", ">=", "!=", "||"};
constexpr std::string_view kShortSymbols = "()[]{},.:;*=<>+-/%";

size_t characters(std::string_view text) {
  size_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    if (!simdjson::validate_utf8(text_.data(), text_.size())) return not_well_formed("");
    tokens_.reserve(text_.size() / 4 + 2);
    while (true) {
      if (!skip_blanks()) return not_well_formed("");
      if (at_ == text_.size()) break;
      if (!next()) return not_well_formed("");
    }
    tokens_.push_back({TokenKind::kEnd, {}, static_cast<uint32_t>(at_), 0});
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool starts_with(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  // False when a comment does not end.
  bool skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (starts_with("--")) {
        at_ = std::min(text_.size(), text_.find('\n', at_));
      } else if (starts_with("/*")) {
        const size_t end = text_.find("*/", at_ + 2);
        if (end == text_.npos) return false;
        at_ = end + 2;
      } else {
        return true;
      }
    }
    return true;
  }

  void add(TokenKind kind, size_t start, std::string_view shown) {
    tokens_.push_back({kind, shown, static_cast<uint32_t>(start),
                       static_cast<uint32_t>(characters(text_.substr(start, at_ - start)))});
  }
  void add(TokenKind kind, size_t start) { add(kind, start, text_.substr(start, at_ - start)); }

  bool next() {
    const char c = text_[at_];
    const size_t start = at_;
    if (is_word_start(c)) {
      while (is_word(peek())) ++at_;
      add(TokenKind::kWord, start);
      return true;
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '\'') return quoted(TokenKind::kString);
    if (c == '"') return quoted(TokenKind::kQuotedWord);
    if (c == '?') {
      ++at_;
      add(TokenKind::kParameter, start);
      return true;
    }
    for (std::string_view symbol : kLongSymbols)
      if (starts_with(symbol)) {
        at_ += 2;
        add(TokenKind::kSymbol, start);
        return true;
      }
    if (kShortSymbols.find(c) == kShortSymbols.npos) return false;
    ++at_;
    add(TokenKind::kSymbol, start);
    return true;
  }

  bool quoted(TokenKind kind) {
    const size_t start = at_++;
    const char quote = text_[start];
    while (at_ < text_.size()) {
      if (text_[at_++] != quote) continue;
      if (peek() != quote) {
        add(kind, start, text_.substr(start + 1, at_ - start - 2));
        return true;
      }
      ++at_;
    }
    return false;
  }

  // The service reads exponents and scales as 32-bit integers, and nothing that has larger ones.
  bool number() {
    const size_t start = at_;
    while (is_digit(peek())) ++at_;
    size_t fraction = 0;
    if (peek() == '.') {
      ++at_;
      for (; is_digit(peek()); ++at_) ++fraction;
    }
    if (!exponent(fraction)) return false;
    add(TokenKind::kNumber, start);
    return true;
  }

  bool exponent(size_t fraction) {
    if (peek() != 'e' && peek() != 'E') return true;
    const bool is_signed = peek(1) == '+' || peek(1) == '-';
    if (!is_digit(peek(is_signed ? 2 : 1))) return true;
    const bool negative = peek(1) == '-';
    at_ += is_signed ? 2 : 1;
    const size_t digits = at_;
    while (is_digit(peek())) ++at_;
    int64_t value = 0;
    const auto read = std::from_chars(text_.data() + digits, text_.data() + at_, value);
    if (read.ec != std::errc() || value > INT32_MAX) return false;
    const int64_t scale = static_cast<int64_t>(fraction) + (negative ? value : -value);
    return scale <= INT32_MAX;
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view text) { return Lexer(text).run(); }

bool is_keyword(std::string_view word, std::string_view upper) {
  if (word.size() != upper.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i] >= 'a' && word[i] <= 'z' ? static_cast<char>(word[i] - 0x20) : word[i];
    if (c != upper[i]) return false;
  }
  return true;
}

std::string position(std::string_view text, const Token& token) {
  const std::string_view before = text.substr(0, token.offset);
  size_t line = 1, start = 0;
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i] == '\n') {
      ++line;
      start = i + 1;
    }
  return " at " + std::to_string(line) + ":" +
         std::to_string(characters(before.substr(start)) + 1) + ":" + std::to_string(token.size);
}

Error not_well_formed(std::string_view detail) {
  return expression::invalid_request("Statement wasn't well formed, can't be processed: " +
                                     std::string(detail));
}

}  // namespace offramp::ddb::partiql
