// Percent escapes of URLs, as signatures see them.
#pragma once

#include <string>
#include <string_view>

namespace offramp::endpoint {

// "%2F" → "/"; a sequence that is no escape stays as it is.
std::string unescaped(std::string_view text);
// Appends `text` with all escaped but A-Z a-z 0-9 - _ . ~ and what `also_plain` holds.
void append_escaped(std::string_view text, std::string_view also_plain, std::string& out);
// The path of a request target as it is signed, "/" when empty.
void append_canonical_path(std::string_view target, std::string& out);
// The query as it is signed: escaped anew, sorted, without X-Amz-Signature.
void append_canonical_query(std::string_view query, std::string& out);

}  // namespace offramp::endpoint
