// The `extra` format: DynamoDB JSON in which no NUL character ever appears, so that every JSON
// column can hold it.
//
//   extra  := {"name": value, …}            the members that no column holds
//           | {"$M64": [["base64 name", value], …]}   when one of the names has a NUL
//   value  := DynamoDB JSON ({"S":"x"}, {"N":"1"}, {"M":{…}} …)
//           | {"$S64": "base64"}            S with a NUL
//           | {"$SS64": ["base64", …]}      SS with a NUL in a member
//           | {"$M64": [["base64 name", value], …]}   M with a NUL in a member's name
//           | {"$ABSENT": true}             this attribute was not there (its column's SQL NULL
//           means NULL:true)
//
// Example: {"note":{"S":"hi"},"tags":{"SS":["a","b"]},"raw":{"$S64":"YQBi"}}. Tags stand where
// values stand, so no attribute name can clash with them; at the top "$M64" holds an array, an
// attribute named so holds an object. Stored: never change the meaning of a tag. Written here; read
// by ddb::JsonDecoder with JsonForm::kExtra.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "ddb/value.h"

namespace offramp::mapping {

// Text that grows in an arena: only one may be open per arena, and nothing else may allocate there
// meanwhile.
class ArenaText {
 public:
  ArenaText(base::Arena& arena, size_t expected)
      : arena_(arena), capacity_(expected), start_(arena.allocate(expected)), next_(start_) {}

  // Room for `size` more bytes at the returned place; advance() after writing.
  char* reserve(size_t size) {
    if (capacity_ - this->size() < size) grow(size);
    return next_;
  }
  void advance(size_t size) { next_ += size; }
  void append(std::string_view text) {
    char* to = reserve(text.size());
    text.copy(to, text.size());
    next_ += text.size();
  }
  void push(char c) {
    *reserve(1) = c;
    ++next_;
  }
  size_t size() const { return static_cast<size_t>(next_ - start_); }
  void truncate(size_t size) { next_ = start_ + size; }
  // Gives back what was not used. Nothing may be appended afterwards.
  std::string_view finish() {
    arena_.shrink_last(start_, capacity_, size());
    return {start_, size()};
  }

 private:
  void grow(size_t more);

  base::Arena& arena_;
  size_t capacity_;
  char* start_;
  char* next_;
};

inline bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The JSON string literal of text without NUL; false (and nothing written) when it has one.
bool write_json_string(std::string_view text, ArenaText& out);
// As a base64 JSON string.
void write_base64_string(std::string_view bytes, ArenaText& out);

// One value with its type tag. Recursion is as deep as the value.
void write_extra_value(ddb::ValueView value, ArenaText& out);
// `name:` of a member of an object, or `["base64 name",` of a "$M64" array (then close with ']').
enum class NameForm { kPlain, kBase64 };
void write_extra_name(std::string_view name, NameForm form, ArenaText& out);
// kBase64 when a member's name has a NUL.
NameForm name_form(ddb::ValueView map);
// A whole item: the overflow table's form.
void write_extra_item(ddb::ItemView item, ArenaText& out);

// Plain JSON of a value for a jsonb column; false when it has something that plain JSON cannot give
// back (B, sets, a NUL) – what was written so far must be dropped then.
bool write_plain_json(ddb::ValueView value, ArenaText& out);

}  // namespace offramp::mapping
