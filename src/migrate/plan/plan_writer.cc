// Plan → YAML text that a person wants to read and parse_plan() takes back as the same plan.
//
// Written by hand rather than through a YAML emitter: columns stand under each other and notes at
// the end of their line. Every text that YAML could take for something else is double-quoted.
#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "migrate/plan/plan.h"

namespace offramp::migrate::plan {
namespace {

// Texts that YAML 1.1 or 1.2 readers take for null, a boolean or a number.
bool is_yaml_word(std::string_view text) {
  const std::string folded = base::lowered(text);
  for (std::string_view word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
    if (folded == word) return true;
  return false;
}

bool is_plain(std::string_view text) {
  auto letter = [](char c) { return base::is_letter(c) || c == '_'; };
  if (text.empty() || !letter(text[0]) || is_yaml_word(text)) return false;
  return std::ranges::all_of(text, [&](char c) {
    return letter(c) || base::is_digit(c) || c == '.' || c == '-' || c == '/';
  });
}

std::string scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out += '"';
}

// A URL may stand bare where no YAML character is in it: nicer to read.
std::string url(std::string_view text) {
  bool bare = !text.empty() && (base::is_lower(text[0]) || text[0] == '/') && text.back() != ':' &&
              !is_yaml_word(text) && std::ranges::all_of(text, [](char c) {
                return base::is_letter_or_digit(c) ||
                       std::string_view("_-./:@?=%&+").find(c) != std::string_view::npos;
              });
  return bare ? std::string(text) : scalar(text);
}

std::string list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ", ";
    out += scalar(texts[i]);
  }
  return out += "]";
}

// Dotted where every name is plain and holds no dot itself, else a list of names.
std::string attribute_path(const std::vector<std::string>& path) {
  std::string dotted;
  for (const std::string& name : path) {
    if (!is_plain(name) || name.find('.') != std::string::npos) {
      // One odd name alone may stay a text as long as it has no dot.
      if (path.size() == 1 && name.find('.') == std::string::npos) return scalar(name);
      return list(path);
    }
    if (!dotted.empty()) dotted += '.';
    dotted += name;
  }
  return scalar(dotted);
}

std::string_view type_letter(ddb::Type type) {
  return type == ddb::Type::kN ? "N" : type == ddb::Type::kB ? "B" : "S";
}

void comment_lines(std::string& out, std::string_view indent,
                   const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    out += indent;
    out += '#';
    if (!line.empty()) out += ' ';
    for (char c : line) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    out += '\n';
  }
}

std::string quoted_word(model::ColumnType type) {
  std::string_view name = model::column_type_name(type);
  return name.find('[') == std::string_view::npos ? std::string(name) : fmt::format("\"{}\"", name);
}

std::string column_body(const model::ColumnSpec& column) {
  std::string out = "{";
  if (!column.from.empty()) out += fmt::format("from: {}, ", attribute_path(column.from));
  out += "type: " + quoted_word(column.type);
  if (column.type == model::ColumnType::kTimestamptz ||
      column.time_format != model::TimeFormat::kIso)
    out += fmt::format(", format: {}", model::time_format_name(column.time_format));
  if (column.null_means == model::NullMeans::kNullValue) out += ", sql_null: null";
  return out += "}";
}

void write_columns(std::string& out, std::string_view indent,
                   const std::vector<model::ColumnSpec>& columns,
                   const std::map<std::string, std::string>& notes) {
  size_t width = 0;
  for (const model::ColumnSpec& column : columns)
    width = std::max(width, std::min<size_t>(32, scalar(column.name).size()));
  for (const model::ColumnSpec& column : columns) {
    std::string name = scalar(column.name) + ":";
    out += fmt::format("{}{:<{}} {}", indent, name, width + 1, column_body(column));
    if (auto note = notes.find(column.name); note != notes.end()) {
      std::string text;
      comment_lines(text, "  ", {note->second});
      text.pop_back();
      out += text;
    }
    out += '\n';
  }
}

void write_table(std::string& out, const model::TableMapping& table,
                 const mapping::profile::TableComments& comments) {
  comment_lines(out, "  ", comments.heading);
  std::string_view lead = "  - ";
  auto line = [&](const std::string& text) {
    out += lead;
    out += text;
    out += '\n';
    lead = "    ";
  };
  if (table.match) line("match: " + scalar(*table.match));
  if (table.skip) {
    line("skip: true");
    return;
  }
  line("into: " + scalar(table.into));
  if (!table.key.empty()) {
    std::string key;
    for (const model::KeyTemplateSpec& part : table.key)
      key += fmt::format("{}{}: {}", key.empty() ? "" : ", ", scalar(part.attribute),
                         scalar(part.pattern));
    line("key: {" + key + "}");
  }
  if (!table.columns.empty()) {
    line("columns:");
    write_columns(out, "      ", table.columns, comments.columns);
  }
  if (!table.children.empty()) {
    line("children:");
    for (const model::ChildSpec& child : table.children) {
      out += fmt::format("      {}:\n        from: {}\n        ordinal: {}\n", scalar(child.name),
                         attribute_path(child.from), scalar(child.ordinal));
      out += child.columns.empty() ? "        columns: {}\n" : "        columns:\n";
      write_columns(out, "          ", child.columns, {});
    }
  }
  if (!table.drop.empty()) {
    std::string paths;
    for (const auto& path : table.drop) {
      if (!paths.empty()) paths += ", ";
      paths += attribute_path(path);
    }
    line("drop: [" + paths + "]");
  }
  if (!table.indexes.empty()) {
    line("indexes:");
    for (const model::IndexSpec& index : table.indexes) {
      std::string name = index.name.empty() ? "" : fmt::format("name: {}, ", scalar(index.name));
      out += fmt::format("      - {{{}columns: {}}}\n", name, list(index.columns));
    }
  }
  if (table.extra != "extra") line("extra: " + scalar(table.extra));
}

void write_load(std::string& out, const LoadSpec& load) {
  out += fmt::format("  load: {{from: {}", load_from_name(load.from));
  if (load.segments > 0) out += fmt::format(", segments: {}", load.segments);
  if (!load.path.empty()) out += ", path: " + scalar(load.path);
  if (!load.then.empty()) out += ", then: " + list(load.then);
  if (load.plain) out += ", plain: true";
  if (!load.s3_endpoint.empty()) out += ", s3_endpoint: " + scalar(load.s3_endpoint);
  out += "}\n";
}

void write_limits(std::string& out, std::string_view indent, const LimitsSpec& limits) {
  std::string parts;
  auto part = [&](const std::string& text) { parts += (parts.empty() ? "" : ", ") + text; };
  if (limits.read_units_per_second > 0)
    part(fmt::format("read_units_per_second: {}", limits.read_units_per_second));
  if (limits.items_per_hour > 0) part(fmt::format("items_per_hour: {}", limits.items_per_hour));
  if (!limits.window.empty()) part(fmt::format("window: \"{}\"", limits.window));
  if (!parts.empty()) out += fmt::format("{}limits: {{{}}}\n", indent, parts);
}

// {status: S, total: N}
std::string key_map(const std::vector<model::KeyAttribute>& attributes) {
  std::string out;
  for (const model::KeyAttribute& attribute : attributes)
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", scalar(attribute.name),
                       type_letter(attribute.type));
  return "{" + out + "}";
}

std::string projection(const model::SecondaryIndex& index) {
  switch (index.projection) {
    case model::SecondaryIndex::Projection::kAll:
      return "";
    case model::SecondaryIndex::Projection::kKeysOnly:
      return ", projection: KEYS_ONLY";
    case model::SecondaryIndex::Projection::kInclude:
      return ", projection: " + list(index.included);
  }
  return "";
}

void write_source(std::string& out, const SourceSpec& source) {
  out += "source:\n";
  if (!source.table.empty()) out += fmt::format("  table: {}\n", scalar(source.table));
  if (!source.region.empty()) out += fmt::format("  region: {}\n", scalar(source.region));
  if (!source.endpoint.empty()) out += fmt::format("  endpoint: {}\n", url(source.endpoint));
  std::vector<model::KeyAttribute> key = {source.key.partition};
  if (source.key.sort) key.push_back(*source.key.sort);
  out += fmt::format("  key: {}\n", key_map(key));
  if (!source.indexes.empty()) out += "  indexes:\n";
  for (const model::SecondaryIndex& index : source.indexes)
    out += fmt::format("    - {{name: {}, partition: {}{}{}{}}}\n", scalar(index.name),
                       key_map(index.partition),
                       index.sort.empty() ? "" : fmt::format(", sort: {}", key_map(index.sort)),
                       index.local ? ", local: true" : "", projection(index));
  if (source.ttl_attribute) out += fmt::format("  ttl: {}\n", scalar(*source.ttl_attribute));
  write_load(out, source.load);
  if (source.retention_s == kStreamRetentionS)
    out += fmt::format("  capture: {}\n", scalar(source.capture));
  else
    out += fmt::format("  capture: {{from: {}, retention: {}s}}\n", scalar(source.capture),
                       source.retention_s);
  write_limits(out, "  ", source.limits);
}

void write_tables(std::string& out, const Plan& plan, const PlanComments& comments) {
  out += "tables:\n";
  for (size_t i = 0; i < plan.tables.size(); ++i)
    write_table(
        out, plan.tables[i],
        i < comments.tables.size() ? comments.tables[i] : mapping::profile::TableComments{});
}

}  // namespace

std::string write_plan(const Plan& plan, const PlanComments& comments) {
  std::string out;
  comment_lines(out, "", comments.header);
  out += fmt::format("version: {}\n", plan.version);
  write_source(out, plan.source);
  out += fmt::format("target: {}\n", url(plan.target));
  write_tables(out, plan, comments);
  return out;
}

std::string write_plan_file(const PlanFile& file) {
  if (!file.several) return write_plan(file.moves[0]);
  std::string out = fmt::format("version: {}\ntarget: {}\n", file.version, url(file.target));
  write_limits(out, "", file.limits);
  out += "moves:\n";
  for (const Plan& move : file.moves) {
    SourceSpec source = move.source;
    if (file.limits != LimitsSpec{}) source.limits = {};
    std::string body;
    write_source(body, source);
    write_tables(body, move, {});
    // No text of the body holds a line break, so that each of its lines may be moved.
    std::string_view lead = "  - ";
    for (size_t at = 0; at < body.size();) {
      size_t end = body.find('\n', at) + 1;
      out += lead;
      out.append(body, at, end - at);
      lead = "    ";
      at = end;
    }
  }
  return out;
}

}  // namespace offramp::migrate::plan
