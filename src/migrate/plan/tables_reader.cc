// `tables:` of the plan: model::MappingSpec with the positions of everything.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "mapping/key_template.h"
#include "migrate/plan/readers.h"

namespace offramp::migrate::plan {
namespace {

constexpr size_t kColumnsReadMax = 20000;
constexpr size_t kPathDepthMax = 32;

// "a.b" or [a, b]: the names on the way to a value.
std::vector<std::string> read_attribute_path(const YamlNode& node, std::string_view what,
                                             Mistakes& mistakes) {
  std::vector<std::string> path;
  if (node.kind == YamlNode::Kind::kScalar) {
    size_t start = 0;
    while (true) {
      size_t dot = node.text.find('.', start);
      path.push_back(node.text.substr(start, dot - start));
      if (dot == std::string::npos) break;
      start = dot + 1;
    }
  } else if (node.kind == YamlNode::Kind::kSequence && !node.elements.empty()) {
    for (const auto& element : node.elements) {
      if (element->kind != YamlNode::Kind::kScalar) {
        mistakes.add(element->at,
                     fmt::format("{}: a name must be a text, not {}", what, kind_name(*element)));
        return {};
      }
      path.push_back(element->text);
    }
  } else {
    mistakes.add(node.at, fmt::format("{} must be an attribute: a name, a.b for a map's member, or "
                                      "a list of names where a name holds a dot",
                                      what));
    return {};
  }
  if (path.size() > kPathDepthMax ||
      std::ranges::any_of(path, [](const std::string& name) { return name.empty(); })) {
    mistakes.add(node.at, fmt::format("{}: '{}' has an empty name or more than {} levels; write "
                                      "names that hold dots as a list, e.g. [a.b, c]",
                                      what, shown(node.text), kPathDepthMax));
    return {};
  }
  return path;
}

class TableReader {
 public:
  TableReader(const model::KeySchema& key, Mistakes& mistakes)
      : schema_(key), mistakes_(mistakes) {}

  model::TableMapping read(const YamlNode& node) {
    model::TableMapping table;
    table.at = node.at;
    MapReader map(
        node, "a table",
        {"match", "skip", "into", "key", "columns", "children", "drop", "indexes", "extra"},
        mistakes_);
    if (!map.usable()) return table;
    table.match = map.text("match");
    table.skip = map.boolean("skip").value_or(false);
    if (table.skip) {
      for (std::string_view key :
           {"into", "key", "columns", "children", "drop", "indexes", "extra"})
        if (const YamlNode* value = map.find(key))
          map.mistake(*value, fmt::format("`{}` has no meaning with `skip: true`", key));
      return table;
    }
    table.into = map.text("into").value_or("");
    if (!map.find("into"))
      map.mistake(node, "a table needs `into` (the target table's name) or `skip: true`");
    if (std::optional<std::string> extra = map.text("extra")) table.extra = *extra;
    std::vector<std::string> key_columns;
    if (const YamlNode* key = map.find("key"))
      table.key = read_key(*key, key_columns);
    else
      key_columns = default_key_columns();
    if (const YamlNode* columns = map.find("columns"))
      table.columns = read_columns(*columns, "columns", key_columns);
    if (const YamlNode* children = map.find("children")) table.children = read_children(*children);
    if (const YamlNode* drop = map.find("drop")) table.drop = read_drop(*drop);
    if (const YamlNode* indexes = map.find("indexes")) table.indexes = read_indexes(*indexes);
    return table;
  }

 private:
  std::vector<std::string> default_key_columns() const {
    std::vector<std::string> names{schema_.partition.name};
    if (schema_.sort) names.push_back(schema_.sort->name);
    return names;
  }

  std::vector<model::KeyTemplateSpec> read_key(const YamlNode& node,
                                               std::vector<std::string>& key_columns) {
    std::vector<std::string> names = default_key_columns();
    std::vector<std::string_view> valid(names.begin(), names.end());
    std::map<std::string, model::KeyTemplateSpec> found;
    for_each_member(
        node, "key", mistakes_,
        [&](const std::string& name, const YamlNode& key, const YamlNode& value) {
          if (std::ranges::find(names, name) == names.end() && !schema_.partition.name.empty()) {
            mistakes_.add(key.at, fmt::format("'{}' is not a key attribute of the "
                                              "source{}",
                                              shown(name), suggestion(name, valid)));
            return;
          }
          std::vector<std::string> placeholders = template_placeholders(value, mistakes_);
          key_columns.insert(key_columns.end(), placeholders.begin(), placeholders.end());
          found[name] = {name, value.text, value.at};
        });
    std::vector<model::KeyTemplateSpec> key;
    if (node.kind != YamlNode::Kind::kMap) return key;
    if (schema_.partition.name.empty()) names.clear();  // reported at source.key
    for (const std::string& name : names) {
      if (auto it = found.find(name); it != found.end())
        key.push_back(it->second);
      else
        mistakes_.add(node.at, fmt::format("`key` leaves out the key attribute '{}'; write {}: "
                                           "\"{{{}}}\" to keep it whole",
                                           shown(name), shown(name), shown(base::lowered(name))));
    }
    return key;
  }

  std::vector<model::ColumnSpec> read_columns(const YamlNode& node, std::string_view what,
                                              const std::vector<std::string>& key_columns) {
    std::vector<model::ColumnSpec> columns;
    if (node.members.size() > kColumnsReadMax) {
      mistakes_.add(node.at, fmt::format("more than {} columns", kColumnsReadMax));
      return columns;
    }
    std::map<std::string, std::string> folded_names;
    for_each_member(
        node, what, mistakes_,
        [&](const std::string& name, const YamlNode& key, const YamlNode& value) {
          if (auto [it, fresh] = folded_names.emplace(base::lowered(name), name); !fresh)
            mistakes_.add(key.at, fmt::format("columns '{}' and '{}' differ only in case",
                                              shown(it->second), shown(name)));
          columns.push_back(read_column(name, key, value, key_columns));
        });
    return columns;
  }

  model::ColumnSpec read_column(const std::string& name, const YamlNode& key, const YamlNode& value,
                                const std::vector<std::string>& key_columns) {
    model::ColumnSpec column;
    column.name = name;
    column.at = key.at;
    std::string what = fmt::format("column '{}'", shown(name));
    bool names_key = std::ranges::find(key_columns, name) != key_columns.end();
    if (value.kind == YamlNode::Kind::kScalar) {  // `sku: text`
      if (!names_key) column.from = {name};
      read_type(value, what, column);
      return column;
    }
    MapReader map(value, what, {"from", "type", "format", "sql_null"}, mistakes_);
    if (!map.usable()) return column;
    if (const YamlNode* from = map.find("from"))
      column.from = read_attribute_path(*from, map.name_of("from"), mistakes_);
    else if (!names_key)
      column.from = {name};
    if (const YamlNode* type = map.find("type"))
      read_type(*type, what, column);
    else
      map.mistake(value, fmt::format("{} needs a `type`", what));
    if (const YamlNode* format = map.find("format")) read_format(*format, what, column);
    if (std::optional<std::string> null = map.word("sql_null", {"absent", "null"}))
      column.null_means =
          *null == "null" ? model::NullMeans::kNullValue : model::NullMeans::kAbsent;
    // `sql_null: null` reads as YAML's own null unless quoted; it was written, so it is meant.
    for (const auto& [member, given] : value.members)
      if (member->text == "sql_null" && given->kind == YamlNode::Kind::kNull)
        column.null_means = model::NullMeans::kNullValue;
    return column;
  }

  void read_type(const YamlNode& node, const std::string& what, model::ColumnSpec& column) {
    if (node.kind == YamlNode::Kind::kScalar) {
      if (std::optional<model::ColumnType> type = model::column_type_from_name(node.text)) {
        column.type = *type;
        return;
      }
    }
    std::vector<std::string_view> valid = model::column_type_names();
    mistakes_.add(node.at, fmt::format("{}: {} is not a column type{}", what, kind_name(node),
                                       suggestion(node.text, valid)));
  }

  void read_format(const YamlNode& node, const std::string& what, model::ColumnSpec& column) {
    if (node.kind == YamlNode::Kind::kScalar) {
      if (std::optional<model::TimeFormat> format = model::time_format_from_name(node.text)) {
        column.time_format = *format;
        return;
      }
    }
    constexpr std::string_view kValid[] = {"iso",        "iso-ms",  "iso-us",
                                           "iso-offset", "epoch-s", "epoch-ms"};
    mistakes_.add(node.at, fmt::format("{}: {} is not a time format{}", what, kind_name(node),
                                       suggestion(node.text, kValid)));
  }

  std::vector<model::ChildSpec> read_children(const YamlNode& node) {
    std::vector<model::ChildSpec> children;
    for_each_member(node, "children", mistakes_,
                    [&](const std::string& name, const YamlNode& key, const YamlNode& value) {
                      model::ChildSpec child;
                      child.name = name;
                      child.at = key.at;
                      std::string what = fmt::format("child table '{}'", shown(name));
                      MapReader map(value, what, {"from", "ordinal", "columns"}, mistakes_);
                      if (!map.usable()) return;
                      if (const YamlNode* from = map.find("from"))
                        child.from = read_attribute_path(*from, map.name_of("from"), mistakes_);
                      else
                        child.from = {name};
                      if (std::optional<std::string> ordinal = map.text("ordinal"))
                        child.ordinal = *ordinal;
                      if (const YamlNode* columns = map.find("columns"))
                        child.columns = read_columns(*columns, what + ".columns", {});
                      else
                        map.mistake(value, fmt::format("{} needs `columns`", what));
                      children.push_back(std::move(child));
                    });
    return children;
  }

  std::vector<std::vector<std::string>> read_drop(const YamlNode& node) {
    std::vector<std::vector<std::string>> drop;
    if (node.kind != YamlNode::Kind::kSequence) {
      mistakes_.add(node.at, "`drop` must be a list of attributes, e.g. drop: [debug]");
      return drop;
    }
    for (const auto& element : node.elements) {
      std::vector<std::string> path = read_attribute_path(*element, "drop", mistakes_);
      if (!path.empty()) drop.push_back(std::move(path));
    }
    return drop;
  }

  std::vector<model::IndexSpec> read_indexes(const YamlNode& node) {
    std::vector<model::IndexSpec> indexes;
    if (node.kind != YamlNode::Kind::kSequence) {
      mistakes_.add(node.at, "`indexes` must be a list, e.g. indexes: [{columns: [placed_at]}]");
      return indexes;
    }
    for (const auto& element : node.elements) {
      MapReader map(*element, "an index", {"columns", "name"}, mistakes_);
      if (!map.usable()) continue;
      model::IndexSpec index;
      index.at = element->at;
      index.name = map.text("name").value_or("");
      index.columns = map.texts("columns");
      if (!map.find("columns") || index.columns.empty())
        map.mistake(*element, "an index needs `columns`");
      indexes.push_back(std::move(index));
    }
    return indexes;
  }

  const model::KeySchema& schema_;
  Mistakes& mistakes_;
};

}  // namespace

std::vector<std::string> template_placeholders(const YamlNode& pattern, Mistakes& mistakes) {
  std::vector<std::string> names;
  if (pattern.kind != YamlNode::Kind::kScalar || pattern.text.empty()) {
    mistakes.add(
        pattern.at,
        fmt::format("a key template must be a text such as \"ORDER#{{id}}\", "
                    "not {}; put it in quotes",
                    pattern.kind == YamlNode::Kind::kScalar ? "empty" : kind_name(pattern)));
    return names;
  }
  Result<mapping::KeyTemplate> parsed = mapping::KeyTemplate::parse(pattern.text);
  if (parsed.ok())
    names = parsed->placeholders();
  else
    mistakes.add(pattern.at, fmt::format("key template '{}': {}", shown(pattern.text),
                                         parsed.error().message()));
  return names;
}

model::MappingSpec read_tables(const YamlNode& node, const model::KeySchema& key,
                               Mistakes& mistakes) {
  model::MappingSpec tables;
  if (node.kind != YamlNode::Kind::kSequence || node.elements.empty()) {
    mistakes.add(node.at, "tables must be a list with at least one table, e.g. - into: items");
    return tables;
  }
  if (node.elements.size() > kTablesMax) {
    mistakes.add(node.at, fmt::format("more than {} tables", kTablesMax));
    return tables;
  }
  TableReader reader(key, mistakes);
  std::map<std::string, int> seen;  // folded name → line
  auto claim = [&](const std::string& name, const model::SourceLocation& at) {
    if (name.empty()) return;
    if (auto [it, fresh] = seen.emplace(base::lowered(name), at.line); !fresh)
      mistakes.add(at, fmt::format("table '{}' is already made by the entry at line {}; each table "
                                   "has one entry",
                                   shown(name), it->second));
  };
  for (const auto& element : node.elements) {
    tables.push_back(reader.read(*element));
    claim(tables.back().into, tables.back().at);
    for (const model::ChildSpec& child : tables.back().children) claim(child.name, child.at);
  }
  return tables;
}

}  // namespace offramp::migrate::plan
