#include "source/scan/lookup_answer.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "ddb/wire_json.h"
#include "source/service_answer.h"

namespace offramp::source::scan {
namespace {

namespace od = simdjson::ondemand;

Error corrupt(std::string_view why) {
  return Error(ErrorKind::kCorrupt, "scan.lookup_answer",
               fmt::format("the answer of BatchGetItem cannot be read: {}", why));
}

// Calls take(text) for each object of the array.
template <class Take>
simdjson::error_code each_object(od::array array, Take take) {
  for (auto element : array) {
    od::object object;
    std::string_view text;
    if (auto error = element.get_object().get(object)) return error;
    if (auto error = object.raw_json().get(text)) return error;
    take(without_trailing_space(text));
  }
  return simdjson::SUCCESS;
}

}  // namespace

struct LookupAnswer::Parser {
  od::parser parser;
};

LookupAnswer::LookupAnswer() : parser_(std::make_unique<Parser>()) {}
LookupAnswer::~LookupAnswer() = default;

Status LookupAnswer::parse(std::string& answer) {
  items_.clear();
  unprocessed_keys_.clear();
  consumed_units_ = 0;
  answer.reserve(answer.size() + ddb::kJsonPadding);
  bool has_responses = false;

  // Only one table is asked for, so whatever name the service gives it (we may have said its ARN)
  // is that table.
  auto read_responses = [&](od::object tables) -> simdjson::error_code {
    for (auto table : tables) {
      od::array items;
      if (auto error = table.value().get_array().get(items)) return error;
      if (auto error = each_object(items, [&](std::string_view text) { items_.push_back(text); }))
        return error;
    }
    return simdjson::SUCCESS;
  };
  auto read_unprocessed = [&](od::object tables) -> simdjson::error_code {
    for (auto table : tables) {
      od::object request;
      if (auto error = table.value().get_object().get(request)) return error;
      for (auto member : request) {
        std::string_view name;
        if (auto error = member.unescaped_key().get(name)) return error;
        if (name != "Keys") continue;
        od::array keys;
        if (auto error = member.value().get_array().get(keys)) return error;
        if (auto error = each_object(
                keys, [&](std::string_view text) { unprocessed_keys_.emplace_back(text); }))
          return error;
      }
    }
    return simdjson::SUCCESS;
  };
  auto read_capacity = [&](od::array tables) -> simdjson::error_code {
    for (auto table : tables) {
      od::object capacity;
      if (auto error = table.get_object().get(capacity)) return error;
      // A rate, not data: floating point is right here.
      double units = 0;
      if (!capacity["CapacityUnits"].get_double().get(units)) consumed_units_ += units;
    }
    return simdjson::SUCCESS;
  };

  od::document document;
  od::object root;
  simdjson::error_code error =
      parser_->parser.iterate(answer.data(), answer.size(), answer.capacity()).get(document);
  if (!error) error = document.get_object().get(root);
  if (error) return corrupt(simdjson::error_message(error));
  for (auto member : root) {
    std::string_view name;
    if ((error = member.unescaped_key().get(name))) return corrupt(simdjson::error_message(error));
    if (name == "ConsumedCapacity") {
      od::array capacity;
      error = member.value().get_array().get(capacity);
      if (!error) error = read_capacity(capacity);
    } else if (name == "Responses" || name == "UnprocessedKeys") {
      od::object tables;
      error = member.value().get_object().get(tables);
      if (!error) error = name == "Responses" ? read_responses(tables) : read_unprocessed(tables);
      has_responses |= name == "Responses";
    }
    if (error) return corrupt(simdjson::error_message(error));
  }
  if (!document.current_location().error()) return corrupt("something follows its end");
  if (!has_responses) return corrupt("Responses is missing");
  return {};
}

}  // namespace offramp::source::scan
