// The fields that entries of change logs begin with, and how much is read at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ddb/item_batch.h"
#include "ddb/item_size.h"
#include "target/postgres/connection.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

constexpr int kNumber = 0, kAt = 1, kOrigin = 2, kEntryFields = 3;

// How many rows of a log to ask for, from what those read so far had in their items.
class RowEstimate {
 public:
  void begin_page() { bytes_ = rows_ = 0; }
  // Of one statement: as many as the page has room for if they are like those of the newest page,
  // and not too many bytes if all are like the largest.
  size_t rows(size_t rows_max, size_t bytes_max) const {
    auto likely = static_cast<size_t>(static_cast<double>(bytes_max - bytes_) / row_bytes_) + 4;
    return std::min({rows_max, likely, std::max<size_t>(1, kStatementBytesMax / row_bytes_max_)});
  }
  // What one row has added to the page: the items from `first` on.
  void add(const ddb::ItemBatch& items, size_t first) {
    size_t before = bytes_;
    for (; first < items.size(); ++first) bytes_ += ddb::item_size(items.item(first));
    row_bytes_max_ = std::max(row_bytes_max_, bytes_ - before);
    row_bytes_ = std::max(16.0, static_cast<double>(bytes_) / static_cast<double>(++rows_));
  }
  // Of the page.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kStatementBytesMax = 32u << 20;
  double row_bytes_ = 16384;
  size_t row_bytes_max_ = 1024;
  size_t bytes_ = 0, rows_ = 0;
};

inline uint64_t number_at(const QueryResult& result, int row, int field) {
  return get_u64(result.text(row, field).data());
}

// Rounds down, before 1970 too.
inline int64_t milliseconds(uint64_t wire) {
  int64_t micros = static_cast<int64_t>(wire) + kEpochMicros;
  return micros / 1000 - (micros % 1000 < 0);
}

}  // namespace offramp::target::postgres
