// One pass over the bytes; strings are scanned 16 bytes at a time.
#include "ddb/compact_json.h"

#include <emmintrin.h>
#include <simdjson.h>

#include <cstring>

#include "ddb/wire_json.h"

namespace offramp::ddb {
namespace {

// No node takes less text than a set's member `"",`.
constexpr size_t kTextPerNode = 3;

class CompactReader {
 public:
  // `nodes` has room for text.size() / kTextPerNode + 2 nodes.
  CompactReader(std::string_view text, JsonValues& values, ItemBatch& batch, Node* nodes)
      : at_(text.data()),
        end_(text.data() + text.size()),
        values_(values),
        batch_(batch),
        next_(nodes) {}

  bool item(std::string_view wrapper) {
    if (!wrapper.empty()) {
      // {"Item":{…}} and nothing else.
      if (!take('{') || !take('"') || !take(wrapper) || !take("\":")) return false;
    }
    if (!take('{') || !map({}, 0)) return false;
    if (!wrapper.empty() && !take('}')) return false;
    return at_ == end_;
  }
  const Node* end() const { return next_; }

 private:
  Node* add(Type type, std::string_view name) {
    Node* node = next_++;
    node->name = name.data();
    node->name_size = static_cast<uint32_t>(name.size());
    node->data = nullptr;
    node->size = 0;
    node->span = 1;
    node->type = type;
    node->boolean = false;
    return node;
  }
  void close(Node* node, uint32_t children) {
    node->size = children;
    node->span = static_cast<uint32_t>(next_ - node);
  }

  bool take(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }
  // Reading past the end is safe: there is padding, and the end is checked where it matters.
  bool take(std::string_view text) {
    if (static_cast<size_t>(end_ - at_) < text.size() ||
        std::memcmp(at_, text.data(), text.size()) != 0)
      return false;
    at_ += text.size();
    return true;
  }

  // The rest of a string whose opening quote has been read; false at an escape, a control character
  // or the end.
  bool string(std::string_view& out) {
    const char* start = at_;
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1f);
    for (;;) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
      __m128i stop =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                       _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
      if (auto mask = static_cast<unsigned>(_mm_movemask_epi8(stop))) {
        at_ += __builtin_ctz(mask);
        break;
      }
      at_ += 16;
      if (at_ >= end_) return false;
    }
    if (at_ >= end_ || *at_ != '"') return false;
    out = {start, static_cast<size_t>(at_ - start)};
    ++at_;
    return true;
  }

  // Members up to the closing brace; the opening one has been read.
  bool map(std::string_view name, int depth) {
    if (depth > kDepthMax) return false;
    Node* node = add(Type::kM, name);
    uint32_t count = 0;
    if (!take('}')) {
      do {
        std::string_view member;
        if (!take('"') || !string(member) || !take(':') || !value(member, depth + 1)) return false;
        ++count;
      } while (take(','));
      if (!take('}')) return false;
    }
    if (values_.names_repeat(node + 1, count)) return false;
    close(node, count);
    return true;
  }

  bool list(std::string_view name, int depth) {
    Node* node = add(Type::kL, name);
    uint32_t count = 0;
    if (!take(']')) {
      do {
        if (!value({}, depth + 1)) return false;
        ++count;
      } while (take(','));
      if (!take(']')) return false;
    }
    close(node, count);
    return true;
  }

  bool set(Type type, std::string_view name) {
    Node* node = add(type, name);
    uint32_t count = 0;
    if (!take(']')) {
      do {
        std::string_view text;
        if (!take('"') || !string(text) || !scalar(member_type(type), text, {})) return false;
        ++count;
      } while (take(','));
      if (!take(']')) return false;
    }
    count = values_.remove_duplicate_members(node + 1, count);
    next_ = node + 1 + count;
    close(node, count);
    return true;
  }

  bool scalar(Type type, std::string_view text, std::string_view name) {
    std::string_view bytes = text;
    if (type == Type::kN && !values_.number(text, batch_, bytes)) return false;
    if (type == Type::kB && !values_.binary(text, batch_, bytes)) return false;
    Node* node = add(type, name);
    node->data = bytes.data();
    node->size = static_cast<uint32_t>(bytes.size());
    return true;
  }

  bool tagged_string(Type type, std::string_view name) {
    std::string_view text;
    return take("\":\"") && string(text) && scalar(type, text, name) && take('}');
  }

  // {"T":…} whole.
  bool value(std::string_view name, int depth) {
    if (depth > kDepthMax || !take("{\"")) return false;
    char tag = *at_++;
    switch (tag) {
      case 'S':
        if (take('S')) return take("\":[") && set(Type::kSS, name) && take('}');
        return tagged_string(Type::kS, name);
      case 'N':
        if (take('S')) return take("\":[") && set(Type::kNS, name) && take('}');
        if (take("ULL\":true}")) {
          add(Type::kNull, name);
          return true;
        }
        return tagged_string(Type::kN, name);
      case 'B':
        if (take('S')) return take("\":[") && set(Type::kBS, name) && take('}');
        if (take("OOL\":")) {
          bool truth = *at_ == 't';
          if (!take(truth ? "true}" : "false}")) return false;
          add(Type::kBool, name)->boolean = truth;
          return true;
        }
        return tagged_string(Type::kB, name);
      case 'L':
        return take("\":[") && list(name, depth) && take('}');
      case 'M':
        return take("\":{") && map(name, depth) && take('}');
      default:
        return false;
    }
  }

  const char* at_;
  const char* const end_;
  JsonValues& values_;
  ItemBatch& batch_;
  Node* next_;
};

}  // namespace

bool read_compact_item(std::string_view text, std::string_view wrapper, JsonValues& values,
                       CompactNodes& nodes, ItemBatch& batch) {
  Node* first = nodes.reserve(text.size() / kTextPerNode + 2);
  CompactReader reader(text, values, batch, first);
  if (!reader.item(wrapper) || !simdjson::validate_utf8(text.data(), text.size())) return false;
  batch.nodes().insert(batch.nodes().end(), static_cast<const Node*>(first), reader.end());
  return true;
}

}  // namespace offramp::ddb
