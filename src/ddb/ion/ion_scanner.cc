// Strings, names, blanks and blobs. Numbers are in ion_number.cc.
#include "ddb/ion/ion_scanner.h"

#include <cstring>

#include "base/base64.h"

namespace offramp::ddb::ion {
namespace {

bool is_blank(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The first of `quote`, backslash or a control character in [p, end), or end. Eight bytes at a
// step.
const char* find_special(const char* p, const char* end, char quote) {
  constexpr uint64_t kOnes = 0x0101010101010101ull, kHighs = 0x8080808080808080ull;
  const uint64_t quotes = kOnes * static_cast<unsigned char>(quote);
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    const uint64_t quote_zero = word ^ quotes, slash_zero = word ^ (kOnes * '\\');
    const uint64_t found = ((quote_zero - kOnes) & ~quote_zero) |
                           ((slash_zero - kOnes) & ~slash_zero) | ((word - kOnes * 0x20) & ~word);
    if (found & kHighs) break;
  }
  for (; p < end; ++p) {
    const unsigned char c = static_cast<unsigned char>(*p);
    if (c == static_cast<unsigned char>(quote) || c == '\\' || c < 0x20) break;
  }
  return p;
}

void append_utf8(uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | code_point >> 6);
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | code_point >> 12);
    out += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code_point >> 18);
    out += static_cast<char>(0x80 | (code_point >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

bool is_surrogate(uint32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// The names that Ion 1.0 gives to its first symbol numbers: the bare name `$4` means `name`.
constexpr std::string_view kSystemSymbols[] = {"$ion",    "$ion_1_0", "$ion_symbol_table",
                                               "name",    "version",  "imports",
                                               "symbols", "max_id",   "$ion_shared_symbol_table"};

}  // namespace

bool Scanner::identifier_start(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

bool Scanner::fail_at(size_t offset, std::string_view message) {
  if (failure_.empty()) {
    failure_offset_ = offset;
    failure_ = message;
  }
  return false;
}

bool Scanner::skip_blanks_slow() {
  while (next_ < end_) {
    if (is_blank(*next_)) {
      ++next_;
    } else if (looking_at("//")) {
      const void* line_end = std::memchr(next_, '\n', static_cast<size_t>(end_ - next_));
      next_ = line_end ? static_cast<const char*>(line_end) + 1 : end_;
    } else if (looking_at("/*")) {
      const std::string_view rest(next_ + 2, static_cast<size_t>(end_ - next_ - 2));
      const size_t close = rest.find("*/");
      if (close == std::string_view::npos) return fail("the comment has no end");
      next_ += 2 + close + 2;
    } else {
      break;
    }
  }
  return true;
}

bool Scanner::keep_scratch(std::string_view& out) {
  out = scratch_.empty() ? std::string_view("", 0)
                         : std::string_view(arena_.copy(scratch_), scratch_.size());
  return true;
}

bool Scanner::quoted(char quote, std::string_view& out) {
  const char* start = next_ + 1;
  const char* p = find_special(start, end_, quote);
  if (p < end_ && *p == quote) {
    out = {start, static_cast<size_t>(p - start)};
    next_ = p + 1;
    return true;
  }
  scratch_.assign(start, p);
  next_ = p;
  while (next_ < end_) {
    if (*next_ == quote) {
      ++next_;
      return keep_scratch(out);
    }
    if (*next_ == '\\') {
      if (!escape()) return false;
    } else if (*next_ == '\t' || *next_ == '\v' || *next_ == '\f') {
      scratch_ += *next_++;
    } else {
      return fail("a control character inside quotes must be escaped");
    }
    p = find_special(next_, end_, quote);
    scratch_.append(next_, p);
    next_ = p;
  }
  return fail("the closing quote is missing");
}

bool Scanner::long_string(std::string_view& out) {
  scratch_.clear();
  do {
    next_ += 3;
    while (!looking_at("'''")) {
      if (next_ == end_) return fail("the closing ''' is missing");
      const unsigned char c = static_cast<unsigned char>(*next_);
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c == '\r') {  // the specification makes every line end a single \n
        next_ += looking_at("\r\n") ? 2 : 1;
        scratch_ += '\n';
      } else if (c < 0x20 && !is_blank(c)) {
        return fail("a control character inside quotes must be escaped");
      } else {
        scratch_ += *next_++;
      }
    }
    next_ += 3;
    if (!skip_blanks()) return false;
  } while (looking_at("'''"));
  return keep_scratch(out);
}

bool Scanner::hex_digits(int count, uint32_t& out) {
  out = 0;
  for (int i = 0; i < count; ++i, ++next_) {
    const int c = peek();
    if (c >= '0' && c <= '9') {
      out = out << 4 | static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      out = out << 4 | static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      out = out << 4 | static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return fail("expected a hexadecimal digit of an escape");
    }
  }
  return true;
}

bool Scanner::escape() {
  const size_t start = offset();
  ++next_;
  if (next_ == end_) return fail("the closing quote is missing");
  uint32_t code_point = 0;
  switch (*next_++) {
    case '0':
      scratch_ += '\0';
      return true;
    case 'a':
      scratch_ += '\a';
      return true;
    case 'b':
      scratch_ += '\b';
      return true;
    case 't':
      scratch_ += '\t';
      return true;
    case 'n':
      scratch_ += '\n';
      return true;
    case 'v':
      scratch_ += '\v';
      return true;
    case 'f':
      scratch_ += '\f';
      return true;
    case 'r':
      scratch_ += '\r';
      return true;
    case '"':
      scratch_ += '"';
      return true;
    case '\'':
      scratch_ += '\'';
      return true;
    case '/':
      scratch_ += '/';
      return true;
    case '?':
      scratch_ += '?';
      return true;
    case '\\':
      scratch_ += '\\';
      return true;
    case '\n':
      return true;  // a line that goes on
    case '\r':
      take('\n');
      return true;
    case 'x':
      if (!hex_digits(2, code_point)) return false;
      break;
    case 'U':
      if (!hex_digits(8, code_point)) return false;
      break;
    case 'u':
      if (!hex_digits(4, code_point)) return false;
      if (code_point >= 0xD800 && code_point <= 0xDBFF && looking_at("\\u")) {
        uint32_t low = 0;
        next_ += 2;
        if (!hex_digits(4, low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return fail_at(start, "half of a surrogate pair");
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
      }
      break;
    default:
      return fail_at(start, "this escape does not exist in Ion");
  }
  if (is_surrogate(code_point)) return fail_at(start, "half of a surrogate pair");
  if (code_point > 0x10FFFF) return fail_at(start, "the escape is beyond Unicode");
  append_utf8(code_point, scratch_);
  return true;
}

void Scanner::identifier(std::string_view& out) {
  const char* start = next_;
  while (next_ < end_ && (identifier_start(*next_) || (*next_ >= '0' && *next_ <= '9'))) ++next_;
  out = {start, static_cast<size_t>(next_ - start)};
}

bool Scanner::field_name(std::string_view& out) {
  const int c = peek();
  if (c == '"') return short_string(out);
  if (looking_at("'''")) return long_string(out);
  if (c == '\'') return quoted_symbol(out);
  const size_t start = offset();
  if (!identifier_start(c)) return fail("expected a field name or '}'");
  identifier(out);
  if (out[0] == '$' && out.size() > 1 && out.find_first_not_of("0123456789", 1) == out.npos) {
    if (out.size() != 2 || out[1] == '0')
      return fail_at(start, "a symbol number without a symbol table");
    out = kSystemSymbols[out[1] - '1'];
    return true;
  }
  if (out == "null" || out == "true" || out == "false" || out == "nan")
    return fail_at(start, "a reserved word must be quoted to be a field name");
  return true;
}

bool Scanner::blob(std::string_view& out) {
  const size_t start = offset();
  next_ += 2;
  const char* first = next_;
  scratch_.clear();
  bool blanks = false;
  for (; next_ < end_ && *next_ != '}'; ++next_) {
    if (*next_ == '"' || *next_ == '\'') return fail_at(start, "an Ion clob has no DynamoDB type");
    if (is_blank(*next_)) {
      if (!blanks) scratch_.assign(first, next_);
      blanks = true;
    } else if (blanks) {
      scratch_ += *next_;
    }
  }
  const std::string_view text = blanks
                                    ? std::string_view(scratch_)
                                    : std::string_view(first, static_cast<size_t>(next_ - first));
  if (!looking_at("}}")) return fail("the closing }} is missing");
  next_ += 2;
  if (text.empty()) {
    out = std::string_view("", 0);
    return true;
  }
  const size_t size_max = base::base64_decoded_size_max(text.size());
  char* bytes = arena_.allocate(size_max);
  const auto size = base::decode_base64(text, bytes);
  if (!size) return fail_at(start, "the blob is not base64");
  arena_.shrink_last(bytes, size_max, *size);
  out = {bytes, *size};
  return true;
}

}  // namespace offramp::ddb::ion
