// JsonWriter: appends JSON to a string, with the commas where they belong.
//
// Brackets are the caller's to match. Appending only: the text before is not looked at beyond its
// last character.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "ddb/wire_json.h"

namespace offramp::engine {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  // '{' or '[', as an element or behind name().
  void open(char bracket) {
    comma();
    out_.push_back(bracket);
  }
  void close(char bracket) { out_.push_back(bracket); }
  void name(std::string_view name) {
    comma();
    ddb::append_json_string(name, out_);
    out_.push_back(':');
  }
  void text(std::string_view text) {
    comma();
    ddb::append_json_string(text, out_);
  }
  void text(std::string_view name, std::string_view value) {
    this->name(name);
    ddb::append_json_string(value, out_);
  }
  void number(std::string_view name, int64_t value) {
    this->name(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void flag(std::string_view name, bool value) {
    this->name(name);
    out_.append(value ? "true" : "false");
  }
  // Seconds since 1970, as the service writes times.
  void time(std::string_view name, int64_t ms) {
    this->name(name);
    fmt::format_to(std::back_inserter(out_), "{}.{:03}", ms / 1000, ms % 1000);
  }
  // An item as {"a":{"S":…}}.
  void item(std::string_view name, ddb::ItemView item) {
    this->name(name);
    ddb::append_item_json(item, out_);
  }
  // The comma before an element that the caller appends.
  void element() { comma(); }
  std::string& out() { return out_; }

 private:
  void comma() {
    if (out_.empty()) return;
    char last = out_.back();
    if (last != '{' && last != '[' && last != ':' && last != ',') out_.push_back(',');
  }
  std::string& out_;
};

}  // namespace offramp::engine
