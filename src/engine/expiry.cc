#include "engine/expiry.h"

#include "ddb/number.h"
#include "engine/table_changes.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

constexpr size_t kPageItems = 1000, kPageBytes = 1 << 20;
constexpr size_t kDeletesPerWrite = 25;
constexpr int kRestPerWork = 4;
constexpr int64_t kFiveYears = int64_t{5} * 365 * 24 * 60 * 60;

// The numbers that have expired, [first, end).
struct Expired {
  ddb::Number first, end;

  static Result<Expired> at(int64_t now_s) {
    return Expired{TRY(ddb::Number::parse(std::to_string(now_s - kFiveYears))),
                   TRY(ddb::Number::parse(std::to_string(now_s)))};
  }
  bool has(ddb::ItemView item, std::string_view attribute) const {
    ddb::ValueView value = item.find(attribute);
    if (!value || value.type() != ddb::Type::kN) return false;
    Result<ddb::Number> number = ddb::Number::parse(value.bytes());
    return number.ok() && *number >= first && *number < end;
  }
};

// The key attributes of `item`, bytes included, as the only item of `batch`.
void keep_key(const Table& table, ddb::ItemView item, ddb::ItemBatch& batch) {
  batch.reset();
  ddb::ItemBuilder build(batch.nodes());
  uint32_t root = build.open(ddb::Type::kM), count = 0;
  for (const model::KeyAttribute* attribute : {&table.partition(), table.sort()}) {
    if (!attribute) continue;
    std::string_view bytes = item.find(attribute->name).bytes();
    build.scalar(attribute->type, {batch.arena.copy(bytes), bytes.size()},
                 {batch.arena.copy(attribute->name), attribute->name.size()});
    ++count;
  }
  build.close(root, count);
  batch.add_root(root, 0);
}

}  // namespace

uint64_t Expiry::sweep(std::stop_token stop) {
  deleted_ = 0;
  Status status = sweep_all(stop);
  if (!status.ok() && options_.log)
    options_.log(std::move(status).error().with_context("deleting expired items"));
  return deleted_;
}

Status Expiry::sweep_all(std::stop_token stop) {
  auto tables = TRY(catalog_.all());
  Status first;
  for (const auto& [name, table] : *tables) {
    if (stop.stop_requested()) return {};
    if (table->expires_by.empty()) continue;
    Status status = sweep_table(table, stop);
    if (!status.ok() && first.ok()) first = std::move(status);
  }
  return first;
}

Status Expiry::sweep_table(TableRef table, std::stop_token stop) {
  if (!session_) {
    session_ = TRY(store_.session());
    Status origin = session_->set_origin(target::kExpiryOrigin);
    if (!origin.ok() && origin.error().kind() != ErrorKind::kUnsupported)
      return std::move(origin).error();
  }
  for (bool first = true; !stop.stop_requested(); first = false) {
    auto begun = options_.clock->now();
    target::PageRequest request{.table = &table->served};
    request.items_max = kPageItems;
    request.bytes_max = kPageBytes;
    if (!first) request.after = last_.item(0);
    TRY(session_->read(request, page_));
    // Another process may have switched it off, or dropped the table and made it again: asked of
    // the database behind each read, so that nothing is deleted that was written since.
    auto tables = TRY(catalog_.all());
    auto now = tables->find(table->served.name);
    if (now == tables->end() || now->second->served.id != table->served.id ||
        now->second->expires_by != table->expires_by)
      return {};
    table = now->second;
    TRY(delete_expired(*table, page_.items));
    if (!page_.more || page_.items.size() == 0) return {};
    keep_key(*table, page_.items.item(page_.items.size() - 1), last_);
    if (!options_.clock->sleep((options_.clock->now() - begun) * kRestPerWork, stop)) return {};
  }
  return {};
}

Status Expiry::delete_expired(const Table& table, const ddb::ItemBatch& items) {
  const Expired expired = TRY(Expired::at(io::wall_ms(*options_.clock) / 1000));
  std::vector<target::ItemRef> refs;
  auto flush = [&]() -> Status {
    if (refs.empty()) return {};
    uint64_t deleted = 0;
    Status status = session_->write(
        refs,
        [&](std::span<const ddb::ItemView> old, std::span<target::Decision> decisions) -> Status {
          deleted = 0;
          for (size_t i = 0; i < old.size(); ++i) {
            if (!old[i] || !expired.has(old[i], table.expires_by)) continue;
            decisions[i].kind = target::Decision::Kind::kDelete;
            ++deleted;
          }
          return {};
        });
    refs.clear();
    // Somebody writes the same items: the next pass sees what they have become.
    if (!status.ok() && status.error().code() == "store.conflict") return {};
    TRY(std::move(status));
    deleted_ += deleted;
    return {};
  };
  for (size_t i = 0; i < items.size(); ++i) {
    if (!expired.has(items.item(i), table.expires_by)) continue;
    refs.push_back({&table.served, items.item(i)});
    if (refs.size() == kDeletesPerWrite) TRY(flush());
  }
  return flush();
}

}  // namespace offramp::engine
