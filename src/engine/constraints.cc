// Texts of the constraints. Source: the reference notes' §7.
#include "engine/constraints.h"

#include "base/ascii.h"
#include "engine/error.h"

namespace offramp::engine {
namespace {

constexpr size_t kReportedMax = 10;
constexpr size_t kPrintedBytesMax = 4096;
constexpr size_t kTableNameBytesMin = 3, kNameBytesMax = 255, kArnBytesMax = 1024;
constexpr std::string_view kNamePattern = "[a-zA-Z0-9_.-]+";

bool is_name(std::string_view text) {
  for (char c : text) {
    bool fine = base::is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
    if (!fine) return false;
  }
  return !text.empty();
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

void print(simdjson::dom::element value, std::string& out, int depth) {
  if (out.size() > kPrintedBytesMax || depth > 16) return;
  bool first = true;
  auto comma = [&] {
    if (!first) out.append(", ");
    first = false;
  };
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      out.push_back('[');
      for (auto element : Json(value).array()) comma(), print(element, out, depth + 1);
      out.push_back(']');
      break;
    case simdjson::dom::element_type::OBJECT:
      out.push_back('{');
      for (auto field : Json(value).object()) {
        comma();
        out.append(field.key).push_back('=');
        print(field.value, out, depth + 1);
      }
      out.push_back('}');
      break;
    case simdjson::dom::element_type::STRING:
      out.append(value.get_string().value_unsafe());
      break;
    default:
      out.append(simdjson::minify(value));
      break;
  }
}

}  // namespace

std::string printed(Json json) {
  std::string out;
  if (json) print(json.element(), out, 0);
  return out;
}

std::string_view table_of(std::string_view name) {
  constexpr std::string_view kMark = ":table/";
  if (!name.starts_with("arn:")) return name;
  size_t at = name.find(kMark);
  return at == name.npos ? name : name.substr(at + kMark.size());
}

void Constraints::fail(std::string_view value, std::string_view path, std::string_view constraint) {
  if (++count_ > kReportedMax) return;
  if (!messages_.empty()) messages_.append("; ");
  messages_.append("Value ").append(value).append(value.empty() ? "at '" : " at '").append(path);
  messages_.append("' failed to satisfy constraint: ").append(constraint);
}

bool Constraints::not_null(Json json, std::string_view path) {
  if (!json) fail("null", path, "Member must not be null");
  return static_cast<bool>(json);
}

void Constraints::one_of(Json json, std::string_view path,
                         std::initializer_list<std::string_view> values) {
  if (!json) return;
  std::string set;
  for (std::string_view value : values) {
    if (json.text() == value) return;
    set.append(set.empty() ? "[" : ", ").append(value);
  }
  fail(in_quotes(json.text()), path, "Member must satisfy enum value set: " + set + "]");
}

void Constraints::at_least(Json json, std::string_view path, int64_t low) {
  if (json && json.integer() < low)
    fail(in_quotes(std::to_string(json.integer())), path,
         "Member must have value greater than or equal to " + std::to_string(low));
}

void Constraints::at_most(Json json, std::string_view path, int64_t high) {
  if (json && json.integer() > high)
    fail(in_quotes(std::to_string(json.integer())), path,
         "Member must have value less than or equal to " + std::to_string(high));
}

void Constraints::length(Json json, std::string_view path, size_t low, size_t high) {
  if (!json) return;
  size_t size = json.is_array() || json.is_object() ? json.size() : json.text().size();
  if (size < low)
    fail(in_quotes(printed(json)), path,
         "Member must have length greater than or equal to " + std::to_string(low));
  if (size > high)
    fail(in_quotes(printed(json)), path,
         "Member must have length less than or equal to " + std::to_string(high));
}

void Constraints::name_pattern(Json json, std::string_view path) {
  if (json && !is_name(json.text()))
    fail(in_quotes(json.text()), path,
         "Member must satisfy regular expression pattern: " + std::string(kNamePattern));
}

void Constraints::index_name(Json json, std::string_view path) {
  name_pattern(json, path);
  length(json, path, kTableNameBytesMin, kNameBytesMax);
}

void Constraints::return_consumed_capacity(Json root) {
  one_of(root["ReturnConsumedCapacity"], "returnConsumedCapacity", {"INDEXES", "TOTAL", "NONE"});
}

Status Constraints::table_name(Json root, std::string_view path) {
  Json name = root["TableName"];
  if (!not_null(name, path)) return {};
  std::string_view text = name.text();
  if (text.empty()) {
    Constraints alone;
    alone.length(name, path, 1, kArnBytesMax);
    return alone.done();
  }
  if (!text.starts_with("arn:")) {
    index_name(name, path);
    return {};
  }
  length(name, path, 1, kArnBytesMax);
  if (!is_name(table_of(text)))
    fail(in_quotes(text), path,
         "Member must satisfy regular expression pattern: " + std::string(kNamePattern));
  return {};
}

void Constraints::request_table(std::string_view name) {
  size_t bytes_max = name.starts_with("arn:") ? kArnBytesMax : kNameBytesMax;
  bool sized = name.starts_with("arn:") || name.size() >= kTableNameBytesMin;
  if (sized && name.size() <= bytes_max && is_name(table_of(name))) return;
  fail("", "requestItems",
       "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
       "Member must have length "
       "greater than or equal to 3, Member must satisfy regular expression pattern: " +
           std::string(kNamePattern) + "]");
}

Status Constraints::done() const {
  if (count_ == 0) return {};
  size_t shown = std::min(count_, kReportedMax);
  return validation(std::to_string(shown) + " validation error" + (shown > 1 ? "s" : "") +
                    " detected: " + messages_);
}

}  // namespace offramp::engine
