// The hostile table: items that are legal in DynamoDB and unkind to everything else.
//
// Every type; numbers of 38 digits over the whole exponent range; empty strings; sets inside maps;
// NUL bytes in strings and keys; 31 levels; now and then an item near 400 KB; names with quotes,
// dots, emoji, SQL keywords. Attributes c0 … c11 keep one type in most items, so that a plan gives
// them columns, and break it in one of 20.
#include <array>
#include <cstdio>

#include "generate/rng.h"
#include "generate/table.h"

namespace offramp::generate {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kNames[] = {
    "a\"b"sv,  "a.b"sv,      "a'b"sv,   "a`b"sv,       "a\\b"sv,   "select"sv,    "SELECT"sv,
    "Order"sv, "order"sv,    "ORDER"sv, "💥"sv,         " lead"sv,  "new\nline"sv, "名前"sv,
    "extra"sv, "$S64"sv,     "$M64"sv,  "$ABSENT"sv,   "S"sv,      "M"sv,         "NULL"sv,
    "item"sv,  "key_hash"sv, "rowid"sv, "oid"sv,       "ctid"sv,   "xmin"sv,      "#pound"sv,
    "a:b"sv,   "{x}"sv,      "a[0]"sv,  "nul\0name"sv, "-"sv,      "1st"sv,       "null"sv,
    "true"sv,  "%s"sv,       "a b c"sv, "é"sv,         "e\u0301"sv};
constexpr std::string_view kTexts[] = {""sv,
                                       " "sv,
                                       "\0"sv,
                                       "a\0b"sv,
                                       "null"sv,
                                       "NULL"sv,
                                       "\\N"sv,
                                       "true"sv,
                                       "0"sv,
                                       "007"sv,
                                       "1e5"sv,
                                       "NaN"sv,
                                       "infinity"sv,
                                       "-infinity"sv,
                                       "now"sv,
                                       "2024-02-29"sv,
                                       "2023-02-29"sv,
                                       "0000-01-01"sv,
                                       "9999-12-31"sv,
                                       "2024-01-02T03:04:05Z"sv,
                                       "2024-01-02T03:04:05.000Z"sv,
                                       "2024-01-02T24:00:00Z"sv,
                                       "2024-06-30T23:59:60Z"sv,
                                       "2024-01-02T03:04:05+00:00"sv,
                                       "2024-01-02 03:04:05"sv,
                                       "550e8400-e29b-41d4-a716-446655440000"sv,
                                       "550E8400-E29B-41D4-A716-446655440000"sv,
                                       "\"quoted\""sv,
                                       "it's"sv,
                                       "back\\slash"sv,
                                       "tab\there"sv,
                                       "cr\r\nlf"sv,
                                       "\x01\x1f\x7f"sv,
                                       "😀🚲"sv,
                                       "\uFFFF"sv,
                                       "\uFEFFbom"sv,
                                       "{\"S\":\"x\"}"sv,
                                       "$ABSENT"sv,
                                       "ZOË"sv,
                                       "ß"sv,
                                       "\u2028"sv};
constexpr std::string_view kNumbers[] = {"0",
                                         "1",
                                         "-1",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "9223372036854775808",
                                         "9007199254740993",
                                         "0.1",
                                         "-0.5",
                                         "99999999999999999999999999999999999999",
                                         "0.3333333333333333333333333333333333333",
                                         "1700000000",
                                         "1700000000000",
                                         "2147483648",
                                         "1.7976931348623157",
                                         "100",
                                         "1000000000000000000000000"};

class RandomTable : public Table {
 public:
  RandomTable(uint64_t seed, char partition, char sort)
      : seed_(seed), partition_(partition), sort_(sort) {}
  std::string name() const override { return "Random"; }

  void key(uint64_t index, ItemWriter& out) const override {
    // With a sort key, three items share a partition key.
    key_value("pk", partition_, sort_ ? index / 3 : index, seed_ + 1, 2048, out);
    if (sort_) key_value("sk", sort_, index % 3, seed_ + 2 + index / 3 * 5, 1024, out);
  }

  void item(uint64_t index, uint64_t version, ItemWriter& out) const override {
    Rng rng = Rng::of(seed_, index, version);
    key(index, out);
    for (int column = 0; column < 12; ++column) {
      if (rng.one_in(10)) continue;
      std::string name = "c" + std::to_string(column);
      if (rng.one_in(20))
        value(rng, name, 3, out);
      else
        typed(rng, name, column, out);
    }
    size_t first = rng.below(std::size(kNames));
    size_t count = rng.below(6);
    for (size_t i = 0; i < count; ++i) value(rng, kNames[(first + i) % std::size(kNames)], 3, out);
    if (rng.one_in(50)) deep(rng, out);
    if (rng.one_in(200)) out.text("long_" + std::string(1 + rng.below(2000), 'n'), "x");
    if (rng.one_in(4000)) {
      std::string big;
      rng.letters(300000 + rng.below(50000), big);
      if (rng.one_in(2))
        out.text("big", big);
      else
        out.binary("big", big);
    }
  }

 private:
  // Distinct for distinct `id`; `salt` only decides how it looks.
  static void key_value(std::string_view name, char type, uint64_t id, uint64_t salt,
                        size_t bytes_max, ItemWriter& out) {
    Rng rng = Rng::of(salt, id, 1);
    std::string text;
    if (type == 'N') {
      // A coefficient that does not end in 0, so that (coefficient, exponent) is unique by the
      // coefficient.
      text = rng.one_in(2) ? "-" : "";
      std::string digits = std::to_string(id * 10 + 1 + rng.below(9));
      return out.number(name, text + plain(digits, static_cast<int>(rng.between(-60, 60))));
    }
    if (type == 'S') {
      // The id comes first and ends with '#', so nothing behind it can make two keys equal.
      text = std::to_string(id) + "#";
      if (rng.one_in(4)) text += rng.pick(kTexts);
      if (rng.one_in(2000)) rng.letters(bytes_max - 100, text);
      return out.text(name, text);
    }
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(id >> shift);
    rng.bytes(rng.below(12), text);
    if (rng.one_in(2000)) rng.bytes(bytes_max - 100, text);
    out.binary(name, text);
  }

  // digits * 10^exponent in DynamoDB's plain form.
  static std::string plain(std::string digits, int exponent) {
    if (exponent >= 0) return digits + std::string(static_cast<size_t>(exponent), '0');
    size_t fraction = static_cast<size_t>(-exponent);
    if (digits.size() > fraction) return digits.insert(digits.size() - fraction, ".");
    return "0." + std::string(fraction - digits.size(), '0') + digits;
  }

  static std::string number(Rng& rng) {
    if (rng.one_in(3)) return std::string(rng.pick(kNumbers));
    int count = static_cast<int>(rng.between(1, 38));
    std::string digits(1, static_cast<char>('1' + rng.below(9)));
    while (static_cast<int>(digits.size()) < count - 1)
      digits += static_cast<char>('0' + rng.below(10));
    if (count > 1) digits += static_cast<char>('1' + rng.below(9));
    std::string sign = rng.one_in(2) ? "-" : "";
    // 1E-130 … 9.99…E+125.
    int exponent = static_cast<int>(rng.between(-130, 126 - static_cast<int>(digits.size())));
    if (rng.one_in(2))
      exponent = static_cast<int>(rng.between(-8, 4)) - static_cast<int>(digits.size()) / 2;
    return sign + plain(digits, exponent);
  }

  static void time(Rng& rng, std::string_view name, ItemWriter& out) {
    char text[40];
    std::snprintf(text, sizeof(text), "20%02d-%02d-%02dT%02d:00:%02d.%03dZ",
                  static_cast<int>(rng.between(0, 99)), static_cast<int>(rng.between(1, 12)),
                  static_cast<int>(rng.between(1, 28)), static_cast<int>(rng.between(0, 23)),
                  static_cast<int>(rng.between(0, 59)), static_cast<int>(rng.between(0, 999)));
    out.text(name, text);
  }

  static void uuid(Rng& rng, std::string_view name, ItemWriter& out) {
    char text[40];
    std::snprintf(text, sizeof(text), "%08x-%04x-4%03x-a%03x-%012llx",
                  static_cast<unsigned>(rng.next()), static_cast<unsigned>(rng.below(65536)),
                  static_cast<unsigned>(rng.below(4096)), static_cast<unsigned>(rng.below(4096)),
                  static_cast<unsigned long long>(rng.next() & 0xffffffffffff));
    out.text(name, text);
  }

  static void typed(Rng& rng, std::string_view name, int column, ItemWriter& out) {
    switch (column) {
      case 0:
        return out.text(name, rng.pick(kTexts));
      case 1:
        return out.number(name, static_cast<int64_t>(rng.next()));
      case 2:
        return out.number(name, number(rng));
      case 3:
        return out.boolean(name, rng.one_in(2));
      case 4:
        return time(rng, name, out);
      case 5:
        return uuid(rng, name, out);
      case 6:
        return out.number(name, rng.between(1500000000, 1900000000));
      case 7:
        return set(rng, name, out);
      case 8:
        return map(rng, name, 3, out);
      case 9:
        return records(rng, name, out);
      case 10: {
        std::string bytes;
        rng.bytes(rng.below(40), bytes);
        return out.binary(name, bytes);
      }
      default:
        return rng.one_in(2) ? out.null(name) : out.text(name, "2024-05-06");
    }
  }

  static void records(Rng& rng, std::string_view name, ItemWriter& out) {
    out.open_list(name);
    for (uint64_t i = rng.below(4); i > 0; --i) {
      out.open_map({});
      out.text("sku", rng.pick(kTexts));
      out.number("qty", rng.between(0, 9));
      if (rng.one_in(5)) value(rng, "other", 2, out);
      out.close();
    }
    out.close();
  }

  static void set(Rng& rng, std::string_view name, ItemWriter& out) {
    std::vector<std::string> members;
    uint64_t count = 1 + rng.below(5);
    switch (rng.below(3)) {
      case 0:
        for (uint64_t i = 0; i < count; ++i)
          members.push_back(std::to_string(i) + std::string(rng.pick(kTexts)));
        if (rng.one_in(3)) members.emplace_back("");
        return out.text_set(name, members);
      case 1:
        for (uint64_t i = 0; i < count; ++i)
          members.push_back(plain(std::to_string(i * 10 + 7), -static_cast<int>(count)));
        return out.number_set(name, members);
      default:
        for (uint64_t i = 0; i < count; ++i) {
          members.emplace_back(1, static_cast<char>(i));
          rng.bytes(rng.below(10), members.back());
        }
        return out.binary_set(name, members);
    }
  }

  static void map(Rng& rng, std::string_view name, int depth, ItemWriter& out) {
    out.open_map(name);
    size_t first = rng.below(std::size(kNames));
    uint64_t count = rng.below(5);
    for (uint64_t i = 0; i < count; ++i)
      value(rng, kNames[(first + i) % std::size(kNames)], depth - 1, out);
    out.close();
  }

  static void value(Rng& rng, std::string_view name, int depth, ItemWriter& out) {
    switch (rng.below(depth > 0 ? 9 : 6)) {
      case 0:
        return out.text(name, rng.pick(kTexts));
      case 1:
        return out.number(name, number(rng));
      case 2: {
        std::string bytes;
        rng.bytes(rng.below(20), bytes);
        return out.binary(name, bytes);
      }
      case 3:
        return out.boolean(name, rng.one_in(2));
      case 4:
        return out.null(name);
      case 5:
        return set(rng, name, out);
      case 6:
        return map(rng, name, depth, out);
      case 7: {
        out.open_list(name);
        for (uint64_t i = rng.below(4); i > 0; --i) value(rng, {}, depth - 1, out);
        return out.close();
      }
      default:
        return out.text(name, rng.pick(kTexts));
    }
  }

  // 31 containers, maps and lists by turns, with a value in the innermost: the service's bound is
  // 32 levels.
  static void deep(Rng& rng, ItemWriter& out) {
    std::string_view name = "deep";
    for (int level = 0; level < 31; ++level) {
      if (level % 2 == 0)
        out.open_map(name);
      else
        out.open_list(name);
      name = level % 2 == 0 ? "d"sv : ""sv;
    }
    out.number("d", number(rng));
    for (int level = 0; level < 31; ++level) out.close();
  }

  uint64_t seed_;
  char partition_, sort_;
};

}  // namespace

std::unique_ptr<Table> random_table(uint64_t seed, char partition, char sort) {
  return std::make_unique<RandomTable>(seed, partition, sort);
}

}  // namespace offramp::generate
