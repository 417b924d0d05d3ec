#include "mapping/profile/names.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "base/ascii.h"

namespace offramp::mapping::profile {
namespace {

constexpr size_t kSuffixBytes = 9;  // '_' and 8 hex digits

using base::is_digit, base::is_lower, base::is_upper;

bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; }

std::string cut_to(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

// Words that PostgreSQL reserves (appendix "SQL key words", both "reserved" columns) and SQLite's
// keywords that need quotes as names. A target quotes its names; people at a prompt do not want to.
constexpr std::string_view kReserved[] = {
    "add",
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "autoincrement",
    "between",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "index",
    "initially",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "nothing",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "rollback",
    "select",
    "session_user",
    "set",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "transaction",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
};
static_assert(std::ranges::is_sorted(kReserved));

}  // namespace

bool is_reserved_word(std::string_view name) { return std::ranges::binary_search(kReserved, name); }

std::string snake_case(std::string_view name) {
  std::string out;
  auto separate = [&] {
    if (!out.empty() && out.back() != '_') out += '_';
  };
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (is_upper(c)) {
      char before = i > 0 ? name[i - 1] : '\0';
      bool word_ends = is_lower(before) || is_digit(before);
      // HTTPServer: the S begins a word since a lower-case letter follows.
      bool word_begins = is_upper(before) && i + 1 < name.size() && is_lower(name[i + 1]);
      if (word_ends || word_begins) separate();
      out += base::lower(c);
    } else if (is_lower(c) || is_digit(c) || is_wide(c)) {
      out += c;
    } else {
      separate();
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

std::string plural(std::string_view noun) {
  std::string out(noun);
  auto ends = [&](std::string_view tail) { return out.ends_with(tail); };
  if (out.empty() || ends("data") || ends("info") || ends("metadata") || ends("history") ||
      is_digit(out.back()) || is_wide(out.back()))
    return out;
  if (ends("ss") || ends("x") || ends("ch") || ends("sh") || ends("us") || ends("is"))
    return out + "es";
  if (ends("s")) return out;
  if (ends("y") && out.size() > 1 &&
      std::string_view("aeiou").find(out[out.size() - 2]) == std::string_view::npos) {
    out.back() = 'i';
    return out + "es";
  }
  return out + "s";
}

std::string singular(std::string_view noun) {
  std::string out(noun);
  if (out.size() > 3 && out.ends_with("ies")) {
    out.resize(out.size() - 3);
    return out + "y";
  }
  if (out.size() > 4 && (out.ends_with("sses") || out.ends_with("xes") || out.ends_with("ches") ||
                         out.ends_with("shes") || out.ends_with("uses")))
    return out.substr(0, out.size() - 2);
  if (out.size() > 2 && out.ends_with("s") && !out.ends_with("ss") && !out.ends_with("us") &&
      !out.ends_with("is"))
    out.pop_back();
  return out;
}

std::string NameScope::claim(std::string_view wanted, std::string_view source) {
  std::string name = snake_case(wanted);
  std::string why;
  auto because = [&](std::string_view reason) {
    if (!why.empty()) why += ", ";
    why += reason;
  };
  std::string suffix =
      fmt::format("_{:08x}", static_cast<uint32_t>(XXH3_64bits(source.data(), source.size())));
  if (name.empty()) {
    name = "c" + suffix;
    because("nothing in it can stand in a name");
  }
  if (is_digit(name[0])) {
    name = "c_" + name;
    because("begins with a digit");
  }
  if (is_reserved_word(name) || reserved_.contains(name)) {
    name += '_';
    because("a reserved word");
  }
  bool too_long = name.size() > bytes_max_;
  if (too_long || taken_.contains(name)) {
    because(too_long ? fmt::format("longer than {} bytes", bytes_max_) : "another has that name");
    std::string stem = cut_to(name, bytes_max_ > kSuffixBytes ? bytes_max_ - kSuffixBytes : 1);
    name = stem + suffix;
    // Two sources with one suffix: 1 in 4 billion, so a counter is enough.
    for (int i = 2; taken_.contains(name); ++i)
      name = fmt::format("{}{}_{}", cut_to(stem, stem.size() > 3 ? stem.size() - 3 : 1), suffix, i);
  }
  taken_.insert(name);
  if (!why.empty()) fixes_.push_back({table_, std::string(source), name, why});
  return name;
}

}  // namespace offramp::mapping::profile
