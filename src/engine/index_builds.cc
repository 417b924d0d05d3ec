#include "engine/index_builds.h"

#include <algorithm>

#include "engine/table_changes.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

using State = IndexInfo::State;
constexpr std::chrono::seconds kRestAfterError{10};

// The same index of the table as it is now, in this state; nothing when it is another one's turn.
std::optional<size_t> same(const Table& then, size_t index, State state, const Table& now) {
  const target::ServedIndex& wanted = then.served.indexes[index];
  int found = now.served.id == then.served.id ? now.find_index(wanted.name) : -1;
  if (found < 0) return std::nullopt;
  size_t at = static_cast<size_t>(found);
  if (now.served.indexes[at].into != wanted.into || now.indexes[at].state != state)
    return std::nullopt;
  return at;
}

// Attributes that no key uses any more are not described.
void prune(Table& table) {
  std::erase_if(table.attributes, [&](const model::KeyAttribute& attribute) {
    auto is = [&](const model::KeyAttribute& other) { return other.name == attribute.name; };
    if (table.is_key(attribute.name)) return false;
    return std::none_of(table.served.indexes.begin(), table.served.indexes.end(),
                        [&](const target::ServedIndex& index) {
                          return std::any_of(index.partition.begin(), index.partition.end(), is) ||
                                 std::any_of(index.sort.begin(), index.sort.end(), is);
                        });
  });
}

}  // namespace

void IndexBuilds::sweep(std::stop_token stop) {
  auto failed = [&](Error error, const std::string& doing) {
    if (options_.log && error.kind() != ErrorKind::kCancelled)
      options_.log(std::move(error).with_context(doing));
  };
  auto tables = catalog_.all();
  if (!tables.ok()) return failed(std::move(tables).error(), "looking for indexes to be made");
  for (const auto& [name, table] : **tables) {
    if (!table->served.made_here) continue;
    for (size_t i = 0; i < table->indexes.size(); ++i) {
      if (stop.stop_requested()) return;
      if (table->indexes[i].state == State::kActive) continue;
      std::string key = table->served.id + "/" + table->served.indexes[i].name;
      auto rest = rests_until_.find(key);
      if (rest != rests_until_.end() && options_.clock->now() < rest->second) continue;
      rests_until_.erase(key);
      Status status = step(*table, i, stop);
      if (status.ok()) continue;
      rests_until_[key] = options_.clock->now() + kRestAfterError;
      failed(std::move(status).error(), "index " + table->served.indexes[i].name + " of " + name);
    }
  }
}

Status IndexBuilds::step(const Table& table, size_t index, std::stop_token stop) {
  if (table.indexes[index].state == State::kDeleting) return remove(table, index);
  return create(table, index, std::move(stop));
}

Status IndexBuilds::advance(const Table& table, size_t index, State from, State to) {
  auto find = [&]() -> Result<TableRef> {
    TRY(catalog_.refresh());
    TableRef now = TRY(catalog_.find(table.served.name));
    if (!now) return Error(ErrorKind::kConfig, "store.no_table", "the table was dropped");
    return now;
  };
  auto changed = change_table(store_, catalog_, find, [&](Table& now) -> Status {
    std::optional<size_t> at = same(table, index, from, now);
    if (!at) return {};
    if (from != State::kDeleting) {
      now.indexes[*at].state = to;
      now.indexes[*at].since_ms = io::wall_ms(*options_.clock);
      return {};
    }
    now.indexes.erase(now.indexes.begin() + static_cast<long>(*at));
    now.served.indexes.erase(now.served.indexes.begin() + static_cast<long>(*at));
    prune(now);
    return {};
  });
  if (!changed.ok() && changed.error().code() == "store.no_table") return {};
  return changed.ok() ? Status() : Status(std::move(changed).error());
}

Status IndexBuilds::create(const Table& table, size_t index, std::stop_token stop) {
  if (table.indexes[index].state == State::kCreating)
    TRY(advance(table, index, State::kCreating, State::kBackfilling));
  if (!TRY(store_.build_index(table.served, index, std::move(stop)))) return {};
  return advance(table, index, State::kBackfilling, State::kActive);
}

Status IndexBuilds::remove(const Table& table, size_t index) {
  int64_t since = io::wall_ms(*options_.clock) - table.indexes[index].since_ms;
  if (since >= 0 && since < kIndexRemovedAfterMs) return {};
  if (!TRY(store_.remove_index(table.served, index))) return {};
  return advance(table, index, State::kDeleting, State::kActive);
}

}  // namespace offramp::engine
