#include "engine/table_changes.h"

#include "engine/constraints.h"
#include "engine/error.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

// How often a change of an entry is tried again because another process changed it in between.
constexpr int kEntryTriesMax = 5;

// Another process may have done it, or another table may have the name.
Status adopt(target::Store& store, Catalog& catalog, const Table& table) {
  Status adopted = store.adopt(table.served, table_entry(table));
  if (!adopted.ok() && adopted.error().code() == "store.no_plan_entries")
    return validation("Table " + table.served.name +
                      " was loaded by a plan; this endpoint's database cannot keep settings of it");
  if (!adopted.ok() && adopted.error().code() != "store.table_exists") return adopted;
  return catalog.refresh();
}

}  // namespace

Result<TableRef> existing_table(Context& context) {
  std::string_view name = context.request["TableName"].text();
  TableRef table = TRY(context.catalog.find(name));
  if (!table) return table_not_found(table_of(name));
  return table;
}

Result<TableRef> named_table(Context& context) {
  Constraints constraints;
  TRY(constraints.table_name(context.request.root()));
  TRY(constraints.done());
  return existing_table(context);
}

Result<TableRef> change_table(
    target::Store& store, Catalog& catalog, const std::function<Result<TableRef>()>& find,
    const std::function<Status(Table& table)>& change,
    const std::function<Status(const Table& old, const Table& table)>& store_entry) {
  for (int tries = 1;; ++tries) {
    TableRef old = TRY(find());
    if (old->entry.empty()) {
      TRY(adopt(store, catalog, *old));
      old = TRY(find());
      if (old->entry.empty())
        return validation("Table " + old->served.name +
                          " was loaded by a plan, and the database has another one of that name; "
                          "delete that one before this one's settings are changed");
    }
    auto table = std::make_shared<Table>(*old);
    TRY(change(*table));
    table->entry = table_entry(*table);
    if (table->entry == old->entry) return TableRef(std::move(table));
    Status status = store_entry(*old, *table);
    TRY(catalog.refresh());
    if (status.ok()) return TableRef(std::move(table));
    if (status.error().code() != "store.catalog_changed") return std::move(status).error();
    if (tries == kEntryTriesMax)
      return service_error("ResourceInUseException",
                           "Attempt to change a resource which is still in use: Table is "
                           "being updated: " +
                               table->served.name);
  }
}

Result<TableRef> change_table(target::Store& store, Catalog& catalog,
                              const std::function<Result<TableRef>()>& find,
                              const std::function<Status(Table& table)>& change) {
  return change_table(store, catalog, find, change, [&](const Table& old, const Table& table) {
    return store.update_entry(table.served.name, old.entry, table.entry);
  });
}

}  // namespace offramp::engine
