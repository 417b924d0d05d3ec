// Params: the binary parameters of one statement, as libpq wants them.
//
// Bytes are pointed to, not copied, except for what is made here (numbers), which lives until
// clear().
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "ddb/value.h"

namespace offramp::target::postgres {

constexpr Oid kBoolOid = 16;
constexpr Oid kInt8Oid = 20;
constexpr Oid kXidOid = 28;
constexpr Oid kJsonbOid = 3802;

class Params {
 public:
  void clear() {
    values_.clear();
    lengths_.clear();
    arena_.reset();
  }
  size_t size() const { return values_.size(); }
  void add(std::string_view bytes) {
    // An empty value needs a pointer: libpq takes nullptr for NULL.
    values_.push_back(bytes.data() ? bytes.data() : "");
    lengths_.push_back(static_cast<int>(bytes.size()));
  }
  void add_null() {
    values_.push_back(nullptr);
    lengths_.push_back(0);
  }
  void add_int64(int64_t value);
  // `parts` as pg's bigint[].
  void add_int64_array(const std::vector<int64_t>& values);
  // A key attribute's value as text, numeric or bytea.
  void add_value(ddb::ValueView value) { add_value(value.type(), value.bytes()); }
  void add_value(ddb::Type type, std::string_view bytes);
  // A value in the `extra` form as jsonb.
  void add_json(std::string_view json);
  // The fields of one COPY BINARY row: all of them, or the first `count`.
  void add_row(std::string_view row, size_t count = SIZE_MAX);

  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  // All parameters are binary.
  const int* formats() {
    if (formats_.size() < values_.size()) formats_.assign(values_.size() * 2, 1);
    return formats_.data();
  }

 private:
  std::vector<const char*> values_;
  std::vector<int> lengths_, formats_;
  base::Arena arena_{16 * 1024};
};

}  // namespace offramp::target::postgres
