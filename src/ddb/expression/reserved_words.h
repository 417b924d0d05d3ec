// The words that the service does not take as bare attribute names, in any case of letters.
#pragma once

#include <string_view>

namespace offramp::ddb::expression {

bool is_reserved_word(std::string_view name);

}  // namespace offramp::ddb::expression
