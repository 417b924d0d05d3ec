// The text of one element in the small, flat XML answers of S3 and STS.
//
// Not an XML parser: it finds the first <Tag>…</Tag> and undoes the five entities and numeric
// references. Enough for answers whose elements of interest hold only text; anything else gives
// nothing, never a crash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace offramp::io::aws {

// The text of the first element `tag` at or after `from`; `from` is moved behind it.
std::optional<std::string> xml_text(std::string_view xml, std::string_view tag, size_t& from);
inline std::optional<std::string> xml_text(std::string_view xml, std::string_view tag) {
  size_t from = 0;
  return xml_text(xml, tag, from);
}
// The inside of the first element `tag`, as written.
std::optional<std::string_view> xml_inside(std::string_view xml, std::string_view tag,
                                           size_t& from);

}  // namespace offramp::io::aws
