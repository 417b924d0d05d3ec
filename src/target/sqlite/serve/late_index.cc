#include "target/sqlite/serve/late_index.h"

#include "mapping/row_shape.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/json_path.h"

namespace offramp::target::sqlite::serve {

using model::ColumnType;
using model::KeyAttribute;

namespace {

// Numbers of so many characters are exact as SQLite's own.
constexpr int kNumberCharactersMax = 15;
static_assert(kNumberCharactersMax == kLateNumberMax);

bool holds(ColumnType column, ddb::Type type) {
  return column == (type == ddb::Type::kS   ? ColumnType::kText
                    : type == ddb::Type::kN ? ColumnType::kNumeric
                                            : ColumnType::kBytea);
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

}  // namespace

LateIndex::LateIndex(const ServedTable& table, const ServedIndex& index)
    : rows_(table.mapping->tables()[0]), mapping_(table.mapping), into_(index.into) {
  for (const mapping::Column& column : rows_.columns)
    if (column.extra) extra_ = column.name;
  auto add = [&](const KeyAttribute& attribute) {
    for (const KeyAttribute& known : attributes_)
      if (known.name == attribute.name) return;
    attributes_.push_back(attribute);
  };
  for (const KeyAttribute& attribute : index.partition) add(attribute);
  partition_ = static_cast<uint32_t>(attributes_.size());
  for (const KeyAttribute& attribute : index.sort) add(attribute);
  add(table.key.partition);
  if (table.key.sort) add(*table.key.sort);

  const mapping::PathNode& root = mapping_->impl().shapes[0].row.root;
  keys_.resize(rows_.key_columns);
  for (const KeyAttribute& attribute : attributes_) {
    Value value{"", "", attribute.type};
    if (attribute.name == table.key.partition.name ||
        (table.key.sort && attribute.name == table.key.sort->name)) {
      // The key's columns are the first ones, a column each.
      size_t column = attribute.name == table.key.partition.name ? 0 : 1;
      value.column = rows_.columns[column].name;
      value.key = true;
      keys_[column] = values_.size();
    } else {
      int found = root.find(attribute.name);
      if (found >= 0) {
        const mapping::PathNode& place = root.members[static_cast<size_t>(found)];
        if (place.place == mapping::PathNode::Place::kColumn &&
            holds(rows_.columns[place.index].type, attribute.type))
          value.column = rows_.columns[place.index].name;
      }
      if (value.column.empty()) {
        auto path = json_path(attribute.name, attribute.type);
        if (path)
          value.extra = *path;
        else
          usable_ = false;
      }
    }
    values_.push_back(std::move(value));
  }
}

std::string LateIndex::value_sql(const Value& value, std::string_view row) const {
  std::string prefix = row.empty() ? "" : std::string(row) + ".";
  if (!value.column.empty()) {
    std::string column = prefix + quote_name(value.column);
    // No key of an index may be empty; rows from before it was added may have such a value.
    return value.key || value.type == ddb::Type::kN ? column
           : value.type == ddb::Type::kS            ? "nullif(" + column + ", '')"
                                                    : "nullif(" + column + ", x'')";
  }
  std::string text = "json_extract(" + prefix + quote_name(extra_) + ", " + value.extra + ")";
  if (value.type != ddb::Type::kN) return "nullif(" + text + ", '')";
  return "CASE WHEN length(" + text + ") <= " + std::to_string(kNumberCharactersMax) +
         " THEN CAST(" + text + " AS NUMERIC) ELSE " + text + " END";
}

std::string LateIndex::odd_of(std::string_view row) const {
  return odd_rows(row.empty() ? quote_name(extra_) : std::string(row) + "." + quote_name(extra_));
}

// The entries of the rows that `from` gives under the name `row`.
std::string LateIndex::entry_sql(std::string_view row, const std::string& from) const {
  std::vector<std::string> values{odd_of(row) + " AS odd"}, entry{"odd"}, there;
  for (size_t i = 0; i < values_.size(); ++i) {
    values.push_back(value_sql(values_[i], row) + " AS " + entry_name(i));
    entry.push_back("ifnull(" + entry_name(i) + ", '')");
    if (!values_[i].key) there.push_back(entry_name(i) + " IS NOT NULL");
  }
  std::string sql = "INSERT OR REPLACE INTO " + quote_name(into_) + " SELECT " +
                    joined(entry, ", ") + " FROM (SELECT " + joined(values, ", ") + from + ")";
  if (!there.empty()) sql += " WHERE odd OR (" + joined(there, " AND ") + ")";
  return sql;
}

std::string LateIndex::remove_sql() const {
  std::string sql = "DELETE FROM " + quote_name(into_) + " WHERE odd = " + odd_of("OLD");
  for (size_t i = 0; i < values_.size(); ++i)
    sql += " AND " + entry_name(i) + " = ifnull(" + value_sql(values_[i], "OLD") + ", '')";
  return sql;
}

std::vector<std::string> LateIndex::create_sql() const {
  if (!usable_) return {};
  std::vector<std::string> columns{"odd"};
  for (size_t i = 0; i < values_.size(); ++i) columns.push_back(entry_name(i));
  std::string list = joined(columns, ", ");
  std::vector<std::string> out{"CREATE TABLE IF NOT EXISTS " + quote_name(into_) + " (" + list +
                               ", PRIMARY KEY (" + list + ")) WITHOUT ROWID"};
  // Tells in no time that no number is text, see has_text_numbers().
  for (size_t i = partition_; i < values_.size(); ++i)
    if (values_[i].type == ddb::Type::kN)
      out.push_back("CREATE INDEX IF NOT EXISTS " + quote_name(into_ + "_t" + std::to_string(i)) +
                    " ON " + quote_name(into_) + " (" + entry_name(i) + ") WHERE typeof(" +
                    entry_name(i) + ") = 'text'");
  auto trigger = [&](const char* tail, const char* when, const std::string& body) {
    out.push_back("CREATE TRIGGER IF NOT EXISTS " + quote_name(into_ + tail) + " AFTER " + when +
                  " ON " + quote_name(rows_.name) + " BEGIN " + body + " END");
  };
  std::string add = entry_sql("NEW", "") + "; ", remove = remove_sql() + "; ";
  trigger("_i", "INSERT", add);
  trigger("_u", "UPDATE", remove + add);
  trigger("_d", "DELETE", remove);
  return out;
}

std::string LateIndex::fill_sql() const {
  std::string rowid(rowid_name(rows_));
  return entry_sql(
      "", " FROM " + quote_name(rows_.name) + " WHERE " + rowid + " > ?1 AND " + rowid + " <= ?2");
}

std::vector<std::string> LateIndex::drop_sql() const {
  std::vector<std::string> out;
  for (const char* tail : {"_i", "_u", "_d"})
    out.push_back("DROP TRIGGER IF EXISTS " + quote_name(into_ + tail));
  out.push_back("DROP TABLE IF EXISTS " + quote_name(into_));
  return out;
}

Path LateIndex::path() const {
  Path out;
  out.partition = partition_;
  out.attributes = attributes_;
  for (size_t i = 0; i < values_.size(); ++i) {
    const Value& value = values_[i];
    out.columns.push_back("offramp_entry." + entry_name(i));
    out.types.push_back(value.type == ddb::Type::kN   ? ColumnType::kNumeric
                        : value.type == ddb::Type::kS ? ColumnType::kText
                                                      : ColumnType::kBytea);
    out.forms.push_back(!value.column.empty() || value.type == ddb::Type::kS ? ValueForm::kColumn
                        : value.type == ddb::Type::kN ? ValueForm::kShortNumber
                                                      : ValueForm::kBase64);
    out.text_numbers.push_back("SELECT 1 FROM " + quote_name(into_) + " WHERE typeof(" +
                               entry_name(i) + ") = 'text' LIMIT 1");
  }
  out.not_null = " AND offramp_entry.odd = 0";
  std::string on;
  for (uint32_t i = 0; i < rows_.key_columns; ++i)
    on += (i ? " AND " : "") + quote_name(rows_.name) + "." + quote_name(rows_.columns[i].name) +
          " = offramp_entry." + entry_name(keys_[i]);
  // The entries first, in their order.
  out.from =
      quote_name(into_) + " AS offramp_entry CROSS JOIN " + quote_name(rows_.name) + " ON " + on;
  return out;
}

std::string LateIndex::odd_sql() const {
  std::string columns;
  for (const mapping::Column& column : rows_.columns)
    columns +=
        (columns.empty() ? "" : ", ") + quote_name(rows_.name) + "." + quote_name(column.name);
  return "SELECT " + columns + " FROM " + path().from + " WHERE offramp_entry.odd = 1";
}

std::vector<std::string> late_tables(const ServedTable& table) {
  std::vector<std::string> out;
  for (const ServedIndex& index : table.indexes)
    if (!index.into.empty()) out.push_back(index.into);
  return out;
}

}  // namespace offramp::target::sqlite::serve
