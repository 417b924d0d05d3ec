#include "source/scan/scan_page.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>

#include "source/service_answer.h"

namespace offramp::source::scan {
namespace {

namespace od = simdjson::ondemand;

Error corrupt(std::string_view why) {
  return Error(ErrorKind::kCorrupt, "scan.answer",
               fmt::format("the answer of Scan cannot be read: {}", why));
}

// A key holds at most 2048 + 1024 bytes; escaped and with names that stays far below this.
constexpr size_t kKeyTextMax = 64 * 1024;

}  // namespace

struct ScanPage::Parser {
  od::parser parser;
};

ScanPage::ScanPage() : parser_(std::make_unique<Parser>()) {}
ScanPage::~ScanPage() = default;

Status ScanPage::parse(std::string answer) {
  text_ = std::move(answer);
  items_.clear();
  last_key_.clear();
  consumed_units_ = 0;
  scanned_ = 0;
  text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
  std::optional<uint64_t> count, scanned;
  bool has_items = false;

  od::document document;
  if (auto error =
          parser_->parser.iterate(text_.data(), text_.size(), text_.capacity()).get(document))
    return corrupt(simdjson::error_message(error));
  od::object root;
  if (auto error = document.get_object().get(root)) return corrupt(simdjson::error_message(error));
  for (auto member : root) {
    std::string_view name;
    if (auto error = member.unescaped_key().get(name))
      return corrupt(simdjson::error_message(error));
    simdjson::error_code error = simdjson::SUCCESS;
    if (name == "Items") {
      od::array array;
      if ((error = member.value().get_array().get(array)))
        return corrupt(simdjson::error_message(error));
      for (auto element : array) {
        od::object item;
        std::string_view text;
        if ((error = element.get_object().get(item)))
          return corrupt(simdjson::error_message(error));
        if ((error = item.raw_json().get(text))) return corrupt(simdjson::error_message(error));
        items_.push_back(without_trailing_space(text));
      }
      has_items = true;
    } else if (name == "LastEvaluatedKey") {
      od::object key;
      std::string_view text;
      if ((error = member.value().get_object().get(key)))
        return corrupt(simdjson::error_message(error));
      if ((error = key.raw_json().get(text))) return corrupt(simdjson::error_message(error));
      if (text.size() > kKeyTextMax) return corrupt("its LastEvaluatedKey is too long");
      last_key_ = without_trailing_space(text);
    } else if (name == "ConsumedCapacity") {
      od::object capacity;
      if ((error = member.value().get_object().get(capacity)))
        return corrupt(simdjson::error_message(error));
      // A rate, not data: floating point is right here.
      if (capacity["CapacityUnits"].get_double().get(consumed_units_)) consumed_units_ = 0;
    } else if (name == "Count" || name == "ScannedCount") {
      uint64_t number = 0;
      if ((error = member.value().get_uint64().get(number)))
        return corrupt(simdjson::error_message(error));
      (name == "Count" ? count : scanned) = number;
    }
  }
  if (!document.current_location().error()) return corrupt("something follows its end");
  if (!has_items || !count) return corrupt("Items or Count is missing");
  if (*count != items_.size())
    return corrupt(fmt::format("Count says {} items, {} came", *count, items_.size()));
  scanned_ = scanned.value_or(*count);
  return {};
}

}  // namespace offramp::source::scan
