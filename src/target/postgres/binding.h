// Binding: what every part of the target must know: where, which mapping, which migration. Constant
// once made.
#pragma once

#include <memory>
#include <string>

#include "mapping/compiled_mapping.h"
#include "target/postgres/ddl.h"

namespace offramp::target::postgres {

struct Binding {
  std::string url;
  std::string schema;  // where the tables are: the connection's current_schema()
  std::shared_ptr<const mapping::CompiledMapping> mapping;
  std::string migration;

  const std::vector<mapping::Table>& tables() const { return mapping->tables(); }
  std::string name(const mapping::Table& table) const { return qualified(schema, table.name); }
};

}  // namespace offramp::target::postgres
