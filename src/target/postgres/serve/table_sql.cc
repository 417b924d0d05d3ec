#include "target/postgres/serve/table_sql.h"

#include <fmt/format.h>

#include "target/postgres/ddl.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using mapping::Table;
using model::ColumnType;

namespace {

// "\"a\" = $1 AND …" of the first `columns` columns.
std::string key_equals(const Table& table, uint32_t columns, uint32_t first = 1) {
  std::string out;
  for (uint32_t i = 0; i < columns; ++i)
    out += fmt::format("{}t.{} = ${}", i ? " AND " : "", quote_identifier(table.columns[i].name),
                       first + i);
  return out;
}

std::vector<Oid> oids(const Table& table, uint32_t columns) {
  std::vector<Oid> out;
  for (uint32_t i = 0; i < columns; ++i) out.push_back(column_oid(table.columns[i].type));
  return out;
}

std::vector<Oid> oids(const Table& table, uint32_t columns, Oid last) {
  std::vector<Oid> out = oids(table, columns);
  out.push_back(last);
  return out;
}

std::string set_list(const Table& table, std::string_view from) {
  std::string out;
  for (uint32_t i = table.key_columns; i < table.column_count(); ++i) {
    std::string name = quote_identifier(table.columns[i].name);
    out += (out.empty() ? "" : ", ") + name + " = ";
    out += from.empty() ? fmt::format("${}", i + 1) : fmt::format("{}.{}", from, name);
  }
  return out;
}

std::string upsert_sql(const TableNames& names) {
  const Table& table = *names.table;
  return fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}",
                     names.name(), column_list(table, table.column_count()),
                     parameter_list(1, table.column_count()), column_list(table, table.key_columns),
                     set_list(table, "EXCLUDED"));
}

// What takes the item of the key out of the overflow table, in front of another statement.
std::string without_overflow(const TableNames* overflow, uint32_t parameter) {
  if (!overflow) return {};
  return fmt::format("WITH o AS (DELETE FROM {} WHERE key_hash = ${}) ", overflow->name(),
                     parameter);
}

}  // namespace

std::string TableNames::name() const { return qualified(schema, table->name); }

Oid column_oid(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return kTextOid;
    case ColumnType::kBigint:
      return kInt8Oid;
    case ColumnType::kNumeric:
      return kNumericOid;
    case ColumnType::kDouble:
      return 701;
    case ColumnType::kBoolean:
      return kBoolOid;
    case ColumnType::kBytea:
      return kByteaOid;
    case ColumnType::kTimestamptz:
      return 1184;
    case ColumnType::kDate:
      return 1082;
    case ColumnType::kUuid:
      return 2950;
    case ColumnType::kJsonb:
    case ColumnType::kAttribute:
      return kJsonbOid;
    case ColumnType::kTextArray:
      return 1009;
    case ColumnType::kNumericArray:
      return 1231;
    case ColumnType::kByteaArray:
      return 1001;
  }
  return kTextOid;
}

std::string parameter_list(uint32_t first, uint32_t count) {
  std::string out;
  for (uint32_t i = 0; i < count; ++i) out += fmt::format("{}${}", i ? ", " : "", first + i);
  return out;
}

Statement find_statement(const TableNames& parent, Find find) {
  const Table& table = *parent.table;
  return {.sql = fmt::format("SELECT {} FROM {} t WHERE {}{}",
                             column_list(table, table.column_count(), "t."), parent.name(),
                             key_equals(table, table.key_columns),
                             find == Find::kLock ? " FOR UPDATE" : ""),
          .types = oids(table, table.key_columns),
          .doing = "read an item"};
}

Statement find_children_statement(const TableNames& child, Find find) {
  const Table& table = *child.table;
  uint32_t keys = table.key_columns - 1;
  return {.sql = fmt::format("SELECT {} FROM {} t WHERE {} ORDER BY t.{}{}",
                             column_list(table, table.column_count(), "t."), child.name(),
                             key_equals(table, keys), quote_identifier(table.columns[keys].name),
                             find == Find::kLock ? " FOR UPDATE" : ""),
          .types = oids(table, keys),
          .doing = "read an item's list"};
}

Statement insert_statement(const TableNames& names) {
  const Table& table = *names.table;
  return {.sql = fmt::format("INSERT INTO {} ({}) VALUES ({})", names.name(),
                             column_list(table, table.column_count()),
                             parameter_list(1, table.column_count())),
          .types = oids(table, table.column_count()),
          .doing = "insert an item"};
}

Statement upsert_statement(const TableNames& names) {
  return {.sql = upsert_sql(names),
          .types = oids(*names.table, names.table->column_count()),
          .doing = "write an item"};
}

Statement remove_statement(const TableNames& names) {
  const Table& table = *names.table;
  return {.sql = fmt::format("DELETE FROM {} t WHERE {}", names.name(),
                             key_equals(table, table.key_columns)),
          .types = oids(table, table.key_columns),
          .doing = "delete an item"};
}

Statement remove_children_statement(const TableNames& child) {
  const Table& table = *child.table;
  uint32_t keys = table.key_columns - 1;
  return {.sql = fmt::format("DELETE FROM {} t WHERE {} AND t.{} >= ${}", child.name(),
                             key_equals(table, keys), quote_identifier(table.columns[keys].name),
                             keys + 1),
          .types = oids(table, keys, kInt8Oid),
          .doing = "shorten an item's list"};
}

Statement find_simple_statement(const TableNames& parent, const TableNames* overflow,
                                Version version) {
  const Table& table = *parent.table;
  bool with = version == Version::kWith;
  std::string sql =
      fmt::format("SELECT {}{} FROM {} t WHERE {}", column_list(table, table.column_count(), "t."),
                  with ? ", t.xmin" : "", parent.name(), key_equals(table, table.key_columns));
  if (overflow) {
    std::string nulls;
    for (uint32_t i = 0; i + 1 < table.column_count(); ++i)
      nulls += fmt::format("NULL::{}, ", catalog_type_name(table.columns[i].type));
    sql += fmt::format(" UNION ALL SELECT {}o.item{} FROM {} o WHERE o.key_hash = ${} LIMIT 1",
                       nulls, with ? ", NULL::xid" : "", overflow->name(), table.key_columns + 1);
  }
  return {.sql = std::move(sql),
          .types = oids(table, table.key_columns, kByteaOid),
          .doing = "read an item"};
}

Statement put_simple_statement(const TableNames& parent, const TableNames* overflow) {
  return {.sql = without_overflow(overflow, parent.table->column_count() + 1) + upsert_sql(parent),
          .types = oids(*parent.table, parent.table->column_count(), kByteaOid),
          .doing = "write an item"};
}

Statement remove_simple_statement(const TableNames& parent, const TableNames* overflow) {
  const Table& table = *parent.table;
  return {.sql = without_overflow(overflow, table.key_columns + 1) +
                 fmt::format("DELETE FROM {} t WHERE {}", parent.name(),
                             key_equals(table, table.key_columns)),
          .types = oids(table, table.key_columns, kByteaOid),
          .doing = "delete an item"};
}

Statement insert_absent_statement(const TableNames& parent, const TableNames& overflow) {
  const Table& table = *parent.table;
  return {.sql = fmt::format("INSERT INTO {} ({}) SELECT {} WHERE NOT EXISTS (SELECT 1 FROM {} o "
                             "WHERE o.key_hash = ${}) ON CONFLICT ({}) DO NOTHING",
                             parent.name(), column_list(table, table.column_count()),
                             parameter_list(1, table.column_count()), overflow.name(),
                             table.column_count() + 1, column_list(table, table.key_columns)),
          .types = oids(table, table.column_count(), kByteaOid),
          .doing = "insert an item"};
}

Statement update_same_statement(const TableNames& parent) {
  const Table& table = *parent.table;
  return {.sql = fmt::format("UPDATE {} t SET {} WHERE {} AND t.xmin = ${}", parent.name(),
                             set_list(table, ""), key_equals(table, table.key_columns),
                             table.column_count() + 1),
          .types = oids(table, table.column_count(), kXidOid),
          .doing = "update an item"};
}

Statement remove_same_statement(const TableNames& parent) {
  const Table& table = *parent.table;
  return {.sql = fmt::format("DELETE FROM {} t WHERE {} AND t.xmin = ${}", parent.name(),
                             key_equals(table, table.key_columns), table.key_columns + 1),
          .types = oids(table, table.key_columns, kXidOid),
          .doing = "delete an item"};
}

Statement lock_table_statement(const TableNames& parent, TableLock lock) {
  return {.sql = fmt::format("LOCK TABLE ONLY {} IN {} MODE", parent.name(),
                             lock == TableLock::kShared ? "ROW EXCLUSIVE" : "SHARE ROW EXCLUSIVE"),
          .doing = "lock the table"};
}

}  // namespace offramp::target::postgres
