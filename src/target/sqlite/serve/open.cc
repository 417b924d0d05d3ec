#include "target/sqlite/serve/open.h"

#include <mutex>

#include "target/sqlite/serve/sqlite_store.h"

namespace offramp::target::sqlite {

namespace {

constexpr std::string_view kScheme = "sqlite:";

bool takes(std::string_view url) { return url.starts_with(kScheme); }

Result<std::unique_ptr<Store>> open(const std::string& url) {
  // Counting its memory makes SQLite take a lock of the whole process at every allocation. Refused,
  // without harm, once SQLite is in use.
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
  std::string path = url.substr(kScheme.size());
  if (path.starts_with("///")) path.erase(0, 2);  // sqlite:///abs/path as other tools write it
  if (path.empty() || path.find('\0') != path.npos)
    return Error(ErrorKind::kConfig, "sqlite.no_path",
                 "'" + url + "' names no file; write sqlite:FILE or sqlite::memory:");
  return serve::SqliteStore::open(path);
}

}  // namespace

const StoreEntry& store_entry() {
  static const StoreEntry entry{"sqlite", "sqlite:FILE or sqlite::memory:", takes, open};
  return entry;
}

}  // namespace offramp::target::sqlite
