// Writer of the `extra` format. Strings are scanned eight bytes at a time; one without special
// characters is copied.
#include "mapping/extra.h"

#include <algorithm>
#include <cstring>

namespace offramp::mapping {
namespace {

using ddb::Type;
using ddb::ValueView;

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kHex[] = "0123456789abcdef";

constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;

// Non-zero when one of the eight bytes is below 0x20, '"' or '\\'.
uint64_t special_bytes(uint64_t word) {
  auto zero_byte = [](uint64_t x) { return (x - kOnes) & ~x & kHighs; };
  uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return control | zero_byte(word ^ (kOnes * '"')) | zero_byte(word ^ (kOnes * '\\'));
}

bool is_special(unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }

bool has_special(std::string_view text) {
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (special_bytes(word)) return true;
  }
  for (; at < text.size(); ++at)
    if (is_special(static_cast<unsigned char>(text[at]))) return true;
  return false;
}

void write_escaped(std::string_view text, ArenaText& out) {
  out.push('"');
  for (char c : text) {
    char* to = out.reserve(6);
    auto byte = static_cast<unsigned char>(c);
    if (!is_special(byte)) {
      *to = c;
      out.advance(1);
      continue;
    }
    *to++ = '\\';
    char short_form = c == '\n'   ? 'n'
                      : c == '\r' ? 'r'
                      : c == '\t' ? 't'
                      : c == '"'  ? '"'
                      : c == '\\' ? '\\'
                                  : '\0';
    if (short_form) {
      *to = short_form;
      out.advance(2);
    } else {
      *to++ = 'u';
      *to++ = '0';
      *to++ = '0';
      *to++ = kHex[byte >> 4];
      *to = kHex[byte & 15];
      out.advance(6);
    }
  }
  out.push('"');
}

void write_members(ValueView map, NameForm form, ArenaText& out) {
  bool first = true;
  for (ValueView member : map) {
    if (!first) out.push(',');
    first = false;
    write_extra_name(member.name(), form, out);
    write_extra_value(member, out);
    if (form == NameForm::kBase64) out.push(']');
  }
}

void write_set(ValueView set, ArenaText& out) {
  bool base64 = set.type() == Type::kBS;
  std::string_view tag = set.type() == Type::kSS   ? R"({"SS":[)"
                         : set.type() == Type::kNS ? R"({"NS":[)"
                                                   : R"({"BS":[)";
  if (set.type() == Type::kSS)
    for (ValueView member : set)
      if (has_nul(member.bytes())) {
        base64 = true;
        tag = R"({"$SS64":[)";
        break;
      }
  out.append(tag);
  bool first = true;
  for (ValueView member : set) {
    if (!first) out.push(',');
    first = false;
    if (base64)
      write_base64_string(member.bytes(), out);
    else
      write_json_string(member.bytes(), out);
  }
  out.append("]}");
}

}  // namespace

void ArenaText::grow(size_t more) {
  size_t used = size();
  size_t capacity = std::max(capacity_ * 2, used + more);
  char* start = arena_.allocate(capacity);
  std::memcpy(start, start_, used);
  start_ = start;
  next_ = start + used;
  capacity_ = capacity;
}

bool write_json_string(std::string_view text, ArenaText& out) {
  if (has_special(text)) {
    if (has_nul(text)) return false;
    write_escaped(text, out);
    return true;
  }
  char* to = out.reserve(text.size() + 2);
  *to = '"';
  text.copy(to + 1, text.size());
  to[text.size() + 1] = '"';
  out.advance(text.size() + 2);
  return true;
}

void write_base64_string(std::string_view bytes, ArenaText& out) {
  size_t size = (bytes.size() + 2) / 3 * 4 + 2;
  char* to = out.reserve(size);
  *to++ = '"';
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3) {
    *to++ = kBase64[in[0] >> 2];
    *to++ = kBase64[(in[0] & 3) << 4 | in[1] >> 4];
    *to++ = kBase64[(in[1] & 15) << 2 | in[2] >> 6];
    *to++ = kBase64[in[2] & 63];
  }
  if (left > 0) {
    unsigned second = left == 2 ? in[1] : 0;
    *to++ = kBase64[in[0] >> 2];
    *to++ = kBase64[(in[0] & 3) << 4 | second >> 4];
    *to++ = left == 2 ? kBase64[(second & 15) << 2] : '=';
    *to++ = '=';
  }
  *to = '"';
  out.advance(size);
}

void write_extra_name(std::string_view name, NameForm form, ArenaText& out) {
  if (form == NameForm::kPlain) {
    write_json_string(name, out);
    out.push(':');
  } else {
    out.push('[');
    write_base64_string(name, out);
    out.push(',');
  }
}

NameForm name_form(ValueView map) {
  for (ValueView member : map)
    if (has_nul(member.name())) return NameForm::kBase64;
  return NameForm::kPlain;
}

void write_extra_value(ValueView value, ArenaText& out) {
  switch (value.type()) {
    case Type::kS: {
      size_t mark = out.size();
      out.append(R"({"S":)");
      if (!write_json_string(value.bytes(), out)) {
        out.truncate(mark);
        out.append(R"({"$S64":)");
        write_base64_string(value.bytes(), out);
      }
      out.push('}');
      return;
    }
    case Type::kN: {
      char* to = out.reserve(value.bytes().size() + 8);
      std::memcpy(to, R"({"N":")", 6);
      value.bytes().copy(to + 6, value.bytes().size());
      std::memcpy(to + 6 + value.bytes().size(), "\"}", 2);
      out.advance(value.bytes().size() + 8);
      return;
    }
    case Type::kB:
      out.append(R"({"B":)");
      write_base64_string(value.bytes(), out);
      out.push('}');
      return;
    case Type::kBool:
      out.append(value.boolean() ? R"({"BOOL":true})" : R"({"BOOL":false})");
      return;
    case Type::kNull:
      out.append(R"({"NULL":true})");
      return;
    case Type::kAbsent:
      out.append(R"({"$ABSENT":true})");
      return;
    case Type::kL: {
      out.append(R"({"L":[)");
      bool first = true;
      for (ValueView member : value) {
        if (!first) out.push(',');
        first = false;
        write_extra_value(member, out);
      }
      out.append("]}");
      return;
    }
    case Type::kM: {
      NameForm form = name_form(value);
      out.append(form == NameForm::kPlain ? R"({"M":{)" : R"({"$M64":[)");
      write_members(value, form, out);
      out.append(form == NameForm::kPlain ? "}}" : "]}");
      return;
    }
    case Type::kSS:
    case Type::kNS:
    case Type::kBS:
      write_set(value, out);
      return;
  }
}

void write_extra_item(ddb::ItemView item, ArenaText& out) {
  NameForm form = name_form(item);
  out.append(form == NameForm::kPlain ? "{" : R"({"$M64":[)");
  write_members(item, form, out);
  out.append(form == NameForm::kPlain ? "}" : "]}");
}

bool write_plain_json(ValueView value, ArenaText& out) {
  switch (value.type()) {
    case Type::kS:
      return write_json_string(value.bytes(), out);
    case Type::kN:
      out.append(value.bytes());
      return true;
    case Type::kBool:
      out.append(value.boolean() ? "true" : "false");
      return true;
    case Type::kNull:
      out.append("null");
      return true;
    case Type::kL: {
      out.push('[');
      bool first = true;
      for (ValueView member : value) {
        if (!first) out.push(',');
        first = false;
        if (!write_plain_json(member, out)) return false;
      }
      out.push(']');
      return true;
    }
    case Type::kM: {
      out.push('{');
      bool first = true;
      for (ValueView member : value) {
        if (!first) out.push(',');
        first = false;
        if (!write_json_string(member.name(), out)) return false;
        out.push(':');
        if (!write_plain_json(member, out)) return false;
      }
      out.push('}');
      return true;
    }
    default:
      return false;
  }
}

}  // namespace offramp::mapping
