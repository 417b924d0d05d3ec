// Random items, printed as Ion by a printer that is not the decoder's, must read back equal; a text
// cut short or damaged must never be read as something else without an error, nor crash.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "base/base64.h"
#include "ddb/ion/ion_decoder.h"
#include "ddb/number.h"

namespace offramp::ddb::ion {
namespace {

// Draws an item and writes it down twice: as nodes, and as Ion text in a randomly chosen spelling.
class Draw {
 public:
  Draw(uint64_t seed, ItemBatch& batch) : random_(seed), batch_(batch), builder_(batch.nodes()) {}

  std::string text() {
    const auto root = static_cast<uint32_t>(batch_.nodes().size());
    batch_.add_root(root, 0);
    std::string out = one_of(2) ? "$ion_1_0 {Item:" : "{'Item' : ";
    map({}, out, 0);
    return out + "}";
  }

 private:
  uint64_t one_of(uint64_t n) { return random_() % n; }
  std::string_view keep(std::string_view text) {
    return text.empty() ? std::string_view("", 0)
                        : std::string_view(batch_.arena.copy(text), text.size());
  }
  void blank(std::string& out) {
    static constexpr std::string_view kBlanks[] = {"",   "",        "",       " ",
                                                   "\n", "/* b */", "// c\n", "\t"};
    out += kBlanks[one_of(std::size(kBlanks))];
  }
  std::string characters() {
    static constexpr std::string_view kParts[] = {"a",
                                                  "Z",
                                                  "7",
                                                  " ",
                                                  "_",
                                                  "$",
                                                  "\"",
                                                  "'",
                                                  "'''",
                                                  "\\",
                                                  "\n",
                                                  "\r",
                                                  "\t",
                                                  "/",
                                                  "//",
                                                  "}}",
                                                  "::",
                                                  "null",
                                                  "\xC3\xA9",
                                                  "\xE2\x82\xAC",
                                                  "\xF0\x9F\x98\x80",
                                                  "long enough for eight"};
    std::string out;
    for (uint64_t n = one_of(6); n > 0; --n) out += kParts[one_of(std::size(kParts))];
    if (one_of(20) == 0) out += '\0';
    return out;
  }
  void print_text(std::string_view text, char quote, std::string& out) {
    out += quote;
    for (char c : text) {
      if (c == quote || c == '\\') {
        out += '\\';
        out += c;
      } else if (c == '\n' && one_of(2)) {
        out += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        static constexpr char kHex[] = "0123456789abcdef";
        out += one_of(2) ? "\\x" : "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
      } else {
        out += c;
      }
    }
    out += quote;
  }
  void print_string(std::string_view text, std::string& out) {
    if (one_of(6) != 0 || text.find_first_of("\\'\r") != text.npos || text.find('\0') != text.npos)
      return print_text(text, '"', out);
    const size_t cut = one_of(3) ? text.size() : 0;  // two segments, or one
    out += "'''" + std::string(text.substr(0, cut)) + "'''";
    blank(out);
    if (cut < text.size()) out += "'''" + std::string(text.substr(cut)) + "'''";
  }
  // A number's canonical text, and an Ion spelling of the same value in `out`.
  std::string number(std::string& out) {
    std::string coefficient(1, static_cast<char>('1' + one_of(9)));
    for (uint64_t n = one_of(38); n > 0; --n) coefficient += static_cast<char>('0' + one_of(10));
    const int exponent = static_cast<int>(one_of(160)) - 120;
    const std::string sign = one_of(2) ? "-" : "";
    switch (one_of(3)) {
      case 0:
        out += sign + coefficient + "d" + std::to_string(exponent);
        break;
      case 1:
        out += sign + coefficient.substr(0, 1) + "." + coefficient.substr(1) + "D" +
               std::to_string(exponent + static_cast<int>(coefficient.size()) - 1);
        break;
      default: {  // the canonical text with a point
        const std::string text = parse(sign + coefficient + "e" + std::to_string(exponent));
        out += text.find('.') == text.npos ? text + "." : text;
      }
    }
    return parse(sign + coefficient + "e" + std::to_string(exponent));
  }
  static std::string parse(const std::string& text) {
    auto parsed = Number::parse(text);
    RC_ASSERT(parsed.ok());
    return parsed->to_string();
  }
  void name(std::string& name, std::string& out) {
    bool bare =
        !name.empty() && name != "null" && !(name[0] >= '0' && name[0] <= '9') && name[0] != '$';
    for (char c : name)
      bare = bare && (isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$');
    if (bare && one_of(3))
      out += name;
    else if (one_of(2))
      print_text(name, '\'', out);
    else
      print_text(name, '"', out);
  }

  void map(std::string_view own_name, std::string& out, int depth) {
    const uint32_t index = builder_.open(Type::kM, own_name);
    const auto members = static_cast<uint32_t>(one_of(6));
    out += '{';
    for (uint32_t i = 0; i < members; ++i) {
      std::string member = characters() + std::to_string(i);
      blank(out);
      name(member, out);
      blank(out);
      out += ':';
      blank(out);
      value(keep(member), out, depth + 1);
      blank(out);
      if (i + 1 < members || one_of(4) == 0) out += ',';
    }
    out += '}';
    builder_.close(index, members);
  }
  void set(Type type, std::string_view own_name, std::string& out) {
    const uint32_t index = builder_.open(type, own_name);
    const auto members = static_cast<uint32_t>(1 + one_of(20));
    out += "$dynamodb_" + std::string(type_tag(type)) + "::[";
    for (uint32_t i = 0; i < members; ++i) {
      std::string member;
      if (type == Type::kNS) {
        member = std::to_string(i);
        out += member + ".";
      } else {
        member = characters() + std::to_string(i);
        if (type == Type::kSS)
          print_string(member, out);
        else
          out += "{{" + base::encode_base64(member) + "}}";
      }
      builder_.scalar(member_type(type), keep(member));
      if (i + 1 < members || one_of(4) == 0) out += ',';
    }
    out += ']';
    builder_.close(index, members);
  }
  void value(std::string_view own_name, std::string& out, int depth) {
    switch (one_of(depth > 5 ? 5 : 10)) {
      case 0: {
        const std::string text = characters();
        print_string(text, out);
        return builder_.scalar(Type::kS, keep(text), own_name);
      }
      case 1:
        return builder_.scalar(Type::kN, keep(number(out)), own_name);
      case 2: {
        const std::string bytes = characters();
        out += one_of(2) ? "{{" + base::encode_base64(bytes) + "}}"
                         : "{{ " + base::encode_base64(bytes) + "\n}}";
        return builder_.scalar(Type::kB, keep(bytes), own_name);
      }
      case 3: {
        const bool yes = one_of(2);
        out += yes ? "true" : "false";
        return builder_.boolean(yes, own_name);
      }
      case 4:
        out += one_of(2) ? "null" : "null.string";
        return builder_.null(own_name);
      case 5:
        return map(own_name, out, depth);
      case 6:
        return set(Type::kSS, own_name, out);
      case 7:
        return set(Type::kNS, own_name, out);
      case 8:
        return set(Type::kBS, own_name, out);
      default: {
        const uint32_t index = builder_.open(Type::kL, own_name);
        const auto members = static_cast<uint32_t>(one_of(5));
        out += '[';
        for (uint32_t i = 0; i < members; ++i) {
          value({}, out, depth + 1);
          blank(out);
          if (i + 1 < members || one_of(4) == 0) out += ',';
        }
        out += ']';
        builder_.close(index, members);
      }
    }
  }

  std::mt19937_64 random_;
  ItemBatch& batch_;
  ItemBuilder builder_;
};

TEST(IonRoundTrip, C8_PrintedItemsReadBackEqual) {
  const bool good = rc::check("items printed as Ion read back equal", [](uint64_t seed) {
    ItemBatch expected, read;
    const std::string text = Draw(seed, expected).text();
    IonDecoder decoder;
    auto root = decoder.decode_item(text, "Item", read);
    if (!root.ok()) RC_FAIL(root.error().message() + " in " + text);
    if (!equal(expected.item(0), ItemView(&read.nodes()[*root]))) RC_FAIL("differs: " + text);
  });
  EXPECT_TRUE(good);
}

constexpr std::string_view kSample =
    R"($ion_1_0 {Item:{s:"te\u00e9xt",'q q':'''lo''' '''ng''',n:-1.5d3,i:0x1F,b:{{ aGVs bG8= }},t:true,z:null.int,)"
    R"(l:[1.,[],{}],m:{a:{b:[null]}},ss:$dynamodb_SS::["x","y"],ns:$dynamodb_NS::[1.,2d1] /* c */,)"
    R"(bs:$dynamodb_BS::[{{AQ==}}]}})";

TEST(IonRoundTrip, EveryTruncationIsAnError) {
  IonDecoder decoder;
  ItemBatch batch;
  ASSERT_TRUE(decoder.decode_item(kSample, "Item", batch).ok());
  for (size_t size = 0; size < kSample.size(); ++size) {
    batch.reset();
    // A copy of exactly this size, so that the address sanitizer sees a read beyond it.
    const std::vector<char> text(kSample.begin(), kSample.begin() + static_cast<long>(size));
    EXPECT_FALSE(decoder.decode_item({text.data(), text.size()}, "Item", batch).ok()) << size;
    EXPECT_TRUE(batch.nodes().empty());
  }
}

TEST(IonRoundTrip, AnyDamagedByteIsReadSafely) {
  IonDecoder decoder;
  ItemBatch batch;
  for (size_t at = 0; at < kSample.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      batch.reset();
      std::vector<char> text(kSample.begin(), kSample.end());
      text[at] = static_cast<char>(byte);
      auto root = decoder.decode_item({text.data(), text.size()}, "Item", batch);
      // What is read is a whole tree: the root spans all nodes.
      if (root.ok()) {
        ASSERT_EQ(batch.nodes()[*root].span, batch.nodes().size() - *root) << at << " " << byte;
      } else {
        ASSERT_TRUE(batch.nodes().empty()) << at << " " << byte;
      }
    }
  }
}

}  // namespace
}  // namespace offramp::ddb::ion
