// JSON → nodes with simdjson on-demand: one forward pass, every value visited once, so nothing is
// left unvalidated.
//
// simdjson checks structure, UTF-8 and control characters; this file checks DynamoDB's typing. A
// string without escapes is not copied. Items written as AWS writes them take the short way of
// compact_json.h first.
#include "ddb/wire_json.h"

#include <simdjson.h>

#include <cstring>

#include "ddb/compact_json.h"
#include "ddb/json_values.h"
#include "ddb/number.h"

namespace offramp::ddb {
namespace {

namespace od = simdjson::ondemand;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

Type type_from_tag(std::string_view tag) {
  switch (tag.size()) {
    case 1:
      switch (tag[0]) {
        case 'S':
          return Type::kS;
        case 'N':
          return Type::kN;
        case 'B':
          return Type::kB;
        case 'L':
          return Type::kL;
        case 'M':
          return Type::kM;
      }
      break;
    case 2:
      if (tag == "SS") return Type::kSS;
      if (tag == "NS") return Type::kNS;
      if (tag == "BS") return Type::kBS;
      break;
    case 4:
      if (tag == "BOOL") return Type::kBool;
      if (tag == "NULL") return Type::kNull;
      break;
  }
  return Type::kAbsent;
}

}  // namespace

struct JsonDecoder::Impl {
  od::parser parser;
  JsonValues values;
  CompactNodes compact_nodes;

  // State of one call.
  ItemBatch* batch = nullptr;
  JsonForm form = JsonForm::kTyped;
  const char* text_start = nullptr;
  const char* where = nullptr;  // where the newest complaint points
  std::string complaint;        // empty: simdjson's own

  using Outcome = bool;  // true = fine

  Outcome fail(std::string message, const char* at = nullptr) {
    if (complaint.empty()) {
      complaint = std::move(message);
      where = at;
    }
    return false;
  }
  Outcome fail(simdjson::error_code code) {
    return fail(code == simdjson::INCORRECT_TYPE ? "a JSON value of the wrong kind"
                                                 : simdjson::error_message(code));
  }

  // The text between the quotes of a string token; empty optional when it has escapes.
  static bool plain_string(std::string_view token, std::string_view& out) {
    size_t size = token.size();
    while (size > 0 && token[size - 1] != '"') --size;
    if (size < 2) return false;
    out = token.substr(1, size - 2);
    return std::memchr(out.data(), '\\', out.size()) == nullptr;
  }

  Outcome read_string(od::value& value, std::string_view& out) {
    std::string_view token = value.raw_json_token();
    if (token.empty() || token[0] != '"') return fail("expected a string", token.data());
    if (plain_string(token, out)) {
      od::raw_json_string consumed;
      if (auto code = value.get_raw_json_string().get(consumed)) return fail(code);
      return true;
    }
    std::string_view unescaped;
    if (auto code = value.get_string().get(unescaped)) return fail(code);
    out = {batch->arena.copy(unescaped), unescaped.size()};
    return true;
  }

  Outcome read_key(od::field& field, std::string_view& out) {
    const char* start = field.key().raw();
    // simdjson has seen the closing quote, so there is one; an escape before it means the slow way.
    const char* end = static_cast<const char*>(rawmemchr(start, '"'));
    if (std::memchr(start, '\\', static_cast<size_t>(end - start)) == nullptr) {
      out = {start, static_cast<size_t>(end - start)};
      return true;
    }
    std::string_view unescaped;
    if (auto code = field.unescaped_key().get(unescaped)) return fail(code);
    out = {batch->arena.copy(unescaped), unescaped.size()};
    return true;
  }

  Outcome number_text(std::string_view text, std::string_view& out) {
    return values.number(text, *batch, out) || fail(values.complaint, text.data());
  }

  Outcome binary(std::string_view text, std::string_view& out) {
    return values.binary(text, *batch, out) || fail("not valid base64", text.data());
  }

  // A string or name kept in base64 by extra's escapes.
  Outcome escaped_text(std::string_view text, std::string_view& out) {
    if (!binary(text, out)) return false;
    return simdjson::validate_utf8(out.data(), out.size()) ||
           fail("not UTF-8 behind base64", text.data());
  }

  Outcome scalar_bytes(Type type, std::string_view text, std::string_view& out) {
    switch (type) {
      case Type::kN:
        return number_text(text, out);
      case Type::kB:
        return binary(text, out);
      default:
        out = text;
        return true;
    }
  }

  Outcome read_set(od::value value, Type type, std::string_view name, bool base64_text) {
    ItemBuilder builder(batch->nodes());
    uint32_t index = builder.open(type, name);
    od::array array;
    if (auto code = value.get_array().get(array)) return fail(code);
    uint32_t count = 0;
    for (auto element : array) {
      od::value member;
      if (auto code = std::move(element).get(member)) return fail(code);
      std::string_view text, bytes;
      if (!read_string(member, text)) return false;
      if (base64_text ? !escaped_text(text, bytes) : !scalar_bytes(member_type(type), text, bytes))
        return false;
      builder.scalar(member_type(type), bytes);
      ++count;
    }
    std::vector<Node>& nodes = batch->nodes();
    count = values.remove_duplicate_members(nodes.data() + index + 1, count);
    nodes.resize(index + 1 + count);
    builder.close(index, count);
    return true;
  }

  Outcome read_list(od::value value, std::string_view name, int depth) {
    ItemBuilder builder(batch->nodes());
    uint32_t index = builder.open(Type::kL, name);
    od::array array;
    if (auto code = value.get_array().get(array)) return fail(code);
    uint32_t count = 0;
    for (auto element : array) {
      od::value member;
      if (auto code = std::move(element).get(member)) return fail(code);
      if (!read_value(member, {}, depth + 1)) return false;
      ++count;
    }
    builder.close(index, count);
    return true;
  }

  // Members of a map whose node is open at `index`.
  Outcome read_members(od::object& object, uint32_t index, int depth) {
    uint32_t count = 0;
    for (auto member : object) {
      od::field field;
      if (auto code = std::move(member).get(field)) return fail(code);
      std::string_view name;
      if (!read_key(field, name)) return false;
      od::value value = field.value();
      if (!read_value(value, name, depth + 1)) return false;
      ++count;
    }
    return close_map(index, count);
  }

  Outcome close_map(uint32_t index, uint32_t count) {
    if (values.names_repeat(batch->nodes().data() + index + 1, count))
      return fail("an attribute name occurs twice in one map");
    ItemBuilder(batch->nodes()).close(index, count);
    return true;
  }

  Outcome read_map(od::value value, std::string_view name, int depth) {
    uint32_t index = ItemBuilder(batch->nodes()).open(Type::kM, name);
    od::object object;
    if (auto code = value.get_object().get(object)) return fail(code);
    return read_members(object, index, depth);
  }

  // extra's map with names in base64: [["bmFtZQ==", value], …]
  Outcome read_escaped_map(od::value value, std::string_view name, int depth) {
    ItemBuilder builder(batch->nodes());
    uint32_t index = builder.open(Type::kM, name);
    od::array pairs;
    if (auto code = value.get_array().get(pairs)) return fail(code);
    uint32_t count = 0;
    for (auto element : pairs) {
      od::array pair;
      if (auto code = element.get_array().get(pair)) return fail(code);
      std::string_view member;
      int place = 0;
      for (auto part : pair) {
        od::value half;
        if (auto code = std::move(part).get(half)) return fail(code);
        std::string_view text;
        if (place == 0 && (!read_string(half, text) || !escaped_text(text, member))) return false;
        if (place == 1 && !read_value(half, member, depth + 1)) return false;
        ++place;
      }
      if (place != 2) return fail("expected a pair of name and value");
      ++count;
    }
    return close_map(index, count);
  }

  Outcome read_escape(std::string_view tag, od::value value, std::string_view name, int depth) {
    ItemBuilder builder(batch->nodes());
    if (tag == "$S64") {
      std::string_view text, bytes;
      if (!read_string(value, text) || !escaped_text(text, bytes)) return false;
      builder.scalar(Type::kS, bytes, name);
      return true;
    }
    if (tag == "$M64") return read_escaped_map(value, name, depth);
    if (tag == "$SS64") return read_set(value, Type::kSS, name, true);
    if (tag == "$ABSENT") {
      bool mark = false;
      if (auto code = value.get_bool().get(mark)) return fail(code);
      builder.scalar(Type::kAbsent, {}, name);
      return true;
    }
    return unknown_tag(tag);
  }

  Outcome unknown_tag(std::string_view tag) {
    return fail("'" + std::string(tag.substr(0, 20)) +
                    "' is not a DynamoDB type (S, N, B, BOOL, NULL, L, M, SS, NS, BS)",
                tag.data());
  }

  Outcome read_typed(od::value value, std::string_view name, int depth) {
    od::object object;
    if (value.get_object().get(object))
      return fail("expected an attribute value such as {\"S\":\"…\"}",
                  value.raw_json_token().data());
    bool seen = false;
    for (auto member : object) {
      od::field field;
      if (auto code = std::move(member).get(field)) return fail(code);
      std::string_view tag;
      if (!read_key(field, tag)) return false;
      if (seen) return fail("an attribute value has more than one type", tag.data());
      seen = true;
      od::value inner = field.value();
      if (form == JsonForm::kExtra && !tag.empty() && tag[0] == '$') {
        if (!read_escape(tag, inner, name, depth)) return false;
        continue;
      }
      if (!read_tagged(type_from_tag(tag), tag, inner, name, depth)) return false;
    }
    return seen || fail("an attribute value is empty: it must have exactly one type");
  }

  Outcome read_tagged(Type type, std::string_view tag, od::value inner, std::string_view name,
                      int depth) {
    ItemBuilder builder(batch->nodes());
    switch (type) {
      case Type::kS:
      case Type::kN:
      case Type::kB: {
        std::string_view text, bytes;
        if (!read_string(inner, text) || !scalar_bytes(type, text, bytes)) return false;
        builder.scalar(type, bytes, name);
        return true;
      }
      case Type::kBool: {
        bool value = false;
        if (auto code = inner.get_bool().get(value)) return fail(code);
        builder.boolean(value, name);
        return true;
      }
      case Type::kNull: {
        bool value = false;
        if (auto code = inner.get_bool().get(value)) return fail(code);
        if (!value) return fail("Null attribute value types must have the value of true");
        builder.null(name);
        return true;
      }
      case Type::kL:
        return read_list(inner, name, depth);
      case Type::kM:
        return read_map(inner, name, depth);
      case Type::kSS:
      case Type::kNS:
      case Type::kBS:
        return read_set(inner, type, name, false);
      case Type::kAbsent:
        break;
    }
    return unknown_tag(tag);
  }

  Outcome read_plain(od::value value, std::string_view name, int depth) {
    ItemBuilder builder(batch->nodes());
    od::json_type type;
    if (auto code = value.type().get(type)) return fail(code);
    switch (type) {
      case od::json_type::object:
        return read_map(value, name, depth);
      case od::json_type::array:
        return read_list(value, name, depth);
      case od::json_type::string: {
        std::string_view text;
        if (!read_string(value, text)) return false;
        builder.scalar(Type::kS, text, name);
        return true;
      }
      case od::json_type::number:
        return read_plain_number(value, name);
      case od::json_type::boolean: {
        bool flag = false;
        if (auto code = value.get_bool().get(flag)) return fail(code);
        builder.boolean(flag, name);
        return true;
      }
      case od::json_type::null: {
        std::string_view token = value.raw_json_token();
        if (!token.starts_with("null") || (token.size() > 4 && (isalnum(token[4]) != 0)))
          return fail("not a JSON value", token.data());
        bool null = false;
        if (value.is_null().get(null) || !null) return fail("not a JSON value", token.data());
        builder.null(name);
        return true;
      }
    }
    return fail("not a JSON value");
  }

  // A JSON number keeps all its digits: it never becomes a double (C11).
  Outcome read_plain_number(od::value& value, std::string_view name) {
    std::string_view token = value.raw_json_token();
    while (!token.empty() && isspace(static_cast<unsigned char>(token.back())))
      token.remove_suffix(1);
    bool digit_first =
        !token.empty() && (isdigit(static_cast<unsigned char>(token[0])) || token[0] == '-');
    std::string_view bytes;
    if (!digit_first) return fail("not a JSON value", token.data());
    if (!number_text(token, bytes)) return false;
    // The token has been checked above; consuming it as a number may overflow a double, which does
    // not matter.
    double ignored = 0;
    [[maybe_unused]] simdjson::error_code code = value.get_double().get(ignored);
    ItemBuilder(batch->nodes()).scalar(Type::kN, bytes, name);
    return true;
  }

  Outcome read_value(od::value value, std::string_view name, int depth) {
    if (depth > kDepthMax) return fail("Nesting Levels have exceeded supported limits");
    return form == JsonForm::kPlain ? read_plain(value, name, depth)
                                    : read_typed(value, name, depth);
  }

  // The root object as an item; in kExtra it may be {"$M64":[…]} as a whole.
  Outcome read_item_object(od::object& object, uint32_t root) {
    if (form != JsonForm::kExtra) return read_members(object, root, 0);
    uint32_t count = 0;
    bool escaped = false;
    for (auto member : object) {
      od::field field;
      if (auto code = std::move(member).get(field)) return fail(code);
      std::string_view name;
      if (escaped) return fail("a member beside $M64");
      if (!read_key(field, name)) return false;
      od::value value = field.value();
      if (name == "$M64" && count == 0 && value.raw_json_token().starts_with('[')) {
        batch->nodes().pop_back();
        if (!read_escaped_map(value, {}, 0)) return false;
        escaped = true;
        continue;
      }
      if (!read_value(value, name, 1)) return false;
      ++count;
    }
    return escaped || close_map(root, count);
  }

  Outcome read_document(od::document& document, std::string_view wrapper) {
    od::object object;
    if (document.get_object().get(object)) return fail("expected a JSON object");
    uint32_t root = static_cast<uint32_t>(batch->nodes().size());
    if (wrapper.empty()) {
      ItemBuilder(batch->nodes()).open(Type::kM);
      return read_item_object(object, root);
    }
    bool found = false;
    for (auto member : object) {
      od::field field;
      if (auto code = std::move(member).get(field)) return fail(code);
      std::string_view name;
      if (!read_key(field, name)) return false;
      if (name != wrapper) continue;
      if (found) return fail("the member '" + std::string(wrapper) + "' occurs twice");
      found = true;
      od::value value = field.value();
      od::object inner;
      if (value.get_object().get(inner))
        return fail("'" + std::string(wrapper) + "' is not an object");
      ItemBuilder(batch->nodes()).open(Type::kM);
      if (!read_item_object(inner, root)) return false;
    }
    return found || fail("there is no member '" + std::string(wrapper) + "'");
  }

  Error error(std::string_view text, const char* at) {
    size_t offset = at && at >= text.data() && at <= text.data() + text.size()
                        ? static_cast<size_t>(at - text.data())
                        : 0;
    std::string message =
        "not a DynamoDB item: " + complaint + " (at byte " + std::to_string(offset) + ")";
    return Error(ErrorKind::kBadItem, "json.bad_item", message);
  }
};

JsonDecoder::JsonDecoder() : impl_(std::make_unique<Impl>()) { impl_->parser.threaded = false; }
JsonDecoder::~JsonDecoder() = default;

namespace {

// simdjson says only that the UTF-8 is wrong; people want to know where.
size_t first_bad_utf8(std::string_view text) {
  size_t low = 0, high = text.size();
  while (low < high) {
    // A valid prefix may end inside a character: step back to its start.
    size_t middle = low + (high - low) / 2 + 1;
    size_t end = middle;
    while (end > low && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    if (simdjson::validate_utf8(text.data(), end))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

}  // namespace

Result<uint32_t> JsonDecoder::decode_item(std::string_view text, std::string_view wrapper,
                                          JsonForm form, ItemBatch& batch) {
  Impl& impl = *impl_;
  impl.batch = &batch;
  impl.form = form;
  impl.complaint.clear();
  impl.where = nullptr;
  size_t before = batch.nodes().size();
  if (form == JsonForm::kTyped) {
    if (read_compact_item(text, wrapper, impl.values, impl.compact_nodes, batch))
      return static_cast<uint32_t>(before);
  }
  od::document document;
  simdjson::error_code code =
      impl.parser.iterate(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING)
          .get(document);
  const char* at = nullptr;
  bool fine = !code;
  if (code) {
    impl.fail(code);
    if (code == simdjson::UTF8_ERROR) at = text.data() + first_bad_utf8(text);
  } else {
    fine = impl.read_document(document, wrapper);
    // At the end there is no current location.
    bool at_end = document.current_location().get(at) != simdjson::SUCCESS;
    if (fine && !at_end) fine = impl.fail("there is more text behind the item", at);
    if (impl.where) at = impl.where;
  }
  if (!fine) {
    batch.nodes().resize(before);
    return impl.error(text, at);
  }
  return static_cast<uint32_t>(before);
}

Result<uint32_t> JsonDecoder::decode_value(std::string_view text, std::string_view name,
                                           JsonForm form, ItemBatch& batch) {
  // Wrapped as {"v":text}, so that scalars are as good as containers.
  constexpr std::string_view kHead = "{\"v\":";
  size_t size = kHead.size() + text.size() + 1;
  char* copy = batch.arena.allocate(size + kJsonPadding);
  std::memcpy(copy, kHead.data(), kHead.size());
  std::memcpy(copy + kHead.size(), text.data(), text.size());
  copy[size - 1] = '}';
  std::memset(copy + size, 0, kJsonPadding);
  uint32_t root = TRY(decode_item({copy, size}, {}, form, batch));
  std::vector<Node>& nodes = batch.nodes();
  nodes.erase(nodes.begin() + root);
  nodes[root].name = name.data();
  nodes[root].name_size = static_cast<uint32_t>(name.size());
  return root;
}

}  // namespace offramp::ddb
