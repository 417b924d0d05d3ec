// What the texts of log_sql.cc and log_triggers.cc are made of.
#pragma once

#include <fmt/format.h>

#include <string>

#include "target/postgres/ddl.h"
#include "target/store.h"

namespace offramp::target::postgres::log_parts {

inline const mapping::Table& parent_of(const ServedTable& served) {
  return served.mapping->tables()[0];
}
inline const mapping::Table& overflow_of(const ServedTable& served) {
  return served.mapping->tables()[served.mapping->overflow_table()];
}

// `format` of each of the columns from `first` up to `end`: {0} its quoted name, {1} its number
// from 1; the separator between them.
inline std::string each(const mapping::Table& table, uint32_t first, uint32_t end,
                        std::string_view format, std::string_view separator) {
  std::string out;
  for (uint32_t i = first; i < end; ++i) {
    if (i > first) out += separator;
    out += fmt::format(fmt::runtime(format), quote_identifier(table.columns[i].name), i + 1);
  }
  return out;
}
inline std::string each(const mapping::Table& table, std::string_view format,
                        std::string_view separator) {
  return each(table, 0, table.column_count(), format, separator);
}
inline std::string each_key(const mapping::Table& table, std::string_view format,
                            std::string_view separator) {
  return each(table, 0, table.key_columns, format, separator);
}
// Of the columns that are no key's, with a comma in front of each.
inline std::string each_other(const mapping::Table& table, const std::string& format) {
  return each(table, table.key_columns, table.column_count(), ", " + format, "");
}

// The value of an attribute of the overflow table's item, which is `item`: jsonb, or NULL.
inline std::string attribute_of_item(std::string_view item, std::string_view name) {
  // A name with a NUL character anywhere makes the item an array of names in base64.
  return fmt::format(
      "CASE WHEN jsonb_typeof({item}->'$M64') = 'array' THEN (SELECT e.value->1 FROM "
      "jsonb_array_elements({item}->'$M64') e WHERE decode(e.value->>0, 'base64') = "
      "convert_to({name}, 'UTF8') LIMIT 1) ELSE {item}->{name} END",
      fmt::arg("item", item), fmt::arg("name", quote_literal(name)));
}

}  // namespace offramp::target::postgres::log_parts
