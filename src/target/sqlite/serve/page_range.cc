// A request's conditions as a range of an SQL index: what the statement says and its parameters.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/base64.h"
#include "ddb/scalar_order.h"
#include "target/sqlite/serve/index_paths.h"
#include "target/sqlite/serve/page_reader.h"

namespace offramp::target::sqlite::serve {

using ddb::ValueView;
using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

namespace {

// Numbers of the statements that look for text_numbers_sql().
constexpr uint64_t kTextNumbersStatement = uint64_t{1} << 63;

CellKind cell_kind(ValueView value) {
  return value.type() == ddb::Type::kS   ? CellKind::kText
         : value.type() == ddb::Type::kN ? CellKind::kNumber
                                         : CellKind::kBytes;
}

// The least text that does not begin with `prefix` and is above all that do; false when there is
// none.
bool next_after_prefix(std::string_view prefix, std::string& out) {
  out = prefix;
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xff) out.pop_back();
  if (out.empty()) return false;
  out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return true;
}

}  // namespace

void PageReader::add_parameter(ValueView value) {
  Cell cell = Cell::text(cell_kind(value), value.bytes());
  ColumnType type = value.type() == ddb::Type::kN ? ColumnType::kNumeric : ColumnType::kText;
  parameters_.push_back(encoder_.encode(type, cell, arena_));
}

// As the path's column holds it.
void PageReader::add_parameter(const Path& path, size_t column, ValueView value) {
  ValueForm form = path.forms.empty() ? ValueForm::kColumn : path.forms[column];
  if (form == ValueForm::kBase64) {
    std::string text = base::encode_base64(value.bytes());
    parameters_.push_back(Cell::text(CellKind::kText, {arena_.copy(text), text.size()}));
  } else if (form == ValueForm::kShortNumber && value.bytes().size() > kLateNumberMax) {
    parameters_.push_back(Cell::text(CellKind::kText, value.bytes()));
  } else {
    add_parameter(value);
  }
}

void PageReader::bind(sqlite3_stmt* statement) {
  for (size_t i = 0; i < parameters_.size(); ++i)
    bind_cell(statement, static_cast<int>(i) + 1, parameters_[i]);
}

Result<sqlite3_stmt*> PageReader::bound(const Source& source, const Read& read) {
  sqlite3_stmt* statement = TRY(readers_[source.table]->statement(*source.path, read));
  bind(statement);
  return statement;
}

// False when no row can be in the range.
bool PageReader::add_bound(const Source& source, ValueView value, bool lower, bool inclusive,
                           Read& read) {
  Compare compare = lower ? (inclusive ? Compare::kGreaterEqual : Compare::kGreater)
                          : (inclusive ? Compare::kLessEqual : Compare::kLess);
  Cell cell = Cell::text(cell_kind(value), value.bytes());
  if (source.order) {
    mapping::SortPlace place = mapping::place_of(*source.order, value, cell);
    if (place != mapping::SortPlace::kWithin)
      return lower == (place == mapping::SortPlace::kBelowAll);
  }
  if (cell.kind == CellKind::kNumber) {
    cell = encoder_.encode(ColumnType::kNumeric, cell, arena_);
    if (cell.kind == CellKind::kText) {
      // No stored number compares with this one: take a little more, and look at each item.
      double near = 0;
      std::from_chars(cell.data, cell.data + cell.size, near);
      double infinity = std::numeric_limits<double>::infinity();
      cell = Cell::real_number(std::nextafter(near, lower ? -infinity : infinity));
      exact_ = false;
    }
  }
  (lower ? read.lower : read.upper) = compare;
  parameters_.push_back(cell);
  return true;
}

bool PageReader::add_prefix(const Source& source, ValueView prefix, Read& read) {
  Cell cell = Cell::text(cell_kind(prefix), prefix.bytes());
  if (source.order) {
    mapping::PrefixMatch match = mapping::match_prefix(*source.order, prefix, cell);
    if (match != mapping::PrefixMatch::kWithin) return match == mapping::PrefixMatch::kAll;
  }
  read.lower = Compare::kGreaterEqual;
  parameters_.push_back(cell);
  if (next_after_prefix(cell.bytes(), successor_)) {
    read.upper = Compare::kLess;
    parameters_.push_back(Cell::text(cell.kind, {arena_.copy(successor_), successor_.size()}));
  }
  return true;
}

// Bounds and `after` are both about the side from which reading begins: only the narrower one is
// said in SQL, so that SQLite begins there. False when nothing can be in the range.
bool PageReader::plan_bounds(const PageRequest& request, const Source& source, Read& read) {
  const model::KeyAttribute* bounded = filter_.bounded();
  if (!bounded) return true;
  ValueView after = request.after ? request.after.find(bounded->name) : ValueView();
  bool use_after = static_cast<bool>(after);
  bool use_lower = request.lower.has_value(), use_upper = request.upper.has_value();
  const std::optional<SortBound>& first = request.forward ? request.lower : request.upper;
  if (after && first) {
    auto order = ddb::compare_scalars(after, first->values[0]);
    if (!request.forward) order = 0 <=> order;
    use_after = order > 0 || (order == 0 && first->inclusive);
    if (use_after) (request.forward ? use_lower : use_upper) = false;
  }
  if (request.prefix) {
    // `after` begins with the prefix in all requests that make sense.
    if (!add_prefix(source, request.prefix, read)) return false;
  }
  if (use_lower &&
      !add_bound(source, request.lower->values[0], true, request.lower->inclusive, read))
    return false;
  if (use_upper &&
      !add_bound(source, request.upper->values[0], false, request.upper->inclusive, read))
    return false;
  return !use_after || plan_after(request, source, read);
}

// False when nothing comes after it.
bool PageReader::plan_after(const PageRequest& request, const Source& source, Read& read) {
  Compare compare = request.forward ? Compare::kGreater : Compare::kLess;
  const Path& path = *source.path;
  if (path.attributes.empty()) {
    // Along the key of a table with templates: one column is left, the sort key's.
    Cell cell;
    ValueView value = request.after.find(request.table->key.sort->name);
    mapping::SortPlace place = mapping::place_of(*source.order, value, cell);
    if (place != mapping::SortPlace::kWithin)
      return request.forward == (place == mapping::SortPlace::kBelowAll);
    read.after = compare;
    parameters_.push_back(encoder_.encode(ColumnType::kNumeric, cell, arena_));
    after_text_number_ |=
        value.type() == ddb::Type::kN && parameters_.back().kind == CellKind::kText;
    return true;
  }
  read.after = compare;
  for (size_t i = read.equal; i < path.columns.size(); ++i) {
    add_parameter(path, i, request.after.find(path.attributes[i].name));
    after_text_number_ |=
        path.types[i] == ColumnType::kNumeric && parameters_.back().kind == CellKind::kText;
  }
  return true;
}

Result<bool> PageReader::has_text_numbers(const Source& source, uint32_t equal) {
  const Path& path = *source.path;
  for (uint32_t i = equal; i < path.columns.size(); ++i) {
    if (path.types[i] != ColumnType::kNumeric) continue;
    TableReader& reader = *readers_[source.table];
    sqlite3_stmt* row = nullptr;
    if (i == equal) {
      Read seek;
      seek.path = source.path_number;
      seek.equal = equal;
      seek.lower = Compare::kGreaterEqual;
      row = TRY(reader.statement(path, seek));
      for (uint32_t p = 0; p < equal; ++p) bind_cell(row, static_cast<int>(p) + 1, parameters_[p]);
      bind_cell(row, static_cast<int>(equal) + 1, Cell::text(CellKind::kText, ""));
    } else {
      uint64_t number = kTextNumbersStatement | (uint64_t{source.path_number} << 16) | i;
      row = TRY(reader.statement(number, path.text_numbers.empty()
                                             ? text_numbers_sql(reader.table(), path.columns[i])
                                             : path.text_numbers[i]));
    }
    StatementReset reset(row);
    if (TRY(TableReader::step(row))) return true;
  }
  return false;
}

// A scan's order is any: SQLite's own is as good.
void PageReader::scan_range(const PageRequest& request, const Source& source, Read& read) {
  read.forward = true;
  // Entries of an index of its own are looked at one by one; the filter has another hash.
  read.segmented = request.segments > 1 && source.path->from.empty();
  if (request.after) {
    read.after = Compare::kGreater;
    const std::vector<model::KeyAttribute>& attributes = source.path->attributes;
    for (size_t i = 0; i < attributes.size(); ++i)
      add_parameter(*source.path, i, request.after.find(attributes[i].name));
  }
  if (!read.segmented) return;
  parameters_.push_back(Cell::int64(request.segments));
  parameters_.push_back(Cell::int64(request.segment));
}

// Partition and sort_equal. False when no row can have them.
bool PageReader::add_equalities(const PageRequest& request, const Source& source, Read& read) {
  const Path& path = *source.path;
  read.equal = path.partition;
  if (!path.attributes.empty()) {
    size_t column = 0;
    for (ValueView value : request.partition) add_parameter(path, column++, value);
    for (ValueView value : request.sort_equal) add_parameter(path, column++, value);
    read.equal += static_cast<uint32_t>(request.sort_equal.size());
    return true;
  }
  parameters_.resize(path.partition);
  if (!partitions_.find(source.table, request.partition[0], arena_, parameters_.data()))
    return false;
  for (size_t i = 0; i < parameters_.size(); ++i)
    parameters_[i] = encoder_.encode(path.types[i], parameters_[i], arena_);
  if (request.sort_equal.empty() || source.order->sort != mapping::SortOrder::kByColumn)
    return true;
  Cell cell;
  if (mapping::place_of(*source.order, request.sort_equal[0], cell) != mapping::SortPlace::kWithin)
    return false;
  parameters_.push_back(encoder_.encode(ColumnType::kNumeric, cell, arena_));
  ++read.equal;
  return true;
}

Result<PageReader::Range> PageReader::plan_range(const PageRequest& request, const Source& source,
                                                 Read& read) {
  parameters_.clear();
  exact_ = true;
  after_text_number_ = false;
  read = {};
  read.path = source.path_number;
  read.forward = request.forward;
  if (request.partition.empty()) {
    scan_range(request, source, read);
    return Range::kOrdered;
  }
  if (!add_equalities(request, source, read)) return Range::kNone;
  if (source.order && source.order->sort == mapping::SortOrder::kInMemory) return Range::kUnordered;
  bool one_row = read.equal == source.path->columns.size();
  if (one_row) {
    exact_ = false;
    return Range::kOrdered;
  }
  size_t equalities = parameters_.size();
  Read equal_only = read;
  bool unordered = TRY(has_text_numbers(source, read.equal)) ||
                   (source.path->forms.size() > read.equal &&
                    std::find(source.path->forms.begin() + read.equal, source.path->forms.end(),
                              ValueForm::kBase64) != source.path->forms.end());
  if (!unordered) {
    bool possible = filter_.bounded() ? plan_bounds(request, source, read)
                                      : !request.after || plan_after(request, source, read);
    if (!possible) return Range::kNone;
    unordered = after_text_number_;
  }
  if (!unordered) return Range::kOrdered;
  read = equal_only;
  parameters_.resize(equalities);
  return Range::kUnordered;
}

// Of a plan's index: bounds on its first sort attribute, ends included, since each item is looked
// at. False when nothing can be in the range.
bool PageReader::index_bounds(const PageRequest& request, const Source& source, Read& read) {
  if (!request.sort_equal.empty())
    return add_bound(source, request.sort_equal[0], true, true, read) &&
           add_bound(source, request.sort_equal[0], false, true, read);
  if (request.prefix) return add_prefix(source, request.prefix, read);
  ValueView after = request.after ? request.after.find(request.index->sort[0].name) : ValueView();
  ValueView lower = request.lower ? request.lower->values[0] : ValueView();
  ValueView upper = request.upper ? request.upper->values[0] : ValueView();
  if (after && request.forward && (!lower || ddb::compare_scalars(after, lower) > 0)) lower = after;
  if (after && !request.forward && (!upper || ddb::compare_scalars(after, upper) < 0))
    upper = after;
  return (!lower || add_bound(source, lower, true, true, read)) &&
         (!upper || add_bound(source, upper, false, true, read));
}

// `read` and the rest of parameters_.
Result<PageReader::Until> PageReader::index_range(const PageRequest& request, const Source& source,
                                                  const PlanAccess& access, Read& read) {
  read.path = source.path_number;
  read.forward = request.forward;
  read.equal = access.path.partition;
  if (!access.sort) return Until::kEnd;
  size_t equalities = parameters_.size();
  Read equal_only = read;
  bool ordered = !TRY(has_text_numbers(source, read.equal));
  if (ordered && index_bounds(request, source, read))
    return request.sort_equal.empty() ? Until::kFullAndNextValue : Until::kEnd;
  // Numbers that SQL does not order; or nothing in the range, which the filter finds too.
  read = equal_only;
  parameters_.resize(equalities);
  return Until::kEnd;
}

}  // namespace offramp::target::sqlite::serve
