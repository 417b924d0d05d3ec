// Members of `extra` in SQLite's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ddb/value.h"

namespace offramp::target::sqlite::serve {

// The path of an attribute's value of this type, as a literal for json_extract(): '$."a"."S"'.
// Nothing where SQLite would not find the name: it looks for it in the JSON text as it stands
// there.
std::optional<std::string> json_path(std::string_view attribute, ddb::Type type);

// Whether `extra` (SQL) has text with a NUL character, which it keeps in another form
// (mapping/extra.h): 1 or 0.
std::string odd_rows(const std::string& extra);

}  // namespace offramp::target::sqlite::serve
