#include "target/sqlite/serve/page_filter.h"

#include <xxhash.h>

#include "ddb/number.h"
#include "ddb/scalar_order.h"

namespace offramp::target::sqlite::serve {

using ddb::ItemView;
using ddb::ValueView;
using model::KeyAttribute;

uint32_t segment_of(const ValueView* partition, size_t count, uint32_t segments) {
  uint64_t hash = 0;
  for (size_t i = 0; i < count; ++i)
    hash = XXH3_64bits_withSeed(partition[i].bytes().data(), partition[i].bytes().size(), hash);
  return static_cast<uint32_t>(hash % segments);
}

void PageFilter::start(const PageRequest& request) {
  request_ = &request;
  partition_.clear();
  order_.clear();
  const model::KeySchema& key = request.table->key;
  if (request.index) {
    for (const KeyAttribute& attribute : request.index->partition) partition_.push_back(&attribute);
    for (const KeyAttribute& attribute : request.index->sort) order_.push_back(&attribute);
    sort_count_ = order_.size();
    order_.push_back(&key.partition);
  } else {
    partition_.push_back(&key.partition);
    sort_count_ = key.sort ? 1 : 0;
  }
  if (key.sort) order_.push_back(&*key.sort);
  size_t equal = request.sort_equal.size();
  bounded_ = equal < sort_count_ ? order_[equal] : nullptr;
  after_.clear();
  if (request.after && !request.partition.empty())
    for (const KeyAttribute* attribute : order_)
      after_.push_back(request.after.find(attribute->name));
}

bool PageFilter::in_segment() const {
  return request_->segments <= 1 ||
         segment_of(values_.data(), partition_.size(), request_->segments) == request_->segment;
}

bool PageFilter::takes(ItemView item) const {
  values_.clear();
  for (const auto* attributes : {&partition_, &order_})
    for (const KeyAttribute* attribute : *attributes) {
      ValueView value = item.find(attribute->name);
      if (!value || value.type() != attribute->type) return false;
      values_.push_back(value);
    }
  for (size_t i = 0; i < request_->partition.size(); ++i)
    if (ddb::compare_scalars(values_[i], request_->partition[i]) != 0) return false;
  const ValueView* order = values_.data() + partition_.size();
  size_t equal = request_->sort_equal.size();
  for (size_t i = 0; i < equal; ++i)
    if (ddb::compare_scalars(order[i], request_->sort_equal[i]) != 0) return false;
  if (bounded_) {
    if (request_->lower) {
      auto result = ddb::compare_scalars(order[equal], request_->lower->values[0]);
      if (result < 0 || (result == 0 && !request_->lower->inclusive)) return false;
    }
    if (request_->upper) {
      auto result = ddb::compare_scalars(order[equal], request_->upper->values[0]);
      if (result > 0 || (result == 0 && !request_->upper->inclusive)) return false;
    }
    if (request_->prefix && !order[equal].bytes().starts_with(request_->prefix.bytes()))
      return false;
  }
  for (size_t i = 0; i < after_.size(); ++i) {
    auto result = ddb::compare_scalars(order[i], after_[i]);
    if (!request_->forward) result = 0 <=> result;
    if (result > 0) break;
    if (result < 0 || i + 1 == after_.size()) return false;
  }
  // A table without sort key has one item per partition: nothing follows it.
  if (request_->after && !request_->partition.empty() && after_.empty()) return false;
  return in_segment();
}

std::strong_ordering PageFilter::compare(ItemView a, ItemView b) const {
  for (const KeyAttribute* attribute : order_) {
    auto result = ddb::compare_scalars(a.find(attribute->name), b.find(attribute->name));
    if (result != 0) return request_->forward ? result : 0 <=> result;
  }
  return std::strong_ordering::equal;
}

}  // namespace offramp::target::sqlite::serve
