#include "target/postgres/serve/params.h"

#include <cstring>

#include "target/postgres/numeric_wire.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

void Params::add_int64(int64_t value) {
  char* to = arena_.allocate(8);
  put_u64(to, static_cast<uint64_t>(value));
  add({to, 8});
}

void Params::add_int64_array(const std::vector<int64_t>& values) {
  size_t size = 12 + (values.empty() ? 0 : 8) + 12 * values.size();
  char* start = arena_.allocate(size);
  char* to = start;
  put_u32(to, values.empty() ? 0 : 1);
  put_u32(to + 4, 0);
  put_u32(to + 8, kInt8Oid);
  to += 12;
  if (!values.empty()) {
    put_u32(to, static_cast<uint32_t>(values.size()));
    put_u32(to + 4, 1);
    to += 8;
  }
  for (int64_t value : values) {
    put_u32(to, 8);
    put_u64(to + 4, static_cast<uint64_t>(value));
    to += 12;
  }
  add({start, size});
}

void Params::add_value(ddb::Type type, std::string_view bytes) {
  if (type != ddb::Type::kN) {
    add(bytes);
    return;
  }
  size_t bound = numeric_wire_size_max(bytes.size());
  char* to = arena_.allocate(bound);
  size_t size = encode_numeric(bytes, to);
  arena_.shrink_last(to, bound, size);
  add({to, size});
}

void Params::add_json(std::string_view json) {
  char* to = arena_.allocate(json.size() + 1);
  to[0] = kJsonbVersion;
  json.copy(to + 1, json.size());
  add({to, json.size() + 1});
}

void Params::add_row(std::string_view row, size_t count) {
  size_t fields = get_u16(row.data());
  const char* at = row.data() + 2;
  for (size_t i = 0; i < fields && i < count; ++i) {
    uint32_t size = get_u32(at);
    at += 4;
    if (size == 0xFFFFFFFF) {
      add_null();
      continue;
    }
    add({at, size});
    at += size;
  }
}

}  // namespace offramp::target::postgres
