// LookupAnswer: one answer of BatchGetItem for one table, cut into the texts of its items and of
// the keys left over.
//
// Nothing is decoded. The item views point into the text that was parsed. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::source::scan {

class LookupAnswer {
 public:
  LookupAnswer();
  ~LookupAnswer();

  // `answer` must outlive the views; its capacity may grow. kCorrupt when it is no answer of
  // BatchGetItem.
  Status parse(std::string& answer);

  const std::vector<std::string_view>& items() const { return items_; }
  const std::vector<std::string>& unprocessed_keys() const { return unprocessed_keys_; }
  double consumed_units() const { return consumed_units_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::vector<std::string_view> items_;
  std::vector<std::string> unprocessed_keys_;
  double consumed_units_ = 0;
};

}  // namespace offramp::source::scan
