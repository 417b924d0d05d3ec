// The key of one table: templates, their placeholders, and the key columns' types.
#include "mapping/compiler.h"
#include "mapping/path_tree.h"

namespace offramp::mapping {

using ddb::Type;
using model::ColumnSpec;
using model::ColumnType;
using model::KeyAttribute;
using model::TableMapping;

namespace {

// Types that a placeholder of text (or a whole attribute of type S or N) can have.
bool fits_key(ColumnType type, Type attribute, bool whole, model::TimeFormat format) {
  if (attribute == Type::kB) return type == ColumnType::kBytea;
  bool number = attribute == Type::kN && whole;
  switch (type) {
    case ColumnType::kText:
    case ColumnType::kBigint:
    case ColumnType::kNumeric:
      return true;
    case ColumnType::kTimestamptz:
      return !number || format == model::TimeFormat::kEpochS ||
             format == model::TimeFormat::kEpochMs;
    case ColumnType::kUuid:
    case ColumnType::kDate:
      return !number;
    default:
      return false;
  }
}

Type text_type(const Column& column, Type attribute) {
  if (attribute == Type::kB) return Type::kB;
  bool epoch = column.type == ColumnType::kTimestamptz &&
               (column.time_format == model::TimeFormat::kEpochS ||
                column.time_format == model::TimeFormat::kEpochMs);
  return column.type == ColumnType::kBigint || column.type == ColumnType::kNumeric || epoch
             ? Type::kN
             : Type::kS;
}

}  // namespace

std::vector<KeyTemplate> Compiler::key_templates(const TableMapping& mapping,
                                                 std::vector<model::SourceLocation>& at) {
  auto attributes = key_attributes();
  std::vector<std::string> names;
  for (const KeyAttribute* attribute : attributes) names.push_back(attribute->name);
  std::vector<const model::KeyTemplateSpec*> found(attributes.size(), nullptr);
  for (const model::KeyTemplateSpec& spec : mapping.key) {
    size_t i = 0;
    while (i < names.size() && names[i] != spec.attribute) ++i;
    if (i == names.size())
      mistakes_.add(spec.at, "`key` names '" + spec.attribute +
                                 "', which is not a key attribute of the source table (" +
                                 quoted_list(names) + ")" + did_you_mean(spec.attribute, names));
    else if (found[i])
      mistakes_.add(spec.at, "`key` names '" + spec.attribute + "' twice");
    else
      found[i] = &spec;
  }
  std::vector<KeyTemplate> out;
  bool complete = true;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!mapping.key.empty() && !found[i]) {
      mistakes_.add(mapping.at, "`key` lacks the key attribute '" + names[i] + "'");
      complete = false;
      continue;
    }
    Result<KeyTemplate> parsed = found[i] ? KeyTemplate::parse(found[i]->pattern)
                                          : Result<KeyTemplate>(KeyTemplate::whole_of(names[i]));
    at.push_back(found[i] ? found[i]->at : mapping.at);
    if (parsed.ok()) {
      out.push_back(std::move(parsed).value());
    } else {
      mistakes_.add(at.back(), "key attribute '" + names[i] + "': " + parsed.error().message());
      complete = false;
    }
  }
  if (!complete) out.clear();
  return out;
}

void Compiler::add_key_attribute(const KeyTemplate& pattern, const KeyAttribute& attribute,
                                 const model::SourceLocation& at, Table& table, TableShape& shape,
                                 std::vector<Placeholder>& placeholders) {
  if (attribute.type != Type::kS && !pattern.whole())
    mistakes_.add(at, "key attribute '" + attribute.name + "' is of type " +
                          std::string(ddb::type_tag(attribute.type)) +
                          ": its pattern must be one placeholder such as '{" + attribute.name +
                          "}'");
  KeyPart part;
  part.pattern = pattern;
  for (const std::string& name : pattern.placeholders()) {
    uint32_t column = 0;
    while (column < placeholders.size() && placeholders[column].name != name) ++column;
    bool repeated = column < placeholders.size();
    if (repeated &&
        (placeholders[column].attribute->type == Type::kB) != (attribute.type == Type::kB))
      mistakes_.add(at, "the placeholder '" + name + "' stands for bytes and for text");
    if (!repeated) {
      placeholders.push_back({name, &attribute, pattern.whole(), at});
      ColumnType type = attribute.type == Type::kN   ? ColumnType::kNumeric
                        : attribute.type == Type::kB ? ColumnType::kBytea
                                                     : ColumnType::kText;
      table.columns.push_back({name, type, {}, true, false});
    }
    part.columns.push_back(column);
    part.repeated.push_back(repeated);
  }
  shape.key.push_back(std::move(part));
}

void Compiler::type_key_columns(const TableMapping& mapping, Table& table, TableShape& shape,
                                const std::vector<Placeholder>& placeholders) {
  std::vector<std::string> names;
  for (const Placeholder& placeholder : placeholders) names.push_back(placeholder.name);
  std::vector<bool> typed(names.size(), false);
  for (const ColumnSpec& spec : mapping.columns) {
    if (!spec.from.empty()) continue;
    size_t i = 0;
    while (i < names.size() && names[i] != spec.name) ++i;
    if (i == names.size()) {
      mistakes_.add(spec.at, "column '" + spec.name +
                                 "' has no `from` and is no placeholder of the key (" +
                                 quoted_list(names) + ")" + did_you_mean(spec.name, names));
      continue;
    }
    if (typed[i]) mistakes_.add(spec.at, "the key column '" + spec.name + "' is typed twice");
    typed[i] = true;
    const Placeholder& placeholder = placeholders[i];
    if (!fits_key(spec.type, placeholder.attribute->type, placeholder.whole, spec.time_format))
      mistakes_.add(spec.at, "the key column '" + spec.name + "' cannot be a " +
                                 std::string(model::column_type_name(spec.type)) +
                                 ": its key attribute '" + placeholder.attribute->name +
                                 "' is of type " +
                                 std::string(ddb::type_tag(placeholder.attribute->type)));
    table.columns[i].type = spec.type;
    table.columns[i].time_format = spec.time_format;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    shape.key_types.push_back(text_type(table.columns[i], placeholders[i].attribute->type));
    shape.key_conversions.push_back(conversion(table.columns[i]));
  }
}

void Compiler::compile_key(const TableMapping& mapping, Table& table, TableShape& shape) {
  auto attributes = key_attributes();
  for (uint32_t i = 0; i < attributes.size(); ++i) {
    PathNode leaf;
    leaf.place = PathNode::Place::kKey;
    leaf.index = i;
    // The key attributes are the first paths, and have different names: no conflict.
    ASSERT(!add_path(shape.row.root, {attributes[i]->name}, std::move(leaf)));
  }
  std::vector<model::SourceLocation> at;
  std::vector<KeyTemplate> templates = key_templates(mapping, at);
  std::vector<Placeholder> placeholders;
  for (size_t i = 0; i < templates.size(); ++i)
    add_key_attribute(templates[i], *attributes[i], at[i], table, shape, placeholders);
  table.key_columns = static_cast<uint32_t>(placeholders.size());
  if (!templates.empty() && placeholders.empty() && !mapping.skip)
    mistakes_.add(at[0], "`key` has no placeholder: the table would have no key column");
  // After a wrong `key` the columns without `from` cannot be judged.
  if (!templates.empty()) type_key_columns(mapping, table, shape, placeholders);
}

}  // namespace offramp::mapping
