// The databases of this build that can serve. The table in registry.cc is generated from the
// folders src/target/*/serve.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/store.h"

namespace offramp::target {

// What src/target/NAME/serve/open.h declares: `const StoreEntry& store_entry();` in namespace
// offramp::target::NAME.
struct StoreEntry {
  std::string_view name;      // "sqlite"
  std::string_view url_form;  // "sqlite:FILE or sqlite::memory:": for help and errors
  bool (*takes)(std::string_view url);
  // Connects (or opens the file) and makes the catalog's own tables, so that a wrong address or
  // credential shows at once.
  Result<std::unique_ptr<Store>> (*open)(const std::string& url);
};

const std::vector<const StoreEntry*>& store_entries();
// kConfig naming the known forms when no store takes the URL.
Result<std::unique_ptr<Store>> open_store(const std::string& url);

}  // namespace offramp::target
