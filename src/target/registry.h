// The targets that this build has. The table in registry.cc is generated from the folders under
// src/target.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/target.h"

namespace offramp::target {

// What a target folder's open.h declares: `const Entry& entry();` in namespace
// offramp::target::FOLDER.
struct Entry {
  std::string_view name;      // "postgresql"
  std::string_view url_form;  // "postgresql://[user@]host[:port]/database": for help and errors
  bool (*takes)(std::string_view url);
  // Connects (or opens the file), so that a wrong address or credential shows at once.
  Result<std::unique_ptr<Target>> (*open)(const std::string& url);
  // What plan needs without a connection.
  Capabilities (*capabilities)();
};

const std::vector<const Entry*>& entries();
// kConfig naming the known forms when no target takes the URL.
Result<const Entry*> find_entry(std::string_view url);

}  // namespace offramp::target
