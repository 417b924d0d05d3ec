#include "target/postgres/serve/range.h"

#include <xxhash.h>

#include "ddb/number.h"

namespace offramp::target::postgres {

using ddb::ItemView;
using ddb::Type;
using ddb::ValueView;

namespace {

size_t nul_at(Type type, std::string_view bytes) {
  return type == Type::kS ? bytes.find('\0') : std::string_view::npos;
}

// The least byte string behind all that begin with `prefix`; of text: the least text. False: there
// is none.
bool next_prefix(Type type, std::string_view prefix, std::string& out) {
  out = prefix;
  while (!out.empty()) {
    if (type == Type::kB) {
      if (static_cast<unsigned char>(out.back()) != 0xff) {
        ++out.back();
        return true;
      }
      out.pop_back();
      continue;
    }
    size_t at = out.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(out[at]) & 0xc0) == 0x80) --at;
    uint32_t c = static_cast<unsigned char>(out[at]);
    c = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
    for (size_t i = at + 1; i < out.size(); ++i)
      c = c << 6 | (static_cast<unsigned char>(out[i]) & 0x3f);
    out.resize(at);
    if (c >= 0x10ffff) continue;
    c = c == 0xd7ff ? 0xe000 : c + 1;  // surrogates are no characters
    auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6);
      put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12);
      put(0x80 | (c >> 6 & 0x3f));
      put(0x80 | (c & 0x3f));
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
      put(0x80 | (c >> 6 & 0x3f));
      put(0x80 | (c & 0x3f));
    }
    return true;
  }
  return false;
}

}  // namespace

int compare_key_values(ValueView a, ValueView b) {
  if (a.type() == Type::kN) {
    auto order = ddb::compare_numbers(a.bytes(), b.bytes());
    return order < 0 ? -1 : order > 0;
  }
  return a.bytes().compare(b.bytes());
}

Status Range::set(const AccessPath& path, const PageRequest& request) {
  path_ = &path;
  request_ = &request;
  query_ = !request.partition.empty();
  no_rows_ = false;
  lower_ = upper_ = {};
  auto no_nul = [&](ValueView value) {
    no_rows_ |= nul_at(value.type(), value.bytes()) != std::string_view::npos;
  };
  for (ValueView value : request.partition) no_nul(value);
  for (ValueView value : request.sort_equal) no_nul(value);
  if (request.lower) set_bound(*request.lower, true);
  if (request.upper) set_bound(*request.upper, false);
  if (request.prefix) set_prefix(request.prefix);
  return set_after(request.after);
}

void Range::set_bound(const SortBound& bound, bool lower) {
  ValueView value = bound.values[0];
  Bound& out = lower ? lower_ : upper_;
  out = {bound.inclusive ? Compare::kInclusive : Compare::kStrict, {value.type(), value.bytes()}};
  size_t nul = nul_at(value.type(), value.bytes());
  if (nul == std::string_view::npos) return;
  out.value.bytes = value.bytes().substr(0, nul);
  out.compare = lower ? Compare::kStrict : Compare::kInclusive;
}

void Range::set_prefix(ValueView prefix) {
  if (nul_at(prefix.type(), prefix.bytes()) != std::string_view::npos) {
    no_rows_ = true;
    return;
  }
  lower_ = {Compare::kInclusive, {prefix.type(), prefix.bytes()}};
  if (next_prefix(prefix.type(), prefix.bytes(), prefix_end_))
    upper_ = {Compare::kStrict, {prefix.type(), prefix_end_}};
}

Status Range::set_after(ItemView after) {
  after_ = after;
  after_values_.clear();
  after_compare_ = Compare::kStrict;
  if (!after) return {};
  for (uint32_t i : path_->order_of(query_)) {
    const model::KeyAttribute& attribute = path_->attributes[i];
    ValueView value = after.find(attribute.name);
    if (!value || value.type() != attribute.type)
      return Error(ErrorKind::kInternal, "store.bad_start",
                   "the place to go on from lacks '" + attribute.name + "'");
    size_t nul = nul_at(value.type(), value.bytes());
    after_values_.push_back({value.type(), value.bytes().substr(0, nul)});
    if (nul == std::string_view::npos) continue;
    after_compare_ = request_->forward ? Compare::kStrict : Compare::kInclusive;
    break;
  }
  return {};
}

void Range::shape(ReadShape& shape) const {
  shape.query = query_;
  shape.equals = static_cast<uint8_t>(request_->sort_equal.size());
  shape.lower = lower_.compare;
  shape.upper = upper_.compare;
  shape.after = static_cast<uint8_t>(after_values_.size());
  shape.after_compare = after_compare_;
  shape.forward = request_->forward;
}

void Range::add_partition(const AccessPath::Parent& parent, Params& params) const {
  for (size_t i = 0; i < request_->partition.size(); ++i)
    if (parent.sql[i]) params.add_value(request_->partition[i]);
}

void Range::add_sort(Params& params) const {
  for (ValueView value : request_->sort_equal) params.add_value(value);
  for (const Bound* bound : {&lower_, &upper_})
    if (bound->compare != Compare::kNone) params.add_value(bound->value.type, bound->value.bytes);
  for (const Value& value : after_values_) params.add_value(value.type, value.bytes);
}

bool Range::in_segment(ItemView item) const {
  uint64_t hash = 0;
  for (size_t i = 0; i < path_->partition_count; ++i) {
    std::string_view bytes = item.find(path_->attributes[i].name).bytes();
    hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash);
  }
  return hash % request_->segments == request_->segment;
}

bool Range::takes(ItemView item, Segment segment) const {
  const auto& attributes = path_->attributes;
  size_t first = path_->partition_count;
  for (size_t i = 0; i < first + path_->sort_count; ++i) {
    ValueView value = item.find(attributes[i].name);
    if (!value || value.type() != attributes[i].type) return false;
    if (i < first) {
      if (query_ && compare_key_values(value, request_->partition[i]) != 0) return false;
      continue;
    }
    size_t at = i - first;
    if (at < request_->sort_equal.size()) {
      if (compare_key_values(value, request_->sort_equal[at]) != 0) return false;
    } else if (at == request_->sort_equal.size()) {
      if (request_->lower) {
        int order = compare_key_values(value, request_->lower->values[0]);
        if (order < 0 || (order == 0 && !request_->lower->inclusive)) return false;
      }
      if (request_->upper) {
        int order = compare_key_values(value, request_->upper->values[0]);
        if (order > 0 || (order == 0 && !request_->upper->inclusive)) return false;
      }
      if (request_->prefix && !value.bytes().starts_with(request_->prefix.bytes())) return false;
    }
  }
  if (after_ && compare(item, after_) <= 0) return false;
  return segment == Segment::kUnchecked || request_->segments <= 1 || in_segment(item);
}

int Range::compare(ItemView a, ItemView b) const {
  for (uint32_t i : path_->order_of(query_)) {
    const std::string& name = path_->attributes[i].name;
    int order = compare_key_values(a.find(name), b.find(name));
    if (order != 0) return request_->forward ? order : -order;
  }
  return 0;
}

}  // namespace offramp::target::postgres
