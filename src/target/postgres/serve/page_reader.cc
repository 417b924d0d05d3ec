#include "target/postgres/serve/page_reader.h"

#include <algorithm>

#include "ddb/item_size.h"
#include "mapping/extra.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using ddb::ItemBatch;
using ddb::ItemView;
using mapping::Cell;
using mapping::CellKind;

namespace {

// Of one statement: rows, and their bytes if all were as large as the largest that the table has
// shown.
constexpr size_t kRowsMax = 1024;
constexpr size_t kStatementBytesMax = 32u << 20;
constexpr size_t kCandidateRows = 500;  // of one statement

const AccessPath& path_of(TableState& state, const PageRequest& request, uint8_t& number) {
  number = 0;
  if (request.index)
    number = static_cast<uint8_t>(request.index - request.table->indexes.data() + 1);
  std::unique_ptr<AccessPath>& path = state.paths[number];
  if (!path) path = std::make_unique<AccessPath>(*request.table, request.index);
  return *path;
}

}  // namespace

Status PageReader::read(TableState& state, const PageRequest& request, Page& page) {
  request_ = &request;
  path_ = &path_of(state, request, path_number_);
  TRY(range_.set(*path_, request));
  bytes_ = items_ = 0;
  bool query = !request.partition.empty();
  // Entries that nothing orders are one: whoever goes on after it is at the end.
  if (request.after && path_->order_of(query).empty()) return {};
  const AccessPath::Parent& first = path_->parents[0];
  bool ordered = query ? first.query_ordered : first.scan_ordered;
  if (state.simple() && ordered && first.hidden.empty() && TRY(read_simple(state, page))) return {};
  for (Mode mode : {Mode::kOneTrip, Mode::kTransaction}) {
    if (mode == Mode::kOneTrip && limit_for(state) == kRowsMax) continue;  // it would not do
    page.items.reset();
    page.more = false;
    bytes_ = items_ = 0;
    TRY(range_.set_after(request.after));
    if (TRY(read_merged(state, page, mode))) break;
  }
  return {};
}

Statement& PageReader::statement(TableState& state, const ReadShape& shape, uint32_t child) {
  Statement& statement = state.reads[shape.packed()];
  if (!statement.sql.empty()) return statement;
  TableNames parent = state.names(path_->parents[shape.parent].table);
  TableNames child_names = shape.child ? state.names(child) : parent;
  statement = read_statement(*path_, shape, parent, shape.child ? &child_names : nullptr,
                             state.names(state.overflow.table));
  return statement;
}

// As many rows as the rest of the page is likely to need.
size_t PageReader::limit_for(const TableState& state) const {
  size_t bytes_left = request_->bytes_max > bytes_ ? request_->bytes_max - bytes_ : 0;
  size_t likely = static_cast<size_t>(static_cast<double>(bytes_left) / state.row_bytes * 1.1) + 4;
  size_t fit = kStatementBytesMax / state.row_bytes_max;
  return std::max<size_t>(1, std::min({request_->items_max - items_, likely, fit, kRowsMax}));
}

bool PageReader::count(TableState& state, ItemView item, Page& page) {
  size_t size = ddb::item_size(item);
  ++items_;
  bytes_ += size;
  state.row_bytes_max = std::max(state.row_bytes_max, size);
  page.more = items_ >= request_->items_max || bytes_ >= request_->bytes_max;
  return page.more;
}

// False: the overflow table is not empty, or all that there is.
Result<bool> PageReader::read_simple(TableState& state, Page& page) {
  ParentState& parent = state.parents[0];
  uint32_t columns = state.table(parent.table).column_count();
  ReadShape shape{.path = path_number_, .segmented = request_->segments > 1, .probe = true};
  for (;;) {
    params_.clear();
    if (!TRY(add_partition(state, parent, path_->parents[0])) ||
        !range_.add_sort(path_->parents[0], shape, params_))
      return false;
    if (shape.segmented) {
      params_.add_int64(request_->segments);
      params_.add_int64(request_->segment);
    }
    size_t limit = limit_for(state);
    params_.add_int64(static_cast<int64_t>(limit));
    channel_.queue(statement(state, shape, 0), params_);
    TRY(channel_.run());
    const QueryResult& result = channel_.result(0);
    int rows = result.rows();
    if (rows > 0 && result.is_null(rows - 1, 0)) return false;
    children_.clear();
    for (int row = 0; row < rows; ++row) {
      cells_.clear();
      memory_.reset(0);
      TRY(decode_row(result.get(), row, 0, columns, parent.decoder, cells_, memory_));
      TRY(state.assembler.assemble(parent.table, cells_.data(), children_, page.items.size(),
                                   page.items));
      if (count(state, page.items.item(page.items.size() - 1), page)) break;
    }
    if (items_ > 0)
      state.row_bytes = std::max(16.0, static_cast<double>(bytes_) / static_cast<double>(items_));
    if (page.more || static_cast<size_t>(rows) < limit) return true;
    TRY(range_.set_after(page.items.item(page.items.size() - 1)));
  }
}

PageReader::Stream& PageReader::add_stream(ParentState& parent, size_t number, ReadKind kind) {
  if (used_ == streams_.size()) streams_.push_back(std::make_unique<Stream>());
  Stream& stream = *streams_[used_++];
  stream.parent = &parent;
  stream.number = number;
  stream.overflow = false;
  stream.kind = kind;
  stream.segmented = false;
  stream.ended = stream.has_head = false;
  stream.last_key.clear();
  return stream;
}

void PageReader::make_streams(TableState& state) {
  used_ = 0;
  bool query = !request_->partition.empty();
  for (size_t i = 0; i < path_->parents.size(); ++i) {
    const AccessPath::Parent& parent = path_->parents[i];
    bool ordered = query ? parent.query_ordered : parent.scan_ordered;
    Stream& stream =
        add_stream(state.parents[i], i, ordered ? ReadKind::kOrdered : ReadKind::kCandidates);
    bool said = std::all_of(parent.sql.begin(),
                            parent.sql.begin() + static_cast<long>(path_->partition_count),
                            [](const auto& sql) { return sql.has_value(); });
    // Rows that hide a value are no part of an ordered stream, but of candidates; their hash
    // would be NULL.
    stream.segmented = request_->segments > 1 && said && ordered;
    // Candidates are all rows, the hidden ones too.
    if (!ordered) continue;
    if (!parent.hidden.empty()) add_stream(state.parents[i], i, ReadKind::kHidden);
  }
  add_stream(state.overflow, 0, ReadKind::kCandidates).overflow = true;
}

void PageReader::queue_overflow(TableState& state, Stream& stream) {
  const std::string& attribute = path_->attributes[0].name;
  bool filter = !request_->partition.empty() && attribute.find('\0') == std::string::npos;
  // Numbered apart from the other statements: no path has this number.
  uint64_t number = (uint64_t{1} << 63) | (uint64_t{path_number_} << 1) | (filter ? 1 : 0);
  Statement& statement = state.reads[number];
  if (statement.sql.empty())
    statement =
        read_overflow_statement(state.names(state.overflow.table), filter ? &attribute : nullptr);
  params_.clear();
  if (filter) {
    arena_.reset();
    mapping::ArenaText text(arena_, 256);
    mapping::write_extra_value(request_->partition[0], text);
    params_.add_json(text.finish());
  }
  if (stream.last_key.empty())
    params_.add(std::string_view("", 0));
  else
    params_.add_row(stream.last_key);
  stream.limit = kCandidateRows;
  params_.add_int64(static_cast<int64_t>(stream.limit));
  channel_.queue(statement, params_);
}

// The partition's parameters; false: it has no rows in this table.
Result<bool> PageReader::add_partition(TableState& state, ParentState& parent,
                                       const AccessPath::Parent& described) {
  if (request_->partition.empty()) return true;
  if (path_->index) return range_.add_partition(described, params_);
  key_rows_.clear();
  key_rows_.cells.resize(described.partition_columns);
  key_rows_.rows = 1;
  arena_.reset();
  if (!state.partition_cells.find(parent.table, request_->partition[0], arena_,
                                  key_rows_.cells.data()))
    return false;
  parent.partition.clear();
  TRY(parent.partition.append(key_rows_, 0, 1));
  params_.add_row(parent.partition.row_bytes(0));
  return true;
}

// The statements of the stream's next rows.
Status PageReader::queue_rows(TableState& state, Stream& stream) {
  stream.first = channel_.queued();
  stream.row = 0;
  stream.child_rows.assign(stream.parent->children.size(), 0);
  if (stream.overflow) {
    queue_overflow(state, stream);
    return {};
  }
  const AccessPath::Parent& parent = path_->parents[stream.number];
  ReadShape shape{.path = path_number_,
                  .parent = static_cast<uint8_t>(stream.number),
                  .kind = stream.kind,
                  .segmented = stream.segmented};
  shape.continued = stream.kind != ReadKind::kOrdered && !stream.last_key.empty();
  params_.clear();
  bool some = true;
  if (stream.kind != ReadKind::kHidden) {
    shape.query = !request_->partition.empty();
    some = TRY(add_partition(state, *stream.parent, parent));
  }
  if (some && stream.kind == ReadKind::kOrdered) some = range_.add_sort(parent, shape, params_);
  if (!some) {
    stream.ended = true;
    stream.rows = 0;
    return {};
  }
  if (shape.segmented) {
    params_.add_int64(request_->segments);
    params_.add_int64(request_->segment);
  }
  if (shape.continued) params_.add_row(stream.last_key);
  stream.limit = stream.kind == ReadKind::kOrdered ? limit_for(state) : kCandidateRows;
  params_.add_int64(static_cast<int64_t>(stream.limit));
  channel_.queue(statement(state, shape, 0), params_);
  for (size_t i = 0; i < stream.parent->children.size(); ++i) {
    shape.child = static_cast<uint8_t>(i + 1);
    channel_.queue(statement(state, shape, stream.parent->children[i].table), params_);
  }
  return {};
}

void PageReader::take_results(Stream& stream) {
  stream.results.clear();
  if (stream.ended) return;
  for (size_t i = 0; i <= stream.parent->children.size(); ++i)
    stream.results.push_back(channel_.take(stream.first + i));
  stream.rows = stream.results[0].rows();
  stream.ended = static_cast<size_t>(stream.rows) < stream.limit;
}

Status PageReader::refill(TableState& state, Stream& stream) {
  if (stream.kind == ReadKind::kOrdered && !stream.overflow)
    TRY(range_.set_after(stream.head.item(0)));
  TRY(queue_rows(state, stream));
  TRY(channel_.run());
  take_results(stream);
  return {};
}

// Appends the item of the stream's next row to `batch`.
Status PageReader::build(TableState& state, Stream& stream, ItemBatch& batch) {
  ParentState& parent = *stream.parent;
  cells_.clear();
  memory_.reset(0);
  uint32_t columns = state.table(parent.table).column_count();
  TRY(decode_row(stream.results[0].get(), stream.row, 0, columns, parent.decoder, cells_, memory_));
  children_.resize(parent.children.size());
  for (size_t i = 0; i < parent.children.size(); ++i) {
    ChildState& child = parent.children[i];
    const QueryResult& rows = stream.results[1 + i];
    uint32_t child_columns = state.table(child.table).column_count();
    children_[i].clear();
    int& at = stream.child_rows[i];
    // The first field is the number of the parent's row, from 1.
    for (; at < rows.rows() &&
           get_u64(rows.text(at, 0).data()) == static_cast<uint64_t>(stream.row) + 1;
         ++at, ++children_[i].rows)
      TRY(decode_row(rows.get(), at, 1, child_columns, child.decoder, children_[i].cells, memory_));
  }
  TRY(state.assembler.assemble(parent.table, cells_.data(), children_, batch.size(), batch));
  ++stream.row;
  if (stream.kind != ReadKind::kOrdered && stream.row == stream.rows && !stream.ended) {
    // The next statement goes on behind this row.
    key_rows_.clear();
    key_rows_.cells.assign(cells_.begin(), cells_.begin() + parent.key_columns);
    key_rows_.rows = 1;
    parent.keys.clear();
    TRY(parent.keys.append(key_rows_, 0, 1));
    stream.last_key = parent.keys.row_bytes(0);
  }
  return {};
}

// All candidates of the stream; false: there are more than one trip has brought.
Result<bool> PageReader::keep_all(TableState& state, Stream& stream, Mode mode) {
  for (;;) {
    while (stream.row < stream.rows) {
      TRY(build(state, stream, kept_.candidate()));
      kept_.offer(Range::Segment::kChecked);
    }
    if (stream.ended) return true;
    if (mode == Mode::kOneTrip) return false;
    TRY(refill(state, stream));
  }
}

// The stream's next item in its head, if there is one; false: it is not among what one trip has
// brought.
Result<bool> PageReader::find_head(TableState& state, Stream& stream, Mode mode) {
  stream.has_head = false;
  if (stream.row == stream.rows && !stream.ended) {
    if (mode == Mode::kOneTrip) return false;
    TRY(refill(state, stream));
  }
  if (stream.row == stream.rows) return true;
  stream.head.reset();
  TRY(build(state, stream, stream.head));
  stream.has_head = true;
  return true;
}

// The stream whose head comes first; nullptr: it is a kept item, or there are no more.
PageReader::Stream* PageReader::least() {
  Stream* least = nullptr;
  for (size_t i = 0; i < used_; ++i) {
    Stream& stream = *streams_[i];
    if (stream.has_head && (!least || range_.compare(stream.head.item(0), least->head.item(0)) < 0))
      least = &stream;
  }
  if (least && !kept_.ended() && range_.compare(kept_.head(), least->head.item(0)) < 0)
    return nullptr;
  return least;
}

Result<bool> PageReader::merge(TableState& state, Page& page, Mode mode) {
  kept_.begin(range_, *request_);
  for (size_t i = 0; i < used_; ++i)
    if (streams_[i]->kind != ReadKind::kOrdered && !TRY(keep_all(state, *streams_[i], mode)))
      return false;
  kept_.finish();
  for (size_t i = 0; i < used_; ++i)
    if (streams_[i]->kind == ReadKind::kOrdered && !TRY(find_head(state, *streams_[i], mode)))
      return false;
  while (!page.more) {
    Stream* stream = least();
    if (!stream && kept_.ended()) break;
    page.items.append(stream ? stream->head.item(0) : kept_.head());
    if (count(state, page.items.item(page.items.size() - 1), page)) break;
    if (!stream)
      kept_.next();
    else if (!TRY(find_head(state, *stream, mode)))
      return false;
  }
  if (items_ > 0)
    state.row_bytes = std::max(16.0, static_cast<double>(bytes_) / static_cast<double>(items_));
  return true;
}

// False: one trip was not enough.
Result<bool> PageReader::read_merged(TableState& state, Page& page, Mode mode) {
  make_streams(state);
  channel_.queue(begin_);
  for (size_t i = 0; i < used_; ++i) TRY(queue_rows(state, *streams_[i]));
  if (mode == Mode::kOneTrip) channel_.queue(commit_);
  TRY(channel_.run());
  for (size_t i = 0; i < used_; ++i) take_results(*streams_[i]);
  auto merged = merge(state, page, mode);
  for (size_t i = 0; i < used_; ++i) streams_[i]->results.clear();
  if (mode == Mode::kOneTrip) return merged;
  channel_.queue(commit_);
  Status ended = channel_.run();
  if (!ended.ok()) channel_.close();
  return merged;
}

}  // namespace offramp::target::postgres
