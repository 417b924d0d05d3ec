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
inline uint32_t count(const mapping::Table& table) {
  return static_cast<uint32_t>(table.columns.size());
}

// `format` of every column of the first `columns`: {0} its quoted name, {1} its number from 1.
inline std::string each(const mapping::Table& table, uint32_t columns, std::string_view format,
                        std::string_view separator) {
  std::string out;
  for (uint32_t i = 0; i < columns; ++i) {
    if (i > 0) out += separator;
    out += fmt::format(fmt::runtime(format), quote_identifier(table.columns[i].name), i + 1);
  }
  return out;
}

}  // namespace offramp::target::postgres::log_parts
