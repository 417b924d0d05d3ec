#include "generate/item_writer.h"

#include <cstdio>

#include "base/base64.h"

namespace offramp::generate {
namespace {

bool is_bare_symbol(std::string_view name) {
  if (name.empty() || name == "null" || name == "true" || name == "false" || name == "nan")
    return false;
  for (size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  // $ion_1_0, $10 and the like mean something else as bare symbols.
  return name[0] != '$';
}

}  // namespace

void ItemWriter::quoted(std::string_view text, char quote) {
  out_ += quote;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '\\' && c != static_cast<unsigned char>(quote)) continue;
    out_.append(text.substr(start, i - start));
    start = i + 1;
    switch (c) {
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      default:
        if (c == static_cast<unsigned char>(quote)) {
          out_ += '\\';
          out_ += quote;
        } else {
          char escape[8];
          std::snprintf(escape, sizeof(escape), "\\u%04x", c);
          out_ += escape;
        }
    }
  }
  out_.append(text.substr(start));
  out_ += quote;
}

void ItemWriter::ion_name(std::string_view name) {
  if (is_bare_symbol(name))
    out_.append(name);
  else
    quoted(name, '\'');
}

// A number without '.' or 'd' would be an Ion int; the service writes decimals only.
void ItemWriter::ion_number(std::string_view value) {
  size_t zeros = 0;
  bool point = value.find('.') != std::string_view::npos;
  while (!point && zeros + 1 < value.size() && value[value.size() - 1 - zeros] == '0') ++zeros;
  if (zeros > 0 && value != "0") {
    out_.append(value.substr(0, value.size() - zeros));
    out_ += 'd';
    out_ += std::to_string(zeros);
    return;
  }
  out_.append(value);
  if (!point) out_ += '.';
}

// The comma and the name that go before a value.
void ItemWriter::begin(std::string_view name) {
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (!level.first) out_ += ',';
  level.first = false;
  if (!level.map) return;
  if (format_ == Format::kJson)
    quoted(name, '"');
  else
    ion_name(name);
  out_ += ':';
}

void ItemWriter::open_struct(std::string_view name) {
  begin(name);
  out_ += '{';
  levels_.push_back({true, true, false});
}

void ItemWriter::close_struct() {
  out_ += '}';
  levels_.pop_back();
}

void ItemWriter::open(std::string_view name, std::string_view tag, bool map) {
  begin(name);
  if (format_ == Format::kJson) {
    out_ += "{\"";
    out_.append(tag);
    out_ += "\":";
  }
  out_ += map ? '{' : '[';
  levels_.push_back({map, true, true});
}

void ItemWriter::close() {
  out_ += levels_.back().map ? '}' : ']';
  if (format_ == Format::kJson) out_ += '}';
  levels_.pop_back();
}

void ItemWriter::text(std::string_view name, std::string_view value) {
  begin(name);
  if (format_ == Format::kIon) return quoted(value, '"');
  out_ += "{\"S\":";
  quoted(value, '"');
  out_ += '}';
}

void ItemWriter::number(std::string_view name, std::string_view value) {
  begin(name);
  if (format_ == Format::kIon) return ion_number(value);
  out_ += "{\"N\":\"";
  out_.append(value);
  out_ += "\"}";
}

void ItemWriter::binary(std::string_view name, std::string_view bytes) {
  begin(name);
  out_ += format_ == Format::kIon ? "{{" : "{\"B\":\"";
  base::append_base64(bytes, out_);
  out_ += format_ == Format::kIon ? "}}" : "\"}";
}

void ItemWriter::boolean(std::string_view name, bool value) {
  begin(name);
  std::string_view word = value ? "true" : "false";
  if (format_ == Format::kIon) {
    out_.append(word);
    return;
  }
  out_ += "{\"BOOL\":";
  out_.append(word);
  out_ += '}';
}

void ItemWriter::null(std::string_view name) {
  begin(name);
  out_ += format_ == Format::kIon ? "null" : "{\"NULL\":true}";
}

void ItemWriter::set(std::string_view name, std::string_view tag,
                     const std::vector<std::string>& members) {
  begin(name);
  if (format_ == Format::kIon) {
    out_ += "$dynamodb_";
    out_.append(tag);
    out_ += "::[";
  } else {
    out_ += "{\"";
    out_.append(tag);
    out_ += "\":[";
  }
  bool first = true;
  for (const std::string& member : members) {
    if (!first) out_ += ',';
    first = false;
    if (tag == "NS" && format_ == Format::kIon) {
      ion_number(member);
    } else if (tag == "BS") {
      out_ += format_ == Format::kIon ? "{{" : "\"";
      base::append_base64(member, out_);
      out_ += format_ == Format::kIon ? "}}" : "\"";
    } else {
      quoted(member, '"');
    }
  }
  out_ += format_ == Format::kIon ? "]" : "]}";
}

void ItemWriter::text_set(std::string_view name, const std::vector<std::string>& members) {
  set(name, "SS", members);
}
void ItemWriter::number_set(std::string_view name, const std::vector<std::string>& members) {
  set(name, "NS", members);
}
void ItemWriter::binary_set(std::string_view name, const std::vector<std::string>& members) {
  set(name, "BS", members);
}

}  // namespace offramp::generate
