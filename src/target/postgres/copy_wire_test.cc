// Encoder and decoder against each other, without a server.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "target/postgres/copy_decoder.h"
#include "target/postgres/copy_encoder.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

mapping::Table make_table(std::vector<ColumnType> types) {
  mapping::Table table{.name = "t"};
  for (size_t i = 0; i < types.size(); ++i)
    table.columns.push_back({.name = "c" + std::to_string(i), .type = types[i]});
  table.key_columns = 1;
  return table;
}

Cell array(const std::vector<Cell>& members) {
  Cell cell;
  cell.kind = CellKind::kArray;
  cell.size = static_cast<uint32_t>(members.size());
  cell.members = members.data();
  return cell;
}

struct Decoded {
  std::vector<Cell> cells;
  base::Arena bytes, members{1024 * sizeof(Cell)};
};

Status decode(const mapping::Table& table, std::string_view row, Decoded& out) {
  return CopyDecoder(table, table.column_count()).decode(row, out.cells, out.bytes, out.members);
}

TEST(CopyWire, EveryTypeComesBack) {
  mapping::Table table = make_table(
      {ColumnType::kText, ColumnType::kBigint, ColumnType::kNumeric, ColumnType::kDouble,
       ColumnType::kBoolean, ColumnType::kBytea, ColumnType::kTimestamptz, ColumnType::kDate,
       ColumnType::kUuid, ColumnType::kJsonb, ColumnType::kAttribute, ColumnType::kTextArray,
       ColumnType::kNumericArray, ColumnType::kByteaArray, ColumnType::kText});
  std::vector<Cell> texts{Cell::text(CellKind::kText, "a"), Cell::text(CellKind::kText, "")};
  std::vector<Cell> numbers{Cell::text(CellKind::kNumber, "-0.5"),
                            Cell::text(CellKind::kNumber, "7")};
  std::vector<Cell> blobs{Cell::text(CellKind::kBytes, std::string_view("\0\1", 2))};
  mapping::TableRows rows;
  rows.cells = {Cell::text(CellKind::kText, "käse"),
                Cell::int64(INT64_MIN),
                Cell::text(CellKind::kNumber, "12345678901234567890.5"),
                Cell::real_number(0.1),
                Cell::boolean_value(true),
                Cell::text(CellKind::kBytes, std::string_view("\0\xff", 2)),
                Cell::int64(-1),
                Cell::int64(19'000),
                Cell::text(CellKind::kBytes, "0123456789abcdef"),
                Cell::text(CellKind::kJson, "{\"a\":1}"),
                Cell::text(CellKind::kJson, "{\"S\":\"x\"}"),
                array(texts),
                array(numbers),
                array(blobs),
                Cell()};
  rows.rows = 1;
  CopyEncoder encoder(table, table.column_count());
  ASSERT_TRUE(encoder.append(rows, 0, 1).ok());
  ASSERT_TRUE(encoder.append(rows, 0, 1).ok());
  std::string_view stream = encoder.finish();
  EXPECT_EQ(copy_header_size(stream), kCopyHeaderBytes);
  EXPECT_TRUE(is_copy_trailer(stream.substr(stream.size() - 2)));
  EXPECT_EQ(encoder.row_bytes(0), encoder.row_bytes(1));
  EXPECT_TRUE(encoder.row_bytes(2).empty());
  Decoded out;
  Status status = decode(table, encoder.row_bytes(1), out);
  ASSERT_TRUE(status.ok()) << status.error().message();
  ASSERT_EQ(out.cells.size(), rows.cells.size());
  for (size_t i = 0; i < rows.cells.size(); ++i) {
    const Cell &want = rows.cells[i], &got = out.cells[i];
    EXPECT_EQ(got.kind, want.kind) << i;
    switch (want.kind) {
      case CellKind::kInt64:
        EXPECT_EQ(got.integer, want.integer) << i;
        break;
      case CellKind::kDouble:
        EXPECT_EQ(got.real, want.real);
        break;
      case CellKind::kBool:
        EXPECT_EQ(got.boolean, want.boolean);
        break;
      case CellKind::kNull:
        break;
      case CellKind::kArray:
        ASSERT_EQ(got.size, want.size);
        for (uint32_t m = 0; m < want.size; ++m) {
          EXPECT_EQ(got.members[m].kind, want.members[m].kind);
          EXPECT_EQ(got.members[m].bytes(), want.members[m].bytes());
        }
        break;
      default:
        EXPECT_EQ(got.bytes(), want.bytes()) << i;
    }
  }
}

TEST(CopyWire, EmptyArray) {
  mapping::Table table = make_table({ColumnType::kTextArray});
  mapping::TableRows rows;
  rows.cells = {array({})};
  rows.rows = 1;
  CopyEncoder encoder(table, 1);
  ASSERT_TRUE(encoder.append(rows, 0, 1).ok());
  Decoded out;
  ASSERT_TRUE(decode(table, encoder.row_bytes(0), out).ok());
  EXPECT_EQ(out.cells[0].kind, CellKind::kArray);
  EXPECT_EQ(out.cells[0].size, 0u);
}

Status append_one(ColumnType type, Cell cell) {
  mapping::Table table = make_table({type});
  mapping::TableRows rows;
  rows.cells = {cell};
  rows.rows = 1;
  CopyEncoder encoder(table, 1);
  Status status = encoder.append(rows, 0, 1);
  EXPECT_EQ(encoder.rows(), status.ok() ? 1u : 0u);
  return status;
}

TEST(CopyWire, TimesOutsideTheRangeAreBadItems) {
  EXPECT_EQ(append_one(ColumnType::kTimestamptz, Cell::int64(INT64_MIN)).error().kind(),
            ErrorKind::kBadItem);
  EXPECT_EQ(append_one(ColumnType::kTimestamptz, Cell::int64(INT64_MAX)).error().kind(),
            ErrorKind::kBadItem);
  EXPECT_EQ(append_one(ColumnType::kDate, Cell::int64(INT64_MAX / 2)).error().kind(),
            ErrorKind::kBadItem);
  EXPECT_TRUE(append_one(ColumnType::kTimestamptz, Cell::int64(0)).ok());
}

TEST(CopyWire, CellThatDoesNotFitIsOurDefect) {
  Status status = append_one(ColumnType::kNumeric, Cell::text(CellKind::kText, "secret"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kInternal);
  EXPECT_EQ(status.error().message().find("secret"), std::string::npos);
  EXPECT_NE(status.error().message().find("column c0"), std::string::npos);
}

TEST(CopyWire, CutRowsAreCorrupt) {
  mapping::Table table =
      make_table({ColumnType::kText, ColumnType::kNumericArray, ColumnType::kBigint});
  std::vector<Cell> numbers{Cell::text(CellKind::kNumber, "12.5"),
                            Cell::text(CellKind::kNumber, "7")};
  mapping::TableRows rows;
  rows.cells = {Cell::text(CellKind::kText, "abc"), array(numbers), Cell::int64(1)};
  rows.rows = 1;
  CopyEncoder encoder(table, 3);
  ASSERT_TRUE(encoder.append(rows, 0, 1).ok());
  std::string row(encoder.row_bytes(0));
  for (size_t size = 0; size < row.size(); ++size) {
    // A copy of exact size, so that a sanitizer sees a read behind it.
    std::vector<char> cut(row.begin(), row.begin() + static_cast<long>(size));
    Decoded out;
    Status status = decode(table, {cut.data(), cut.size()}, out);
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt);
  }
}

RC_GTEST_PROP(CopyWire, AnyBytesDecodeOrFail, (const std::string& bytes)) {
  mapping::Table table = make_table({ColumnType::kTextArray, ColumnType::kNumeric});
  std::string row("\0\2", 2);
  row += bytes;
  Decoded out;
  Status status = decode(table, row, out);
  const bool whole = !status.ok() || out.cells.size() == 2;
  RC_ASSERT(whole);
}

}  // namespace
}  // namespace offramp::target::postgres
