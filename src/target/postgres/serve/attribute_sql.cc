#include "target/postgres/serve/attribute_sql.h"

#include <fmt/format.h>

#include "mapping/row_shape.h"
#include "mapping/time_text.h"
#include "target/postgres/ddl.h"

namespace offramp::target::postgres {
namespace {

using ddb::Type;
using mapping::Column;
using mapping::PathNode;
using mapping::TableShape;
using model::ColumnType;
using model::TimeFormat;

std::string column_sql(const Column& column, std::string_view alias) {
  return std::string(alias) + quote_identifier(column.name);
}

const TableShape& shape_of(const mapping::CompiledMapping& mapping, uint32_t table) {
  return mapping.impl().shapes[static_cast<size_t>(mapping.impl().shape_of_table[table])];
}

std::string date_sql(const std::string& date) {
  return fmt::format(
      "(lpad(date_part('year', {0})::int::text, 4, '0') || '-' || "
      "lpad(date_part('month', {0})::int::text, 2, '0') || '-' || "
      "lpad(date_part('day', {0})::int::text, 2, '0'))",
      date);
}

// As mapping/time_text writes it.
std::optional<std::string> time_sql(const std::string& column, TimeFormat format) {
  std::string at = "(" + column + " AT TIME ZONE 'UTC')";
  auto part = [&](const char* name) {
    return fmt::format("lpad(date_part('{}', {})::int::text, 2, '0')", name, at);
  };
  // Of the minute, whole: date_part gives a double, exact far beyond 60,000,000.
  std::string micros = fmt::format("(date_part('microseconds', {})::bigint)", at);
  std::string fraction = fmt::format("({} % 1000000)", micros);
  std::string text =
      fmt::format("({} || 'T' || {} || ':' || {} || ':' || lpad(({} / 1000000)::text, 2, '0')",
                  date_sql(at), part("hour"), part("minute"), micros);
  std::string ms = fmt::format("lpad(({} / 1000)::text, 3, '0')", fraction);
  std::string us = fmt::format("lpad({}::text, 6, '0')", fraction);
  std::string few = fmt::format(
      "CASE WHEN {0} = 0 THEN '' WHEN {0} % 1000 = 0 THEN '.' || {1} ELSE '.' || {2} END", fraction,
      ms, us);
  switch (format) {
    case TimeFormat::kIso:
      return text + " || " + few + " || 'Z')";
    case TimeFormat::kIsoOffset:
      return text + " || " + few + " || '+00:00')";
    case TimeFormat::kIsoMs:
      return text + " || '.' || " + ms + " || 'Z')";
    case TimeFormat::kIsoUs:
      return text + " || '.' || " + us + " || 'Z')";
    default:
      return std::nullopt;
  }
}

// The text of a column that holds a part of type S, or a number's text in a template.
std::optional<std::string> text_sql(const Column& column, std::string_view alias) {
  std::string name = column_sql(column, alias);
  switch (column.type) {
    case ColumnType::kText:
      return name;
    case ColumnType::kBigint:
    case ColumnType::kUuid:
      return name + "::text";
    case ColumnType::kNumeric:
      return "trim_scale(" + name + ")::text";
    case ColumnType::kDate:
      return date_sql(name);
    case ColumnType::kTimestamptz:
      return time_sql(name, column.time_format);
    default:
      return std::nullopt;
  }
}

// As the service compares the attribute.
std::optional<std::string> whole_sql(const Column& column, Type type, std::string_view alias) {
  std::string name = column_sql(column, alias);
  switch (type) {
    case Type::kS:
      if (column.type == ColumnType::kText) return name;
      if (column.type == ColumnType::kAttribute)
        return fmt::format("(({}->>'S') COLLATE \"C\")", name);
      if (column.type == ColumnType::kJsonb)
        return fmt::format(
            "((CASE jsonb_typeof({0}) WHEN 'string' THEN {0}#>>'{{}}' END) COLLATE \"C\")", name);
      if (column.type == ColumnType::kTimestamptz && mapping::is_epoch(column.time_format))
        return std::nullopt;
      if (column.type == ColumnType::kUuid || column.type == ColumnType::kDate ||
          column.type == ColumnType::kTimestamptz)
        return fmt::format("({} COLLATE \"C\")", *text_sql(column, alias));
      return std::nullopt;
    case Type::kN:
      if (column.type == ColumnType::kNumeric) return name;
      if (column.type == ColumnType::kBigint) return "(" + name + "::numeric)";
      if (column.type == ColumnType::kDouble) return "(" + name + "::text::numeric)";
      if (column.type == ColumnType::kAttribute) return fmt::format("(({}->>'N')::numeric)", name);
      if (column.type == ColumnType::kJsonb)
        return fmt::format(
            "((CASE jsonb_typeof({0}) WHEN 'number' THEN {0}#>>'{{}}' END)::numeric)", name);
      return std::nullopt;
    default:
      if (column.type == ColumnType::kBytea) return name;
      if (column.type == ColumnType::kAttribute)
        return fmt::format("decode({}->>'B', 'base64')", name);
      return std::nullopt;
  }
}

std::string extra_sql(const std::string& extra, std::string_view name, Type type) {
  std::string value = fmt::format("{}->{}", extra, quote_literal(name));
  switch (type) {
    case Type::kS:
      return fmt::format("(({}->>'S') COLLATE \"C\")", value);
    case Type::kN:
      return fmt::format("(({}->>'N')::numeric)", value);
    default:
      return fmt::format("decode({}->>'B', 'base64')", value);
  }
}

std::optional<AttributeSql> key_sql(const mapping::Table& table, const mapping::KeyPart& part,
                                    Type type, std::string_view alias) {
  const auto& literals = part.pattern.literals();
  if (part.pattern.whole()) {
    const Column& column = table.columns[part.columns[0]];
    auto sql = whole_sql(column, type, alias);
    // Text of a number, say: a column that the plan typed otherwise.
    if (!sql && type == Type::kS)
      if (auto text = text_sql(column, alias)) sql = fmt::format("({} COLLATE \"C\")", *text);
    if (!sql) return std::nullopt;
    int plain = *sql == column_sql(column, alias) ? static_cast<int>(part.columns[0]) : -1;
    return AttributeSql{.sql = std::move(*sql), .column = plain, .never_null = true};
  }
  if (part.columns.size() == 1 && literals[1].empty() &&
      table.columns[part.columns[0]].type == ColumnType::kText)
    return AttributeSql{.sql = column_sql(table.columns[part.columns[0]], alias),
                        .literal = literals[0],
                        .column = static_cast<int>(part.columns[0]),
                        .never_null = true};
  std::string sql;
  auto add = [&](const std::string& piece) { sql += (sql.empty() ? "" : " || ") + piece; };
  if (!literals[0].empty() || part.columns.empty()) add(quote_literal(literals[0]) + "::text");
  for (size_t i = 0; i < part.columns.size(); ++i) {
    auto text = text_sql(table.columns[part.columns[i]], alias);
    if (!text) return std::nullopt;
    add(*text);
    if (!literals[i + 1].empty()) add(quote_literal(literals[i + 1]) + "::text");
  }
  if (sql.find('\0') != std::string::npos) return std::nullopt;
  return AttributeSql{.sql = "((" + sql + ") COLLATE \"C\")", .never_null = true};
}

}  // namespace

std::optional<AttributeSql> attribute_sql(const mapping::CompiledMapping& mapping, uint32_t index,
                                          const model::KeyAttribute& attribute,
                                          std::string_view alias) {
  if (attribute.name.find('\0') != std::string::npos) return std::nullopt;
  const TableShape& shape = shape_of(mapping, index);
  const mapping::Table& table = mapping.tables()[index];
  int found = shape.row.root.find(attribute.name);
  AttributeSql extra{.sql = extra_sql(column_sql(table.columns[shape.row.extra_column], alias),
                                      attribute.name, attribute.type)};
  if (found < 0) return extra;
  const PathNode& place = shape.row.root.members[static_cast<size_t>(found)];
  if (place.place == PathNode::Place::kKey)
    return key_sql(table, shape.key[place.index], attribute.type, alias);
  if (place.place != PathNode::Place::kColumn) return extra;
  const Column& column = table.columns[place.index];
  auto sql = whole_sql(column, attribute.type, alias);
  if (!sql) {
    // A column of another type leaves the attribute's values in `extra`; the others hold them in a
    // form that SQL cannot write.
    bool other_type = attribute.type == Type::kB ||
                      (attribute.type == Type::kN && column.type == ColumnType::kText) ||
                      (attribute.type == Type::kS &&
                       (column.type == ColumnType::kNumeric || column.type == ColumnType::kBigint ||
                        column.type == ColumnType::kDouble || column.type == ColumnType::kBytea));
    if (!other_type) return std::nullopt;
    return extra;
  }
  // Values of these types never are in `extra`, as far as SQL can hold them.
  if (*sql == column_sql(column, alias))
    return AttributeSql{.sql = std::move(*sql), .column = static_cast<int>(place.index)};
  if (column.type == ColumnType::kAttribute) return AttributeSql{.sql = std::move(*sql)};
  return AttributeSql{.sql = fmt::format("COALESCE({}, {})", extra.sql, *sql)};
}

std::string hidden_values_sql(const mapping::CompiledMapping& mapping, uint32_t index,
                              const model::KeyAttribute& attribute, std::string_view alias) {
  const TableShape& shape = shape_of(mapping, index);
  const mapping::Table& table = mapping.tables()[index];
  int found = shape.row.root.find(attribute.name);
  const PathNode* place =
      found >= 0 ? &shape.row.root.members[static_cast<size_t>(found)] : nullptr;
  if (place && place->place == PathNode::Place::kKey) return "";
  std::string extra = column_sql(table.columns[shape.row.extra_column], alias);
  std::string sql = fmt::format("jsonb_typeof({}->'$M64') = 'array'", extra);
  if (attribute.type != Type::kS || attribute.name.find('\0') != std::string::npos) return sql;
  sql += fmt::format(" OR jsonb_exists({}->{}, '$S64')", extra, quote_literal(attribute.name));
  if (place && place->place == PathNode::Place::kColumn &&
      table.columns[place->index].type == ColumnType::kAttribute)
    sql +=
        fmt::format(" OR jsonb_exists({}, '$S64')", column_sql(table.columns[place->index], alias));
  return sql;
}

}  // namespace offramp::target::postgres
