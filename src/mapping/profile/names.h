// Names that a target accepts: lower snake_case, within its length, no reserved word, never two
// alike.
//
// Names are compared without regard to case, whatever the target does: a plan should survive a
// change of target.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::mapping::profile {

// A name that could not simply be taken over, for the report.
struct NameFix {
  std::string table;  // empty: the name is a table's
  std::string from;
  std::string to;
  std::string why;
};

// placedAt → placed_at, GSI1PK → gsi1_pk, Status#Date → status_date. May be empty.
std::string snake_case(std::string_view name);
// order → orders, entity → entities, boxes → boxes. For lower-case names.
std::string plural(std::string_view noun);
std::string singular(std::string_view noun);
bool is_reserved_word(std::string_view lower_case_name);

// The names of one scope: the tables of a target, or the columns of one table.
class NameScope {
 public:
  NameScope(std::string table, size_t bytes_max, std::vector<std::string> reserved_words,
            std::vector<NameFix>& fixes)
      : table_(std::move(table)),
        bytes_max_(bytes_max),
        reserved_(reserved_words.begin(), reserved_words.end()),
        fixes_(fixes) {}

  // Claims a fixed name for `source` (which names the thing in the report and gives the suffix).
  std::string claim(std::string_view wanted, std::string_view source);
  bool taken(std::string_view name) const { return taken_.contains(std::string(name)); }
  void reserve(std::string_view name) { taken_.insert(std::string(name)); }

 private:
  std::string table_;
  size_t bytes_max_;
  std::set<std::string> reserved_;
  std::set<std::string> taken_;
  std::vector<NameFix>& fixes_;
};

}  // namespace offramp::mapping::profile
