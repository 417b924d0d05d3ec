#include "io/aws/xml_text.h"

#include <charconv>
#include <cstdint>

namespace offramp::io::aws {
namespace {

void append_utf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
            static_cast<char>(0x80 | (code & 63))};
  } else {
    out += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
            static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
  }
}

// Appends what the entity `name` (between & and ;) stands for; false when it is none that we know.
bool append_entity(std::string_view name, std::string& out) {
  if (name == "amp") return out += '&', true;
  if (name == "lt") return out += '<', true;
  if (name == "gt") return out += '>', true;
  if (name == "quot") return out += '"', true;
  if (name == "apos") return out += '\'', true;
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  int base = 10;
  if (name.starts_with('x')) {
    base = 16;
    name.remove_prefix(1);
  }
  uint32_t code = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (error != std::errc() || end != name.data() + name.size() || code > 0x10ffff) return false;
  append_utf8(code, out);
  return true;
}

}  // namespace

std::optional<std::string_view> xml_inside(std::string_view xml, std::string_view tag,
                                           size_t& from) {
  std::string open = "<" + std::string(tag), close = "</" + std::string(tag) + ">";
  for (size_t at = from; (at = xml.find(open, at)) != xml.npos;) {
    at += open.size();
    if (at >= xml.size()) break;
    if (xml[at] != '>' && xml[at] != ' ' && xml[at] != '/') continue;  // a longer name
    size_t start = xml.find('>', at);
    if (start == xml.npos) break;
    if (xml[start - 1] == '/') {
      from = start + 1;
      return std::string_view();
    }
    size_t end = xml.find(close, start + 1);
    if (end == xml.npos) break;
    from = end + close.size();
    return xml.substr(start + 1, end - start - 1);
  }
  return std::nullopt;
}

std::optional<std::string> xml_text(std::string_view xml, std::string_view tag, size_t& from) {
  auto inside = xml_inside(xml, tag, from);
  if (!inside) return std::nullopt;
  std::string out;
  for (size_t at = 0; at < inside->size();) {
    if ((*inside)[at] == '&') {
      size_t end = inside->find(';', at);
      if (end != inside->npos && append_entity(inside->substr(at + 1, end - at - 1), out)) {
        at = end + 1;
        continue;
      }
    }
    out += (*inside)[at++];
  }
  return out;
}

}  // namespace offramp::io::aws
