// Table: what the engine knows of one table: how it is served, and what DescribeTable answers.
//
// The catalog's entry is JSON in the words of CreateTable, with a version; table_entry() writes it,
// read_table() reads it and a CreateTable request alike. Of a plan's table the entry has the
// settings; its mapping, key and indexes are the plan's, so it can be served only by whoever has
// the plan. Constant once made, shared by threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/json.h"
#include "model/table_spec.h"
#include "target/store.h"

namespace offramp::engine {

struct Throughput {
  int64_t read = 0, write = 0;
};

// What an index has beside its keys; the rest is in Table::served.
struct IndexInfo {
  using Projection = model::SecondaryIndex::Projection;
  // Those that CreateTable made are active from the start. See index_builds.h.
  enum class State { kActive, kCreating, kBackfilling, kDeleting };
  Projection projection = Projection::kAll;
  std::vector<std::string> included;  // kInclude
  Throughput throughput;
  Throughput on_demand_max;  // 0: not set; -1: no limit
  State state = State::kActive;
  int64_t since_ms = 0;  // not kActive: when the state began
};

// The newest stream; the streams themselves are in the store's logs (engine/stream.h).
struct TableStream {
  bool on = false;
  std::string view;   // "NEW_IMAGE", while it is on
  std::string label;  // stays when it is switched off; empty: there never was one
};

struct Table {
  target::ServedTable served;
  std::vector<IndexInfo> indexes;               // as served.indexes
  std::vector<model::KeyAttribute> attributes;  // AttributeDefinitions, in the order given
  bool on_demand = false;
  Throughput throughput, on_demand_max;
  bool deletion_protection = false;
  std::string table_class;         // empty: not given
  int64_t created_ms = 0;          // since 1970
  int64_t on_demand_since_ms = 0;  // when billing became PAY_PER_REQUEST
  std::vector<std::pair<std::string, std::string>> tags;
  TableStream stream;
  std::string expires_by;  // the attribute of time to live; empty: switched off
  // As in the store's catalog; empty for a plan's table whose settings were never changed.
  std::string entry;

  const model::KeyAttribute& partition() const { return served.key.partition; }
  const model::KeyAttribute* sort() const { return served.key.sort ? &*served.key.sort : nullptr; }
  bool is_key(std::string_view attribute) const {
    return partition().name == attribute || (sort() && sort()->name == attribute);
  }
  // The index's number in served.indexes and indexes, or -1.
  int find_index(std::string_view name) const;
  // Of its newest stream, see Stream::path().
  std::string stream_path() const { return served.name + "/stream/" + stream.label; }
  bool has_local_index() const;
};
using TableRef = std::shared_ptr<const Table>;

// Stored: a change of meaning needs another number. 2: columns are those of `Layout`, see
// ServedTable::layout.
constexpr int kTableEntryVersion = 1, kLayoutEntryVersion = 2;

// Members of CreateTable (its checks have passed) or of a catalog's entry. The mapping is not made
// yet.
Result<Table> read_table(Json json);
std::vector<model::KeyAttribute> read_attributes(Json definitions);
// Appends a global index as CreateTable has it; its attributes are in table.attributes.
void add_index(Json json, Table& table);
// The catalog's entry.
std::string table_entry(const Table& table);
// The tables of plans that this process serves, by name, as the plans have them.
using PlanTables = std::map<std::string, TableRef, std::less<>>;

// Made of a store's catalog entry, mapping included; of a table of a plan that is not among `plans`
// there is none.
Result<TableRef> load_table(const target::CatalogEntry& entry, const mapping::Limits& limits,
                            const PlanTables& plans);

struct Arns {
  std::string region, account;
  std::string table(std::string_view name) const;
};
struct Description {
  std::string_view status = "ACTIVE";
  target::TableSize size;
  const Arns& arns;
};
// A TableDescription, braces included.
void append_table_description(const Table& table, const Description& description, std::string& out);

}  // namespace offramp::engine
