// Which URLs are SQLite files, and opening one.
#include "target/sqlite/open.h"

#include "target/sqlite/sqlite_target.h"

namespace offramp::target::sqlite {

namespace {

constexpr std::string_view kScheme = "sqlite:";

bool takes(std::string_view url) { return url.starts_with(kScheme); }

Result<std::unique_ptr<Target>> open(const std::string& url) {
  std::string path = url.substr(kScheme.size());
  if (path.starts_with("///")) path.erase(0, 2);  // sqlite:///abs/path as other tools write it
  if (path.empty() || path.find('\0') != path.npos)
    return Error(ErrorKind::kConfig, "sqlite.no_path",
                 "'" + url + "' names no file; write sqlite:FILE");
  return SqliteTarget::open(Options{.path = std::move(path)});
}

}  // namespace

const Entry& entry() {
  static const Entry entry{"sqlite", "sqlite:FILE", takes, open, SqliteTarget::static_capabilities};
  return entry;
}

}  // namespace offramp::target::sqlite
