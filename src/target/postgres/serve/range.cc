#include "target/postgres/serve/range.h"

#include <xxhash.h>

#include "ddb/number.h"
#include "ddb/scalar_order.h"

namespace offramp::target::postgres {

using ddb::ItemView;
using ddb::Type;
using ddb::ValueView;

namespace {

size_t nul_at(Type type, std::string_view bytes) {
  return type == Type::kS ? bytes.find('\0') : std::string_view::npos;
}

// Where a value lies among those of a parent table, which all begin with the literal.
enum class Place { kBelowAll, kWithin, kAboveAll };
Place place_of(const AttributeSql& sql, ValueView value, std::string_view& rest) {
  rest = value.bytes();
  if (!rest.starts_with(sql.literal))
    return rest < sql.literal ? Place::kBelowAll : Place::kAboveAll;
  rest.remove_prefix(sql.literal.size());
  return Place::kWithin;
}

// Adds what rows must be equal to; false when none can be.
bool add_equal(const AttributeSql& sql, ValueView value, Params& params) {
  std::string_view rest;
  if (place_of(sql, value, rest) != Place::kWithin) return false;
  if (nul_at(value.type(), rest) != std::string_view::npos) return false;
  params.add_value(value.type(), rest);
  return true;
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

Status Range::set(const AccessPath& path, const PageRequest& request) {
  path_ = &path;
  request_ = &request;
  query_ = !request.partition.empty();
  return set_after(request.after);
}

Status Range::set_after(ItemView after) {
  after_ = after;
  if (!after) return {};
  for (uint32_t i : path_->order_of(query_)) {
    const model::KeyAttribute& attribute = path_->attributes[i];
    ValueView value = after.find(attribute.name);
    if (!value || value.type() != attribute.type)
      return Error(ErrorKind::kInternal, "store.bad_start",
                   "the place to go on from lacks '" + attribute.name + "'");
  }
  return {};
}

bool Range::add_partition(const AccessPath::Parent& parent, Params& params) const {
  for (size_t i = 0; i < request_->partition.size(); ++i)
    if (parent.sql[i] && !add_equal(*parent.sql[i], request_->partition[i], params)) return false;
  return true;
}

// False: no value is on this side of the bound.
bool Range::set_bound(const AttributeSql& sql, const SortBound& bound, bool lower, Bound& out) {
  ValueView value = bound.values[0];
  Place place = place_of(sql, value, out.bytes);
  if (place != Place::kWithin) {
    out.compare = Compare::kNone;
    return (place == Place::kBelowAll) == lower;
  }
  out.type = value.type();
  out.compare = bound.inclusive ? Compare::kInclusive : Compare::kStrict;
  size_t nul = nul_at(value.type(), out.bytes);
  if (nul == std::string_view::npos) return true;
  out.bytes = out.bytes.substr(0, nul);
  out.compare = lower ? Compare::kStrict : Compare::kInclusive;
  return true;
}

bool Range::set_prefix(const AttributeSql& sql, ValueView prefix, Bound& lower, Bound& upper) {
  std::string_view text = prefix.bytes();
  if (std::string_view(sql.literal).starts_with(text)) return true;
  if (!text.starts_with(sql.literal)) return false;
  text.remove_prefix(sql.literal.size());
  if (nul_at(prefix.type(), text) != std::string_view::npos) return false;
  lower = {Compare::kInclusive, prefix.type(), text};
  if (next_prefix(prefix.type(), text, prefix_end_))
    upper = {Compare::kStrict, prefix.type(), prefix_end_};
  return true;
}

bool Range::add_sort(const AccessPath::Parent& parent, ReadShape& shape, Params& params) {
  shape.query = query_;
  shape.forward = request_->forward;
  shape.equals = static_cast<uint8_t>(request_->sort_equal.size());
  size_t at = path_->partition_count;
  for (ValueView value : request_->sort_equal)
    if (!add_equal(*parent.sql[at++], value, params)) return false;
  Bound lower, upper;
  if (request_->lower && !set_bound(*parent.sql[at], *request_->lower, true, lower)) return false;
  if (request_->upper && !set_bound(*parent.sql[at], *request_->upper, false, upper)) return false;
  if (request_->prefix && !set_prefix(*parent.sql[at], request_->prefix, lower, upper))
    return false;
  shape.lower = lower.compare;
  shape.upper = upper.compare;
  for (const Bound* bound : {&lower, &upper})
    if (bound->compare != Compare::kNone) params.add_value(bound->type, bound->bytes);
  return add_after(parent, shape, params);
}

// A value beside the table's, or with a NUL, ends the comparison: all rows that are equal up to
// there lie on one side.
bool Range::add_after(const AccessPath::Parent& parent, ReadShape& shape, Params& params) const {
  shape.after = 0;
  shape.after_compare = Compare::kStrict;
  if (!after_) return true;
  for (uint32_t i : path_->order_of(query_)) {
    ValueView value = after_.find(path_->attributes[i].name);
    std::string_view rest;
    Place place = place_of(*parent.sql[i], value, rest);
    if (place != Place::kWithin) {
      bool all = (place == Place::kBelowAll) == request_->forward;
      if (shape.after == 0) return all;
      shape.after_compare = all ? Compare::kInclusive : Compare::kStrict;
      return true;
    }
    size_t nul = nul_at(value.type(), rest);
    params.add_value(value.type(), rest.substr(0, nul));
    ++shape.after;
    if (nul == std::string_view::npos) continue;
    shape.after_compare = request_->forward ? Compare::kStrict : Compare::kInclusive;
    return true;
  }
  return true;
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
      if (query_ && ddb::compare_scalars(value, request_->partition[i]) != 0) return false;
      continue;
    }
    size_t at = i - first;
    if (at < request_->sort_equal.size()) {
      if (ddb::compare_scalars(value, request_->sort_equal[at]) != 0) return false;
    } else if (at == request_->sort_equal.size()) {
      if (request_->lower) {
        auto order = ddb::compare_scalars(value, request_->lower->values[0]);
        if (order < 0 || (order == 0 && !request_->lower->inclusive)) return false;
      }
      if (request_->upper) {
        auto order = ddb::compare_scalars(value, request_->upper->values[0]);
        if (order > 0 || (order == 0 && !request_->upper->inclusive)) return false;
      }
      if (request_->prefix && !value.bytes().starts_with(request_->prefix.bytes())) return false;
    }
  }
  if (after_ && compare(item, after_) <= 0) return false;
  return segment == Segment::kUnchecked || request_->segments <= 1 || in_segment(item);
}

std::strong_ordering Range::compare(ItemView a, ItemView b) const {
  for (uint32_t i : path_->order_of(query_)) {
    const std::string& name = path_->attributes[i].name;
    auto order = ddb::compare_scalars(a.find(name), b.find(name));
    if (order != 0) return request_->forward ? order : 0 <=> order;
  }
  return std::strong_ordering::equal;
}

}  // namespace offramp::target::postgres
