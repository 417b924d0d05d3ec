// Each method takes the store's lock, does its work and lets go.
#include "target/memory/memory_target.h"

#include <set>

#include "ddb/wire_json.h"

namespace offramp::target::memory {

using mapping::Cell;
using Items = std::vector<std::shared_ptr<const StoredItem>>;

namespace {

class MemoryLoader : public Loader {
 public:
  MemoryLoader(std::shared_ptr<MemoryStore> store,
               std::shared_ptr<const mapping::CompiledMapping> mapping, std::string migration)
      : store_(std::move(store)),
        mapping_(std::move(mapping)),
        migration_(std::move(migration)),
        splitter_(mapping_) {}

  // The items are split once more, one at a time: with a key twice in a batch, the rows alone do
  // not tell whose the child rows are.
  Status append(std::unique_ptr<LoadBatch> batch) override {
    Items items;
    std::string why;
    for (size_t i = 0; i < batch->items.size(); ++i) {
      rows_.reset(mapping_->tables().size());
      splitter_.split(batch->items.item(i), rows_, why);
      for (auto& item : collect_items(*mapping_, rows_)) items.push_back(std::move(item));
    }
    std::lock_guard lock(store_->mutex);
    store_->loaded.insert(store_->loaded.end(), items.begin(), items.end());
    store_->positions[migration_][batch->partition] = batch->after;
    return {};
  }
  Status flush() override { return {}; }

 private:
  const std::shared_ptr<MemoryStore> store_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const std::string migration_;
  mapping::Splitter splitter_;
  mapping::RowBatch rows_;
};

// Reads the items that the store held when it was opened.
class MemoryReader : public RowReader {
 public:
  MemoryReader(Items items, std::shared_ptr<const mapping::CompiledMapping> mapping)
      : items_(std::move(items)), assembler_(std::move(mapping)) {}

  Result<bool> next(ddb::ItemBatch& batch) override {
    batch.reset();
    for (; at_ < items_.size() && batch.size() < 1024; ++at_)
      TRY(assembler_.assemble(items_[at_]->table, items_[at_]->row.data(), items_[at_]->children,
                              at_, batch));
    return batch.size() > 0;
  }

 private:
  const Items items_;
  mapping::Assembler assembler_;
  size_t at_ = 0;
};

using TableAndKey = std::pair<uint32_t, std::string>;

// The state of every key in `keys` is what `images` hold of it. Under the store's lock.
void replace_items(MemoryStore& store, const std::set<TableAndKey>& keys, const Items& images) {
  for (const TableAndKey& key : keys) store.items.erase(key);
  std::erase_if(store.loaded, [&](const auto& item) {
    return keys.contains({item->table, item->key});
  });
  for (const auto& item : images) store.items[{item->table, item->key}] = item;
}

std::set<TableAndKey> key_set(const mapping::CompiledMapping& mapping,
                              const mapping::RowBatch& keys) {
  std::set<TableAndKey> out;
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    uint32_t columns = mapping.tables()[t].key_columns;
    for (uint32_t row = 0; row < keys.tables[t].rows; ++row)
      out.insert({t, key_text(&keys.tables[t].cells[row * columns], columns)});
  }
  return out;
}

class MemoryApplier : public Applier {
 public:
  MemoryApplier(std::shared_ptr<MemoryStore> store,
                std::shared_ptr<const mapping::CompiledMapping> mapping, std::string migration,
                std::string lane)
      : store_(std::move(store)),
        mapping_(std::move(mapping)),
        migration_(std::move(migration)),
        lane_(std::move(lane)) {}

  Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
               std::string_view expected_token, const model::Position& after) override {
    Items images = collect_items(*mapping_, rows);
    std::set<TableAndKey> changed = key_set(*mapping_, keys);
    std::lock_guard lock(store_->mutex);
    auto& positions = store_->positions[migration_];
    auto stored = positions.find(lane_);
    if ((stored == positions.end() ? std::string_view() : stored->second.token) != expected_token)
      return Error(ErrorKind::kConflict, "applier.superseded",
                   "the position of lane " + lane_ +
                       " has been moved by another writer; stop the other offramp, then run the "
                       "same command again");
    replace_items(*store_, changed, images);
    positions[lane_] = after;
    return {};
  }

 private:
  const std::shared_ptr<MemoryStore> store_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const std::string migration_, lane_;
};

}  // namespace

Status MemoryTarget::prepare(std::shared_ptr<const mapping::CompiledMapping> mapping,
                             const std::string& migration, Start start) {
  std::lock_guard lock(store_->mutex);
  bool known = store_->positions.contains(migration);
  if (start == Start::kResuming && !known)
    return Error(
        ErrorKind::kGap, "memory.migration_gone",
        "there is no trace of migration " + migration + " in memory; begin a new migration");
  for (const mapping::Table& table : mapping->tables()) {
    auto found = store_->tables.find(table.name);
    if (found != store_->tables.end() && found->second != migration)
      return Error(
          ErrorKind::kConflict, "memory.table_exists",
          "table " + table.name +
              " exists and was not made by this migration; choose another name in the plan");
  }
  for (const mapping::Table& table : mapping->tables()) store_->tables[table.name] = migration;
  store_->positions[migration];
  mapping_ = std::move(mapping);
  migration_ = migration;
  return {};
}

Status MemoryTarget::attach(std::shared_ptr<const mapping::CompiledMapping> mapping,
                            const std::string& migration) {
  std::lock_guard lock(store_->mutex);
  if (!store_->positions.contains(migration))
    return Error(
        ErrorKind::kConfig, "memory.not_here",
        "memory holds no migration " + migration + "; run `offramp run` with a target that lasts");
  mapping_ = std::move(mapping);
  migration_ = migration;
  return {};
}

Result<std::map<std::string, model::Position>> MemoryTarget::positions() {
  std::lock_guard lock(store_->mutex);
  return store_->positions[migration_];
}

Result<std::unique_ptr<Loader>> MemoryTarget::loader() {
  return std::unique_ptr<Loader>(std::make_unique<MemoryLoader>(store_, mapping_, migration_));
}

Result<Target::FinishOutcome> MemoryTarget::finish_load(
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step) {
  std::lock_guard lock(store_->mutex);
  step("taking repeated keys out");
  FinishOutcome outcome;
  mapping::Assembler assembler(mapping_);
  std::map<TableAndKey, const StoredItem*> last;
  for (const auto& item : store_->loaded) last[{item->table, item->key}] = item.get();
  for (const auto& item : store_->loaded) {
    const StoredItem* stays = last[{item->table, item->key}];
    if (stays == item.get()) continue;
    ddb::ItemBatch pair;
    TRY(assembler.assemble(stays->table, stays->row.data(), stays->children, 0, pair));
    TRY(assembler.assemble(item->table, item->row.data(), item->children, 1, pair));
    if (ddb::equal(pair.item(0), pair.item(1))) {
      ++outcome.identical_copies_removed;
      continue;
    }
    ++outcome.duplicates;
    Duplicate out{mapping_->tables()[item->table].name, {}};
    ddb::append_item_json(pair.item(1), out.item_json);
    TRY(duplicate(out));
  }
  for (auto& item : store_->loaded) store_->items[{item->table, item->key}] = std::move(item);
  store_->loaded.clear();
  return outcome;
}

Result<std::unique_ptr<Applier>> MemoryTarget::applier(const std::string& lane) {
  return std::unique_ptr<Applier>(
      std::make_unique<MemoryApplier>(store_, mapping_, migration_, lane));
}

Status MemoryTarget::apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  Items images = collect_items(*mapping_, rows);
  std::set<TableAndKey> changed = key_set(*mapping_, keys);
  std::lock_guard lock(store_->mutex);
  replace_items(*store_, changed, images);
  return {};
}

Result<std::vector<ReadPartition>> MemoryTarget::read_partitions(int) {
  std::vector<ReadPartition> out;
  for (uint32_t t = 0; t < mapping_->tables().size(); ++t)
    if (mapping_->tables()[t].role != mapping::TableRole::kChild) out.push_back({t, ""});
  return out;
}

Result<std::unique_ptr<RowReader>> MemoryTarget::read(const ReadPartition& partition) {
  std::lock_guard lock(store_->mutex);
  Items items;
  for (const auto& item : store_->loaded)
    if (item->table == partition.table) items.push_back(item);
  for (auto at = store_->items.lower_bound({partition.table, ""});
       at != store_->items.end() && at->first.first == partition.table; ++at)
    items.push_back(at->second);
  return std::unique_ptr<RowReader>(std::make_unique<MemoryReader>(std::move(items), mapping_));
}

Status MemoryTarget::get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  std::set<TableAndKey> wanted = key_set(*mapping_, keys);
  mapping::Assembler assembler(mapping_);
  std::lock_guard lock(store_->mutex);
  auto add = [&](const StoredItem& item) {
    return assembler.assemble(item.table, item.row.data(), item.children, batch.size(), batch);
  };
  for (const auto& item : store_->loaded)
    if (wanted.contains({item->table, item->key})) TRY(add(*item));
  for (const TableAndKey& key : wanted)
    if (auto found = store_->items.find(key); found != store_->items.end())
      TRY(add(*found->second));
  return {};
}

Result<std::vector<std::pair<std::string, uint64_t>>> MemoryTarget::row_counts() {
  std::lock_guard lock(store_->mutex);
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const mapping::Table& table : mapping_->tables()) out.emplace_back(table.name, 0);
  auto count = [&](const StoredItem& item) {
    ++out[item.table].second;
    const auto& children = mapping_->tables()[item.table].children;
    for (size_t c = 0; c < children.size(); ++c) out[children[c]].second += item.children[c].rows;
  };
  for (const auto& item : store_->loaded) count(*item);
  for (const auto& [key, item] : store_->items) count(*item);
  return out;
}

}  // namespace offramp::target::memory
