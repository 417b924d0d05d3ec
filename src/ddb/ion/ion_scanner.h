// The words of Ion text: blanks, names, strings, numbers, blobs. What they mean together is
// ion_decoder.cc's.
//
// A function returns false after it has kept the failure (offset and message) in the scanner; the
// first failure stays. It never reads outside the text. Messages hold no content (C12).
#pragma once

#include <string>
#include <string_view>

#include "base/arena.h"

namespace offramp::ddb::ion {

class Scanner {
 public:
  Scanner(std::string_view text, base::Arena& arena, std::string& scratch)
      : begin_(text.data()),
        next_(text.data()),
        end_(text.data() + text.size()),
        arena_(arena),
        scratch_(scratch) {}

  // Whitespace and comments. False for a comment without an end.
  bool skip_blanks() {
    if (next_<end_&& static_cast<unsigned char>(*next_)> ' ' && *next_ != '/') return true;
    return skip_blanks_slow();
  }
  bool at_end() const { return next_ == end_; }
  // The next byte, or -1 at the end; `ahead` looks further.
  int peek(size_t ahead = 0) const {
    return ahead < static_cast<size_t>(end_ - next_) ? static_cast<unsigned char>(next_[ahead])
                                                     : -1;
  }
  bool looking_at(std::string_view text) const {
    return std::string_view(next_, static_cast<size_t>(end_ - next_)).starts_with(text);
  }
  bool take(char c) {
    if (peek() != static_cast<unsigned char>(c)) return false;
    ++next_;
    return true;
  }
  void advance(size_t bytes) { next_ += bytes; }
  size_t offset() const { return static_cast<size_t>(next_ - begin_); }

  // "…"
  bool short_string(std::string_view& out) { return quoted('"', out); }
  // '…'
  bool quoted_symbol(std::string_view& out) { return quoted('\'', out); }
  // '''…''' '''…''', joined.
  bool long_string(std::string_view& out);
  // [A-Za-z_$][A-Za-z0-9_$]*; the caller has seen its first character.
  void identifier(std::string_view& out);
  // A struct's field name in any of its spellings.
  bool field_name(std::string_view& out);
  // An int (decimal, 0x, 0b) or decimal as a canonical DynamoDB number.
  bool number(std::string_view& out);
  // {{ base64 }}, decoded.
  bool blob(std::string_view& out);

  bool fail(std::string_view message) { return fail_at(offset(), message); }
  bool fail_at(size_t offset, std::string_view message);
  size_t failure_offset() const { return failure_offset_; }
  const std::string& failure() const { return failure_; }

  static bool identifier_start(int c);

 private:
  bool skip_blanks_slow();
  bool quoted(char quote, std::string_view& out);
  // Reads the escape whose backslash is next and appends what it stands for to scratch_.
  bool escape();
  bool hex_digits(int count, uint32_t& out);
  bool keep_scratch(std::string_view& out);
  bool radix_int(bool negative, std::string_view& out);
  bool digits(bool& underscores);
  bool number_ends();
  bool normalise(const char* start, std::string_view& out);

  const char* begin_;
  const char* next_;
  const char* end_;
  base::Arena& arena_;
  std::string& scratch_;
  size_t failure_offset_ = 0;
  std::string failure_;
};

}  // namespace offramp::ddb::ion
