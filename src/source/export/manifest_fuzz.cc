// Fuzzes an export's manifests: the text before the first line `---` is manifest-summary.json, the
// rest is manifest-files.json. No crash, and what is accepted keeps the promises of manifest.h.
#include <cstdlib>
#include <string>

#include "source/export/manifest.h"

namespace {

using namespace offramp::source::exports;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find("\n---\n");
  const std::string summary = text.substr(0, cut);
  const std::string files = cut == text.npos ? "" : text.substr(cut + 5);
  auto manifest = parse_summary(summary, "manifest-summary.json");
  if (manifest.ok()) {
    (void)manifest->table_name();
    for (Time time : {manifest->export_time, manifest->from_time, manifest->to_time}) {
      // What was read from a text is written as a text that reads the same.
      if (const auto again = parse_time(format_time(time))) require(*again == time);
    }
    const auto status = parse_files(files, "manifest-files.json", *manifest);
    if (status.ok()) {
      uint64_t items = 0;
      for (const DataFile& file : manifest->files) {
        require(!file.key.empty());
        require(("/" + file.key + "/").find("/../") == std::string::npos);
        items += file.items;
      }
      require(items == manifest->items);
    }
  }
  Manifest empty;
  (void)parse_files(text, "manifest-files.json", empty);
  return 0;
}
