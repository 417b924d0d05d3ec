#include "target/sqlite/serve/statements.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {
namespace {

const char* sign(Compare compare) {
  switch (compare) {
    case Compare::kGreater:
      return " > ";
    case Compare::kGreaterEqual:
      return " >= ";
    case Compare::kLess:
      return " < ";
    default:
      return " <= ";
  }
}

std::string joined(const std::vector<std::string>& parts, size_t from, size_t to,
                   const std::string& tail = "") {
  std::string out;
  for (size_t i = from; i < to; ++i) out += (i > from ? ", " : "") + parts[i] + tail;
  return out;
}

}  // namespace

std::string read_sql(const mapping::Table& table, const Path& path, const Read& read) {
  int parameter = 0;
  auto next = [&] { return "?" + std::to_string(++parameter); };
  std::string where;
  for (uint32_t i = 0; i < read.equal; ++i) where += " AND " + path.columns[i] + " = " + next();
  if (read.lower != Compare::kNone)
    where += " AND " + path.columns[read.equal] + sign(read.lower) + next();
  if (read.upper != Compare::kNone)
    where += " AND " + path.columns[read.equal] + sign(read.upper) + next();
  if (read.after != Compare::kNone) {
    std::string parameters;
    for (size_t i = read.equal; i < path.columns.size(); ++i)
      parameters += (i > read.equal ? ", " : "") + next();
    where += " AND (" + joined(path.columns, read.equal, path.columns.size()) + ")" +
             sign(read.after) + "(" + parameters + ")";
  }
  where += path.not_null;
  if (read.segmented) {
    std::string count = next();
    where += " AND " + std::string(kSegmentFunction) + "(" + count + ", " +
             joined(path.columns, 0, path.partition) + ") = " + next();
  }
  std::string out = "SELECT ";
  if (path.from.empty()) {
    out += all_columns(table) + " FROM " + quote_name(table.name);
  } else {
    for (size_t i = 0; i < table.columns.size(); ++i)
      out += (i ? ", " : "") + quote_name(table.name) + "." + quote_name(table.columns[i].name);
    out += " FROM " + path.from;
  }
  if (!path.index_name.empty()) out += " INDEXED BY " + quote_name(path.index_name);
  if (!where.empty()) out += " WHERE " + where.substr(5);
  if (read.equal < path.columns.size())
    out += " ORDER BY " +
           joined(path.columns, read.equal, path.columns.size(), read.forward ? "" : " DESC");
  return out;
}

}  // namespace offramp::target::sqlite::serve
