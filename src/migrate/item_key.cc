// Taking the key attributes out of an item.
#include "migrate/item_key.h"

#include <cstring>

#include "ddb/wire_json.h"

namespace offramp::migrate {

bool ItemKey::take(ddb::ItemView item) {
  nodes_.clear();
  ddb::ItemBuilder builder(nodes_);
  uint32_t root = builder.open(ddb::Type::kM);
  uint32_t count = 0;
  auto add = [&](const model::KeyAttribute& attribute) {
    ddb::ValueView value = item.find(attribute.name);
    if (!value || value.type() != attribute.type) return false;
    builder.copy(value, value.name());
    ++count;
    return true;
  };
  if (!add(schema_.partition) || (schema_.sort && !add(*schema_.sort))) return false;
  builder.close(root, count);
  return true;
}

std::string ItemKey::json() const {
  std::string out;
  ddb::append_item_json(view(), out);
  return out;
}

std::string digest_bytes(const ddb::Digest& digest) {
  std::string out(16, '\0');
  std::memcpy(out.data(), &digest.high, 8);
  std::memcpy(out.data() + 8, &digest.low, 8);
  return out;
}

ddb::Digest digest_of_bytes(std::string_view bytes) {
  ASSERT(bytes.size() == 16);
  ddb::Digest digest;
  std::memcpy(&digest.high, bytes.data(), 8);
  std::memcpy(&digest.low, bytes.data() + 8, 8);
  return digest;
}

}  // namespace offramp::migrate
