// ScanPage: one answer of Scan, cut into the texts of its items without decoding them.
//
// Reused from page to page. The views point into the page's own text. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::source::scan {

class ScanPage {
 public:
  ScanPage();
  ~ScanPage();

  // Takes the answer over. kCorrupt when it is no answer of Scan or its Count is not the number of
  // its items (C6).
  Status parse(std::string answer);

  const std::vector<std::string_view>& items() const { return items_; }
  // The text of LastEvaluatedKey, exactly as sent; empty on the last page.
  const std::string& last_key() const { return last_key_; }
  double consumed_units() const { return consumed_units_; }
  // Items that were read, also those that a filter would have dropped.
  uint64_t scanned() const { return scanned_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string text_;
  std::vector<std::string_view> items_;
  std::string last_key_;
  double consumed_units_ = 0;
  uint64_t scanned_ = 0;
};

}  // namespace offramp::source::scan
