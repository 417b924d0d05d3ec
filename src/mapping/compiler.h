// Compiler: the plan's tables → CompiledMapping::Impl, or all of the plan's mistakes at once.
//
// compiler.cc walks the plan; compile_key.cc does the key of a table; compile_names.cc checks what
// only the finished list of tables can tell (names, sizes, indexes). Used once, by
// CompiledMapping::compile.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mapping/mistakes.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

class Compiler {
 public:
  Compiler(const model::MappingSpec& spec, const model::KeySchema& key, const Limits& limits,
           std::string_view overflow_of)
      : spec_(spec),
        limits_(limits),
        overflow_of_(overflow_of),
        impl_(std::make_unique<CompiledMapping::Impl>()) {
    impl_->key = key;
    impl_->limits = limits;
  }

  Result<std::unique_ptr<CompiledMapping::Impl>> run();

 private:
  // compiler.cc
  void compile_table(uint32_t number);
  void compile_columns(const std::vector<model::ColumnSpec>& columns, Table& table, RowShape& row);
  void compile_children(const model::TableMapping& mapping, Table& parent, TableShape& shape,
                        std::vector<Table>& children);
  void compile_drops(const model::TableMapping& mapping, RowShape& row);
  void check_column(const model::ColumnSpec& column);
  void finish_row(Table& table, RowShape& row, const std::string& extra);
  void check_reachable();
  bool takes_every_item(const TableShape& shape) const;
  Conversion conversion(const Column& column) const {
    return {column.type, column.time_format, limits_.text_allows_nul};
  }

  // compile_key.cc
  struct Placeholder {
    std::string name;
    const model::KeyAttribute* attribute;
    bool whole;
    model::SourceLocation at;
  };
  void compile_key(const model::TableMapping& mapping, Table& table, TableShape& shape);
  std::vector<KeyTemplate> key_templates(const model::TableMapping& mapping,
                                         std::vector<model::SourceLocation>& at);
  void add_key_attribute(const KeyTemplate& pattern, const model::KeyAttribute& attribute,
                         const model::SourceLocation& at, Table& table, TableShape& shape,
                         std::vector<Placeholder>& placeholders);
  void type_key_columns(const model::TableMapping& mapping, Table& table, TableShape& shape,
                        const std::vector<Placeholder>& placeholders);
  std::vector<const model::KeyAttribute*> key_attributes() const;

  // compile_names.cc
  void check_table_names();
  void check_columns();
  void compile_indexes();
  void add_overflow();
  bool check_identifier(const std::string& name, std::string_view what,
                        const model::SourceLocation& at);
  std::string index_name(const Table& table, const std::vector<std::string>& columns);

  model::SourceLocation place_of(const Table& table) const;

  const model::MappingSpec& spec_;
  const Limits& limits_;
  const std::string overflow_of_;
  std::unique_ptr<CompiledMapping::Impl> impl_;
  Mistakes mistakes_;
  std::set<std::string> relation_names_;  // tables and indexes, case folded
};

}  // namespace offramp::mapping
