// Script: several statements sent as one message, COPY … FROM STDIN among them with their bytes.
//
// One message costs one round trip, and one more per COPY: the server asks for its bytes. The
// server stops at the first statement that fails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::target::postgres {

struct Script {
  static constexpr uint32_t kNoTable = UINT32_MAX;
  struct Step {
    std::string doing;           // "upsert rows of orders"
    uint32_t table = kNoTable;   // index into the mapping's tables, for errors
    std::string_view copy = {};  // of a COPY: its stream, which lives until the script has run
  };
  std::string sql;
  std::vector<Step> steps;  // one per statement

  void add(std::string_view statement, Step step) {
    if (!sql.empty()) sql += "; ";
    sql += statement;
    steps.push_back(std::move(step));
  }
  void clear() {
    sql.clear();
    steps.clear();
  }
};

}  // namespace offramp::target::postgres
