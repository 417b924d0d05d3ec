// The grammar of Ion values over the scanner's words, and the shapes of an export's lines.
#include "ddb/ion/ion_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "ddb/wire_json.h"

namespace offramp::ddb::ion {
namespace {

class Parser {
 public:
  Parser(std::string_view text, ItemBatch& batch, std::string& scratch,
         std::vector<std::string_view>& names)
      : scanner_(text, batch.arena, scratch),
        nodes_(batch.nodes()),
        builder_(nodes_),
        names_(names) {}

  bool item(std::string_view wrapper, uint32_t& root) {
    if (!begin()) return false;
    if (wrapper.empty()) {
      root = static_cast<uint32_t>(nodes_.size());
      return value({}, 0) && finish();
    }
    bool found = false;
    const auto member = [&](std::string_view name) {
      if (name != wrapper) return dropped_value();
      if (found) return scanner_.fail("the item's member occurs twice");
      found = true;
      return image(root);
    };
    if (!members(member) || !finish()) return false;
    return found || scanner_.fail("the struct has no member '" + std::string(wrapper) + "'");
  }

  bool record(IonRecord& out) {
    if (!begin() || !record_members(out, Wrapper::kAllowed) || !finish()) return false;
    return out.keys || scanner_.fail("the record has no member 'Keys'");
  }

  const Scanner& scanner() const { return scanner_; }

 private:
  enum class Wrapper { kAllowed, kInside };

  // Version markers and symbol tables are not values: skipped before the one struct, and after it.
  bool skip_system_values() {
    while (true) {
      if (!scanner_.skip_blanks()) return false;
      if (scanner_.looking_at("$ion_symbol_table")) {
        std::string_view word;
        scanner_.identifier(word);
        if (!scanner_.skip_blanks()) return false;
        if (word != "$ion_symbol_table" || !scanner_.take(':') || !scanner_.take(':'))
          return scanner_.fail("expected one struct");
        if (!scanner_.skip_blanks() || !dropped_value()) return false;
      } else if (scanner_.looking_at("$ion_1_0")) {
        std::string_view word;
        scanner_.identifier(word);
        if (word != "$ion_1_0") return scanner_.fail("only version 1.0 of Ion is read");
      } else {
        return true;
      }
    }
  }
  bool begin() {
    if (!skip_system_values()) return false;
    if (scanner_.at_end()) return scanner_.fail("the text holds no value");
    if (scanner_.peek() != '{' || scanner_.peek(1) == '{')
      return scanner_.fail("expected one struct");
    return true;
  }
  bool finish() {
    if (!skip_system_values()) return false;
    return scanner_.at_end() || scanner_.fail("expected the end of the text after one struct");
  }

  // Reads a struct; `member` gets each field's name with the scanner at its value.
  template <class Member>
  bool members(Member&& member) {
    scanner_.advance(1);
    while (true) {
      if (!scanner_.skip_blanks()) return false;
      if (scanner_.take('}')) return true;
      std::string_view name;
      if (!scanner_.field_name(name) || !scanner_.skip_blanks()) return false;
      if (!scanner_.take(':')) return scanner_.fail("expected ':' after a field name");
      if (!scanner_.skip_blanks() || !member(name) || !scanner_.skip_blanks()) return false;
      if (scanner_.take(',')) continue;
      if (scanner_.take('}')) return true;
      return scanner_.fail("expected ',' or '}' in a struct");
    }
  }

  // Reads a list in the same way.
  template <class Element>
  bool elements(Element&& element) {
    scanner_.advance(1);
    while (true) {
      if (!scanner_.skip_blanks()) return false;
      if (scanner_.take(']')) return true;
      if (!element() || !scanner_.skip_blanks()) return false;
      if (scanner_.take(',')) continue;
      if (scanner_.take(']')) return true;
      return scanner_.fail("expected ',' or ']' in a list");
    }
  }

  bool dropped_value() {
    const size_t before = nodes_.size();
    if (!value({}, 0)) return false;
    nodes_.resize(before);
    return true;
  }

  // A whole item as a tree of its own.
  bool image(uint32_t& root) {
    if (scanner_.peek() != '{' || scanner_.peek(1) == '{')
      return scanner_.fail("expected a struct");
    root = static_cast<uint32_t>(nodes_.size());
    return value({}, 0);
  }

  bool record_members(IonRecord& out, Wrapper wrapper) {
    return members([&](std::string_view name) {
      if (name == "Record" && wrapper == Wrapper::kAllowed) {
        if (scanner_.peek() != '{' || scanner_.peek(1) == '{')
          return scanner_.fail("expected a struct");
        return record_members(out, Wrapper::kInside);
      }
      if (name == "Metadata") return metadata(out);
      std::optional<uint32_t>* root = name == "Keys"       ? &out.keys
                                      : name == "NewImage" ? &out.new_image
                                      : name == "OldImage" ? &out.old_image
                                                           : nullptr;
      // An image may be a null: then there is none.
      if (root == nullptr || scanner_.looking_at("null")) return dropped_value();
      if (*root) return scanner_.fail("a member of the record occurs twice");
      uint32_t index = 0;
      if (!image(index)) return false;
      *root = index;
      return true;
    });
  }

  bool metadata(IonRecord& out) {
    const size_t before = nodes_.size(), start = scanner_.offset();
    if (!value({}, 0)) return false;
    ValueView time = ValueView(&nodes_[before]).find("WriteTimestampMicros");
    if (time) {
      if (time.type() == Type::kM && time.find("N")) time = time.find("N");
      const bool scalar = time.type() == Type::kN || time.type() == Type::kS;
      const std::string_view text = scalar ? time.bytes() : std::string_view();
      uint64_t micros = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
      if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return scanner_.fail_at(start, "WriteTimestampMicros is not a whole number");
      out.write_timestamp_micros = micros;
    }
    nodes_.resize(before);
    return true;
  }

  // The scanner stands at the value's first character.
  bool value(std::string_view name, int depth) {
    std::string_view bytes;
    const int c = scanner_.peek();
    switch (c) {
      case '"':
        if (!scanner_.short_string(bytes)) return false;
        builder_.scalar(Type::kS, bytes, name);
        return true;
      case '{':
        if (scanner_.peek(1) != '{') return structure(name, depth);
        if (!scanner_.blob(bytes)) return false;
        builder_.scalar(Type::kB, bytes, name);
        return true;
      case '[':
        return list(name, depth);
      case '\'':
        if (scanner_.looking_at("'''")) {
          if (!scanner_.long_string(bytes)) return false;
          builder_.scalar(Type::kS, bytes, name);
          return true;
        }
        return word(name, depth);
      case '(':
        return scanner_.fail("an Ion s-expression has no DynamoDB type");
      case '+':
        return scanner_.fail("an Ion float has no DynamoDB type");
      default:
        break;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
      if (!scanner_.number(bytes)) return false;
      builder_.scalar(Type::kN, bytes, name);
      return true;
    }
    if (Scanner::identifier_start(c)) return word(name, depth);
    return scanner_.fail(c == -1 ? "the text ends inside a value" : "expected a value");
  }

  // true, false, null, null.TYPE, or the annotation of a set.
  bool word(std::string_view name, int depth) {
    const size_t start = scanner_.offset();
    const bool bare = scanner_.peek() != '\'';
    std::string_view text;
    if (bare) {
      scanner_.identifier(text);
    } else if (!scanner_.quoted_symbol(text)) {
      return false;
    }
    if (bare && (text == "true" || text == "false")) {
      builder_.boolean(text == "true", name);
      return true;
    }
    if (bare && text == "null") return null(name);
    if (bare && text == "nan") return scanner_.fail_at(start, "an Ion float has no DynamoDB type");
    if (!scanner_.skip_blanks()) return false;
    if (!scanner_.looking_at("::"))
      return scanner_.fail_at(start, "an Ion symbol has no DynamoDB type");
    scanner_.advance(2);
    if (!scanner_.skip_blanks()) return false;
    if (text == "$dynamodb_SS") return set(Type::kSS, name, depth);
    if (text == "$dynamodb_NS") return set(Type::kNS, name, depth);
    if (text == "$dynamodb_BS") return set(Type::kBS, name, depth);
    return scanner_.fail_at(start, "the annotation is none of DynamoDB's sets");
  }

  bool null(std::string_view name) {
    static constexpr std::string_view kTypes[] = {
        "null",   "bool", "int",  "float",  "decimal", "timestamp", "string",
        "symbol", "blob", "clob", "struct", "list",    "sexp"};
    if (scanner_.take('.')) {
      std::string_view type;
      const size_t start = scanner_.offset();
      scanner_.identifier(type);
      if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes))
        return scanner_.fail_at(start, "expected an Ion type after 'null.'");
    }
    builder_.null(name);
    return true;
  }

  bool structure(std::string_view name, int depth) {
    if (depth >= kDepthMax) return scanner_.fail("the value is nested too deeply");
    const size_t start = scanner_.offset();
    const uint32_t index = builder_.open(Type::kM, name);
    uint32_t children = 0;
    const auto member = [&](std::string_view member_name) {
      ++children;
      return value(member_name, depth + 1);
    };
    if (!members(member)) return false;
    builder_.close(index, children);
    names_.clear();
    for (ValueView child : ValueView(&nodes_[index])) names_.push_back(child.name());
    return distinct() || scanner_.fail_at(start, "a struct has two fields of one name");
  }

  bool list(std::string_view name, int depth) {
    if (depth >= kDepthMax) return scanner_.fail("the value is nested too deeply");
    const uint32_t index = builder_.open(Type::kL, name);
    uint32_t children = 0;
    const auto element = [&] {
      ++children;
      return value({}, depth + 1);
    };
    if (!elements(element)) return false;
    builder_.close(index, children);
    return true;
  }

  bool set(Type type, std::string_view name, int depth) {
    if (depth >= kDepthMax) return scanner_.fail("the value is nested too deeply");
    const size_t start = scanner_.offset();
    if (scanner_.peek() != '[') return scanner_.fail("expected the list of a set");
    const uint32_t index = builder_.open(type, name);
    uint32_t children = 0;
    const auto element = [&] {
      const size_t at = scanner_.offset();
      const size_t node = nodes_.size();
      ++children;
      if (!value({}, depth + 1)) return false;
      return nodes_[node].type == member_type(type) ||
             scanner_.fail_at(at, "the set has a member of another type");
    };
    if (!elements(element)) return false;
    if (children == 0) return scanner_.fail_at(start, "a set must not be empty");
    builder_.close(index, children);
    names_.clear();
    for (ValueView child : ValueView(&nodes_[index])) names_.push_back(child.bytes());
    return distinct() || scanner_.fail_at(start, "a set has one member twice");
  }

  // Whether all of names_ differ; reorders it.
  bool distinct() {
    if (names_.size() <= 16) {
      for (size_t i = 1; i < names_.size(); ++i)
        for (size_t j = 0; j < i; ++j)
          if (names_[i] == names_[j]) return false;
      return true;
    }
    std::sort(names_.begin(), names_.end());
    return std::adjacent_find(names_.begin(), names_.end()) == names_.end();
  }

  Scanner scanner_;
  std::vector<Node>& nodes_;
  ItemBuilder builder_;
  std::vector<std::string_view>& names_;
};

Error bad_text(size_t offset, std::string_view what) {
  return Error(ErrorKind::kBadItem, "ion.bad_text",
               "Ion text, byte " + std::to_string(offset) + ": " + std::string(what));
}

// The number of bytes before the first that is not UTF-8; only asked when there is one.
size_t utf8_prefix(std::string_view text) {
  size_t low = 0;  // text[0, low) is valid
  for (size_t step = std::bit_floor(text.size()); step > 0; step /= 2) {
    // A prefix cut inside a character is no sign of bad text: up to three more bytes may complete
    // it.
    for (size_t more = 0; more < 4 && low + step + more <= text.size(); ++more) {
      if (!simdjson::validate_utf8(text.data() + low, step + more)) continue;
      low += step + more;
      break;
    }
  }
  return low;
}

Status check_text(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return bad_text(kTextBytesMax, "the text is longer than an item can be");
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return bad_text(utf8_prefix(text), "not UTF-8");
  return {};
}

// Runs `parse` and takes its nodes back when it fails.
template <class Parse>
Status run(std::string_view text, ItemBatch& batch, Parser& parser, Parse&& parse) {
  const size_t before = batch.nodes().size();
  if (parse()) return {};
  batch.nodes().resize(before);
  return bad_text(parser.scanner().failure_offset(), parser.scanner().failure());
}

}  // namespace

Result<uint32_t> IonDecoder::decode_item(std::string_view text, std::string_view wrapper,
                                         ItemBatch& batch) {
  TRY(check_text(text));
  Parser parser(text, batch, scratch_, names_);
  uint32_t root = 0;
  TRY(run(text, batch, parser, [&] { return parser.item(wrapper, root); }));
  return root;
}

Result<IonRecord> IonDecoder::decode_record(std::string_view text, ItemBatch& batch) {
  TRY(check_text(text));
  Parser parser(text, batch, scratch_, names_);
  IonRecord record;
  TRY(run(text, batch, parser, [&] { return parser.record(record); }));
  return record;
}

}  // namespace offramp::ddb::ion
