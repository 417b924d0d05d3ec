// The fidelity report: where every attribute's values will go, and every possible loss, before a
// byte moves.
//
// Only `drop` and `skip` lose anything, and a proposal has neither; `extra` keeps values whole,
// beside the columns.
#pragma once

#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"
#include "mapping/profile/names.h"

namespace offramp::mapping::profile {

struct FidelityReport {
  struct TableLine {
    std::string table;
    uint64_t items = 0;  // of the sample
  };
  uint64_t items_seen = 0;
  uint64_t items_sampled = 0;
  uint64_t items_odd = 0;      // of the sample, to the last table whole
  uint64_t items_keyless = 0;  // of the sample, refused: dead letters
  std::vector<TableLine> tables;
  std::vector<AttributeFate> attributes;
  std::vector<std::string> notes;  // beside `attributes`, may be empty texts
  std::vector<NameFix> name_fixes;
};

// For a terminal: aligned columns, one line per attribute.
std::string fidelity_text(const FidelityReport& report);
// One JSON object.
std::string fidelity_json(const FidelityReport& report);

}  // namespace offramp::mapping::profile
