// DynamoDB JSON in and out: {"name":{"S":"x"}} ⇄ nodes.
//
// JsonDecoder parses one item at a time with simdjson, zero-copy where a string has no escapes:
// nodes point into the caller's text, which must stay alive (and be followed by kJsonPadding
// readable bytes). Not thread-safe; one per thread. Depth is bounded by kDepthMax, everything else
// by the size of the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "ddb/value.h"

namespace offramp::ddb {

constexpr size_t kJsonPadding = 64;
// Containers inside containers that we read; DynamoDB itself stops at 32.
constexpr int kDepthMax = 64;

enum class JsonForm {
  kTyped,  // {"pk":{"S":"a"}}: DynamoDB JSON
  kPlain,  // {"pk":"a","n":1.5}: string → S, number → N, null → NULL, array → L, object → M
  kExtra,  // kTyped plus the escapes of mapping/extra.h: {"$S64":…}, {"$M64":…}, {"$ABSENT":true}
};

class JsonDecoder {
 public:
  JsonDecoder();
  ~JsonDecoder();

  // Decodes one item whose text is exactly one JSON object, appends its nodes to batch.nodes() and
  // returns the index of its root (the caller adds the root). `wrapper` names the member that holds
  // the item ("Item"), or is empty when the object itself is the item. On error nothing is
  // appended; the error (kBadItem) names the byte offset inside `text`.
  Result<uint32_t> decode_item(std::string_view text, std::string_view wrapper, JsonForm form,
                               ItemBatch& batch);

  // Decodes one value under `name`: {"S":"x"} in the typed forms, any JSON value in kPlain. The
  // text is copied into the batch's arena first, so it needs neither padding nor to live on.
  // Returns the index of its node.
  Result<uint32_t> decode_value(std::string_view text, std::string_view name, JsonForm form,
                                ItemBatch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends the value as DynamoDB JSON: a map at the root as {"a":{"S":…}} without an outer {"M":…}.
// Characters that must be escaped are; all others are written as UTF-8.
void append_item_json(ItemView item, std::string& out);
// Appends one attribute value with its type tag: {"S":"x"}.
void append_value_json(ValueView value, std::string& out);
// A JSON string literal, appended or on its own.
void append_json_string(std::string_view text, std::string& out);
inline std::string json_quoted(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}
// The canonical form of an item's text: members and set members sorted by bytes; equal items give
// equal bytes.
std::string canonical_item_json(ItemView item);
std::string canonical_value_json(ValueView value);

}  // namespace offramp::ddb
