#include "target/postgres/serve/read_sql.h"

#include <fmt/format.h>

#include "target/postgres/ddl.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

using ddb::Type;

Oid attribute_oid(Type type) {
  return type == Type::kS ? kTextOid : type == Type::kN ? kNumericOid : kByteaOid;
}

// The hash that cuts a scan into segments.
std::string hash_sql(const std::string& value, Type type) {
  switch (type) {
    case Type::kS:
      return fmt::format("hashtextextended({}, 0)", value);
    case Type::kN:
      return fmt::format("hash_numeric_extended({}, 0)", value);
    default:
      return fmt::format("hashtextextended(encode({}, 'hex') COLLATE \"C\", 0)", value);
  }
}

class Builder {
 public:
  Builder(const AccessPath& path, const ReadShape& shape, const TableNames& names)
      : path_(path), shape_(shape), parent_(path.parents[shape.parent]), names_(names) {}

  // SELECT `columns` of the parent's rows.
  std::string select(const std::string& columns) {
    conditions();
    std::string sql = fmt::format("SELECT {} FROM {} t", columns, names_.name());
    for (size_t i = 0; i < conditions_.size(); ++i)
      sql += (i ? " AND " : " WHERE ") + conditions_[i];
    return sql + " ORDER BY " + order() + " LIMIT " + parameter(kInt8Oid);
  }
  std::vector<Oid> types() { return std::move(types_); }

 private:
  std::string parameter(Oid type) {
    types_.push_back(type);
    return fmt::format("${}", types_.size());
  }
  const AttributeSql& attribute(size_t i) const { return *parent_.sql[i]; }
  std::string value_of(size_t i) { return parameter(attribute_oid(path_.attributes[i].type)); }

  void conditions() {
    if (shape_.kind == ReadKind::kHidden) {
      conditions_.push_back("(" + parent_.hidden + ")");
    } else {
      partition();
      if (shape_.kind == ReadKind::kOrdered) sort_key();
    }
    if (shape_.segmented) segment();
    if (shape_.continued) {
      std::string values;
      for (uint32_t i = 0; i < names_.table->key_columns; ++i)
        values += (i ? ", " : "") + parameter(column_oid(names_.table->columns[i].type));
      conditions_.push_back(fmt::format("({}) > ({})", key_columns(), values));
    }
  }
  std::string key_columns() const {
    return column_list(*names_.table, names_.table->key_columns, "t.");
  }

  void partition() {
    if (!shape_.query) return;
    if (!path_.index) {
      for (uint32_t i = 0; i < parent_.partition_columns; ++i) {
        const mapping::Column& column = names_.table->columns[i];
        conditions_.push_back(fmt::format("t.{} = {}", quote_identifier(column.name),
                                          parameter(column_oid(column.type))));
      }
      return;
    }
    for (size_t i = 0; i < path_.partition_count; ++i)
      if (parent_.sql[i]) conditions_.push_back(attribute(i).sql + " = " + value_of(i));
  }

  void sort_key() {
    size_t first = path_.partition_count;
    for (size_t i = 0; i < shape_.equals; ++i)
      conditions_.push_back(attribute(first + i).sql + " = " + value_of(first + i));
    size_t bounded = first + shape_.equals;
    if (shape_.lower != Compare::kNone)
      conditions_.push_back(attribute(bounded).sql +
                            (shape_.lower == Compare::kStrict ? " > " : " >= ") +
                            value_of(bounded));
    if (shape_.upper != Compare::kNone)
      conditions_.push_back(attribute(bounded).sql +
                            (shape_.upper == Compare::kStrict ? " < " : " <= ") +
                            value_of(bounded));
    if (shape_.after > 0) after();
    if (!path_.index) return;
    // As the sparse index says it, so that the planner sees that it is complete.
    for (size_t i = 0; i < first + path_.sort_count; ++i)
      if (!attribute(i).never_null) conditions_.push_back(attribute(i).sql + " IS NOT NULL");
    if (!parent_.hidden.empty()) conditions_.push_back("(" + parent_.hidden + ") IS NOT TRUE");
  }

  void after() {
    const std::vector<uint32_t>& order = path_.order_of(shape_.query);
    std::string left, right;
    for (size_t i = 0; i < shape_.after; ++i) {
      left += (i ? ", " : "") + attribute(order[i]).sql;
      right += (i ? ", " : "") + value_of(order[i]);
    }
    std::string compare = shape_.forward ? ">" : "<";
    if (shape_.after_compare == Compare::kInclusive) compare += "=";
    conditions_.push_back(fmt::format("({}) {} ({})", left, compare, right));
  }

  void segment() {
    std::string hash;
    for (size_t i = 0; i < path_.partition_count; ++i)
      hash += (i ? " # " : "") + hash_sql(attribute(i).sql, path_.attributes[i].type);
    std::string segments = parameter(kInt8Oid), segment = parameter(kInt8Oid);
    conditions_.push_back(
        fmt::format("(({}) & 9223372036854775807) % {} = {}", hash, segments, segment));
  }

  std::string order() const {
    if (shape_.kind != ReadKind::kOrdered) return key_columns();
    std::string out;
    for (uint32_t i : path_.order_of(shape_.query))
      out += (out.empty() ? "" : ", ") + attribute(i).sql + (shape_.forward ? "" : " DESC");
    // Of a table without a sort key a partition has one row.
    return out.empty() ? "t." + quote_identifier(names_.table->columns[0].name) : out;
  }

  const AccessPath& path_;
  const ReadShape& shape_;
  const AccessPath::Parent& parent_;
  const TableNames& names_;
  std::vector<std::string> conditions_;
  std::vector<Oid> types_;
};

}  // namespace

uint64_t ReadShape::packed() const {
  uint64_t out = path;
  auto put = [&](uint64_t value, int bits) { out = out << bits | value; };
  put(parent, 8);
  put(child, 8);
  put(static_cast<uint64_t>(kind), 2);
  put(query, 1);
  put(equals, 3);
  put(static_cast<uint64_t>(lower), 2);
  put(static_cast<uint64_t>(upper), 2);
  put(after, 4);
  put(static_cast<uint64_t>(after_compare), 2);
  put(forward, 1);
  put(segmented, 1);
  put(continued, 1);
  put(probe, 1);
  return out;
}

Statement read_statement(const AccessPath& path, const ReadShape& shape, const TableNames& parent,
                         const TableNames* child, const TableNames& overflow) {
  Builder builder(path, shape, parent);
  const mapping::Table& table = *parent.table;
  uint32_t columns = table.column_count();
  Statement out{.doing = "read a page"};
  if (child) {
    const mapping::Table& rows = *child->table;
    std::string on;
    for (uint32_t i = 0; i < table.key_columns; ++i) {
      std::string name = quote_identifier(table.columns[i].name);
      on += fmt::format("{}c.{} = p.{}", i ? " AND " : "", quote_identifier(rows.columns[i].name),
                        name);
    }
    out.sql = fmt::format(
        "SELECT p.offramp_row, {} FROM (SELECT s.*, row_number() OVER () AS offramp_row FROM ({}) "
        "s) p JOIN {} c ON "
        "{} ORDER BY p.offramp_row, c.{}",
        column_list(rows, rows.column_count(), "c."),
        builder.select(column_list(table, table.key_columns, "t.")), child->name(), on,
        quote_identifier(rows.columns[rows.key_columns - 1].name));
  } else {
    out.sql = builder.select(column_list(table, columns, "t."));
    if (shape.probe) {
      std::string nulls;
      for (uint32_t i = 0; i < columns; ++i)
        nulls += fmt::format("{}NULL::{}", i ? ", " : "", catalog_type_name(table.columns[i].type));
      out.sql = fmt::format("({}) UNION ALL (SELECT {} FROM {} LIMIT 1)", out.sql, nulls,
                            overflow.name());
    }
  }
  out.types = builder.types();
  return out;
}

Statement read_overflow_statement(const TableNames& overflow,
                                  const std::string* partition_attribute) {
  Statement out{.doing = "read a page"};
  std::string filter;
  if (partition_attribute) {
    // Items with a NUL in a name have another form (mapping/extra.h).
    filter = fmt::format("(t.item->{} = $1 OR jsonb_typeof(t.item->'$M64') = 'array') AND ",
                         quote_literal(*partition_attribute));
    out.types.push_back(kJsonbOid);
  }
  size_t next = out.types.size() + 1;
  out.sql = fmt::format(
      "SELECT t.key_hash, t.reason, t.item FROM {} t WHERE {}t.key_hash > ${} ORDER BY t.key_hash "
      "LIMIT ${}",
      overflow.name(), filter, next, next + 1);
  out.types.push_back(kByteaOid);
  out.types.push_back(kInt8Oid);
  return out;
}

}  // namespace offramp::target::postgres
