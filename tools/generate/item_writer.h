// ItemWriter: appends attribute values to a text as DynamoDB JSON or as Amazon Ion, the way the
// service writes them.
//
// Calls nest: open_map/open_list … close. A name is given inside maps and is empty inside lists.
// Numbers are DynamoDB's plain decimal text; in Ion they become decimals ("9.", "1d20").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace offramp::generate {

enum class Format { kJson, kIon };

class ItemWriter {
 public:
  ItemWriter(Format format, std::string& out) : format_(format), out_(out) {}

  Format format() const { return format_; }
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::string_view value);
  void number(std::string_view name, int64_t value) { number(name, std::to_string(value)); }
  void binary(std::string_view name, std::string_view bytes);
  void boolean(std::string_view name, bool value);
  void null(std::string_view name);
  void text_set(std::string_view name, const std::vector<std::string>& members);
  void number_set(std::string_view name, const std::vector<std::string>& members);
  void binary_set(std::string_view name, const std::vector<std::string>& members);
  void open_map(std::string_view name) { open(name, "M", true); }
  void open_list(std::string_view name) { open(name, "L", false); }
  void close();

  // A struct that is not an attribute value: {"Item": …}, {"Keys": …}, the item itself.
  void open_struct(std::string_view name);
  void close_struct();

 private:
  struct Level {
    bool map;     // members have names
    bool first;   // nothing written in it yet
    bool tagged;  // an attribute value, closed by one more brace in JSON
  };
  void begin(std::string_view name);
  void open(std::string_view name, std::string_view tag, bool map);
  void set(std::string_view name, std::string_view tag, const std::vector<std::string>& members);
  void ion_name(std::string_view name);
  void ion_number(std::string_view value);
  void quoted(std::string_view text, char quote);

  Format format_;
  std::string& out_;
  std::vector<Level> levels_;
};

}  // namespace offramp::generate
