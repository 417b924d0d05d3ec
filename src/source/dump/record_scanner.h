// RecordScanner: cuts the records (items) out of a dump's text, whatever wraps them, while the text
// streams by.
//
// Known wrappers: pages of `aws dynamodb scan` or `query` ({"Items":[…],"Count":…}, pretty-printed
// or not, many after each other), arrays of items, one item per line, {"Item":{…}} around an item,
// BatchWriteItem requests
// ({"Table":[{"PutRequest":{"Item":…}}]} or {"RequestItems":{…}}). What a brace opens is decided
// per object, from its first member: an attribute's value is an object with one type tag, so an
// attribute called "Item" or "Items" is not taken for a wrapper. In plain form there are no
// wrappers but arrays, since any of these could be an attribute.
//
// Once one record fills a line of its own at the top level, lines are records: a malformed line is
// one bad record and cannot swallow those after it. Everywhere else a damaged structure is an error
// at its offset: where the next record begins cannot be known.
//
// A pure state machine over the text given to it; the caller owns the bytes and gives more when
// asked. Nesting is bounded by the few contexts there are. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/wire_json.h"

namespace offramp::source::dump {

struct FoundRecord {
  size_t start = 0, size = 0;  // in the text given to next()
  bool wrapped = false;        // the item is its member "Item"
  std::optional<Error> bad;    // the record cannot be an item
};

enum class Step {
  kRecord,
  kNeedMore,  // the text ends inside something: call again with more behind it (from `at` on)
  kEnd,       // the document is complete
  kError,     // see error(); nothing more can be read
};

class RecordScanner {
 public:
  explicit RecordScanner(ddb::JsonForm form) : plain_(form == ddb::JsonForm::kPlain) {}

  // Goes on at `at`, which it moves behind what it has dealt with. `last`: no text follows.
  Step next(std::string_view text, size_t& at, bool last, FoundRecord& found);
  const Error& error() const { return *error_; }
  // Where error() points in the text of the call that returned it.
  size_t failed_at() const { return failed_at_; }
  // The table that a BatchWriteItem file names; empty otherwise.
  const std::string& table() const { return table_; }

 private:
  enum class Context { kTop, kArray, kPage, kTables, kRequests };
  enum class Kind { kItem, kWrapped, kPut, kDelete, kPage, kTables, kUnclear };

  Step next_line(std::string_view text, size_t& at, bool last, FoundRecord& found);
  Step object(std::string_view text, size_t& at, bool last, FoundRecord& found);
  Step page_member(std::string_view text, size_t& at, bool last);
  Step table_member(std::string_view text, size_t& at, bool last);
  Kind classify(std::string_view text, size_t at, bool last) const;
  Step put_request(std::string_view text, size_t start, size_t end, FoundRecord& found);
  Step short_of(std::string_view what, size_t at, bool last);
  Step fail(ErrorKind kind, std::string code, std::string message, size_t at);

  const bool plain_;
  std::vector<Context> stack_{Context::kTop};
  bool lines_ = false;  // each line is a record
  size_t failed_at_ = 0;
  std::string table_;
  std::optional<Error> error_;
};

}  // namespace offramp::source::dump
