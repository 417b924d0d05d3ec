#include "source/export/export_source.h"

#include <algorithm>

#include "source/export/export_fixture.h"

namespace offramp::source::exports {
namespace {

using testing::ExportFixture;
using testing::ReadAll;
using testing::TempDir;
using Items = std::vector<std::string>;

Items sorted(Items items) {
  std::sort(items.begin(), items.end());
  return items;
}

Result<std::unique_ptr<ItemSource>> open_at(const fs::path& location, const TempDir& stage,
                                            std::vector<std::string> then = {},
                                            std::optional<model::KeySchema> key = {}) {
  return open_export(
      {location.string(), std::move(then), std::move(key), stage.path().string(), "", ""});
}

const fs::path kAllTypes = "exports/full-all-types/AWSDynamoDB/01715685260608-c488b4e1";
const fs::path kFull = "exports/full-then-incremental/AWSDynamoDB/01768385930622-efd1a093";
const fs::path kFirst = "exports/full-then-incremental/AWSDynamoDB/01768386924000-d339e52d";
const fs::path kSecond = "exports/full-then-incremental/AWSDynamoDB/01768388186000-4a2fc3ff";

TEST(ExportSource, ARealFullExport) {
  TempDir stage;
  auto source = open_at(testing::shared_data() / kAllTypes, stage);
  ASSERT_TRUE(source.ok()) << source.error().message();
  EXPECT_EQ((*source)->describe()->name, "S3ExportTest");
  EXPECT_EQ((*source)->describe()->item_count, 3u);
  ReadAll all = testing::read_source(**source);
  EXPECT_FALSE(all.error) << all.error->message();
  EXPECT_EQ(all.items.size(), 3u);
  EXPECT_TRUE(all.bad.empty());
}

TEST(ExportSource, EmptyDataFilesArePartitionsWithoutItems) {
  TempDir stage;
  auto source = open_at(testing::shared_data() / kFull / "manifest-summary.json", stage);
  ASSERT_TRUE(source.ok()) << source.error().message();
  auto partitions = (*source)->partitions();
  ASSERT_EQ(partitions->size(), 4u);
  EXPECT_EQ((*partitions)[0].id,
            "AWSDynamoDB/01768385930622-efd1a093/data/zqp435kgma323mmasy7jmciuje.json.gz");
  EXPECT_EQ((*partitions)[0].items, 0u);
  EXPECT_EQ((*partitions)[0].bytes, 20u);
  ReadAll empty = testing::read_partition(**source, (*partitions)[0]);
  EXPECT_FALSE(empty.error);
  EXPECT_TRUE(empty.items.empty());
  EXPECT_EQ(testing::read_source(**source).items.size(), 3u);
}

TEST(ExportSource, ARealChainGivesTheStateAtItsEnd) {
  TempDir stage;
  fs::path data = testing::shared_data();
  auto source = open_at(data / kFull, stage, {(data / kSecond).string(), (data / kFirst).string()});
  ASSERT_TRUE(source.ok()) << source.error().message();
  ReadAll all = testing::read_source(**source);
  EXPECT_FALSE(all.error) << all.error->message();
  // The first window inserts 2/1 2/2 2/3 3/1 3/2 3/3, the second deletes 1/1 and 2/3, changes 3/2
  // and 1/3, inserts 4/2.
  Items keys;
  for (const std::string& item : all.items) {
    size_t pk = item.find("\"pk\":{\"S\":\"") + 11, sk = item.find("\"sk\":{\"S\":\"") + 11;
    keys.push_back(std::string(1, item[pk]) + "/" + item[sk]);
  }
  EXPECT_EQ(sorted(keys), (Items{"1/2", "1/3", "2/1", "2/2", "3/1", "3/2", "3/3", "4/2"}));
  auto changed = std::find_if(all.items.begin(), all.items.end(), [](const std::string& item) {
    return item.find("\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"3\"}") != item.npos;
  });
  ASSERT_NE(changed, all.items.end());
  EXPECT_NE(changed->find("bin_update"), std::string::npos);
  auto key = (*source)->describe()->key;
  ASSERT_TRUE(key);
  EXPECT_EQ(key->partition.name, "pk");
  EXPECT_EQ(key->sort->name, "sk");
  // 69 seconds lie between the export's time and the first window.
  ASSERT_FALSE((*source)->remarks().empty());
  EXPECT_NE((*source)->remarks()[0].find("69.378"), std::string::npos) << (*source)->remarks()[0];
  // Built once more from what is there: the same.
  auto again = open_at(data / kFull, stage, {(data / kFirst).string(), (data / kSecond).string()});
  EXPECT_EQ(sorted(testing::read_source(**again).items), sorted(all.items));
  EXPECT_EQ(*(*again)->fingerprint(), *(*source)->fingerprint());
}

TEST(ExportSource, C6_AMissingWindowIsAGap) {
  TempDir stage;
  fs::path data = testing::shared_data();
  auto source = open_at(data / kFull, stage, {(data / kSecond).string()});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().kind(), ErrorKind::kGap);
  EXPECT_NE(source.error().message().find("2026-01-14T10:18:50.622Z … 2026-01-14T10:35:00.000Z"),
            std::string::npos)
      << source.error().message();
}

TEST(ExportSource, WrongChainsAreWrongUse) {
  TempDir stage;
  fs::path data = testing::shared_data();
  EXPECT_EQ(open_at(data / kFirst, stage).error().code(), "export.not_full");
  EXPECT_EQ(open_at(data / kFull, stage, {(data / kAllTypes).string()}).error().code(),
            "export.not_incremental");
  EXPECT_EQ(open_at(data / kAllTypes, stage, {(data / kFirst).string()}).error().code(),
            "export.tables_differ");
  EXPECT_EQ(open_at(data / "exports", stage).error().code(), "export.no_manifest");
  model::KeySchema wrong{{"pk", ddb::Type::kS}, std::nullopt};
  auto source = open_at(data / kFull, stage, {(data / kFirst).string()}, wrong);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ((*source)->describe().error().code(), "export.key_differs");
}

TEST(ExportSource, JsonAndIonGiveTheSameItems) {
  for (Format format : {Format::kJson, Format::kIon}) {
    TempDir dir, stage;
    ExportFixture full(dir.path() / "AWSDynamoDB/01-a", format);
    full.add_full({{"a", 1}, {"b", 2}});
    full.add_full({});
    full.add_full({{"c", 3}});
    full.write();
    auto source = open_at(full.folder(), stage);
    ASSERT_TRUE(source.ok()) << source.error().message();
    ReadAll all = testing::read_source(**source);
    EXPECT_FALSE(all.error) << all.error->message();
    EXPECT_EQ(all.items,
              (Items{R"({"n":{"N":"1"},"pk":{"S":"a"}})", R"({"n":{"N":"2"},"pk":{"S":"b"}})",
                     R"({"n":{"N":"3"},"pk":{"S":"c"}})"}));
  }
}

TEST(ExportSource, ChainsOfBothFormatsTakeTheNewestOfOverlappingWindows) {
  for (Format format : {Format::kJson, Format::kIon}) {
    TempDir dir, stage;
    fs::path root = dir.path() / "AWSDynamoDB";
    ExportFixture full(root / "01-a", format), one(root / "02-b", format),
        two(root / "03-c", format);
    full.add_full({{"a", 1}, {"b", 2}, {"c", 3}});
    full.write();
    // b is deleted in the first window and put again in the second, which overlaps; c is deleted; d
    // is new.
    one.incremental("2024-05-14T11:00:00.000Z", "2024-05-14T11:30:00.000Z");
    one.add_changes({{"a", 10, 500}, {"b", std::nullopt, 600}, {"d", 4, 700}});
    one.write();
    two.incremental("2024-05-14T11:20:00.000Z", "2024-05-14T11:50:00.000Z");
    two.add_changes({{"a", 11, 900}, {"b", 20, 901}, {"c", std::nullopt, 902}});
    two.write();
    for (bool swapped : {false, true}) {
      std::vector<std::string> then{one.folder().string(), two.folder().string()};
      if (swapped) std::swap(then[0], then[1]);
      auto source = open_at(full.folder(), stage, then);
      ASSERT_TRUE(source.ok()) << source.error().message();
      ReadAll all = testing::read_source(**source);
      EXPECT_FALSE(all.error) << all.error->message();
      EXPECT_EQ(sorted(all.items),
                (Items{R"({"n":{"N":"11"},"pk":{"S":"a"}})", R"({"n":{"N":"20"},"pk":{"S":"b"}})",
                       R"({"n":{"N":"4"},"pk":{"S":"d"}})"}));
      EXPECT_EQ((*source)->describe()->key->partition.name, "pk");
      EXPECT_EQ((*source)->partitions()->back().id, "changes");
      EXPECT_EQ((*source)->partitions()->back().items, 3u);
    }
  }
}

class DamagedExport : public ::testing::Test {
 protected:
  DamagedExport() : full_(dir_.path() / "AWSDynamoDB/01-a", Format::kJson) {
    full_.add_full({{"a", 1}, {"b", 2}});
    full_.add_full({{"c", 3}});
  }
  ReadAll read() {
    auto source = open_at(full_.folder(), stage_);
    if (source.ok()) return testing::read_source(**source);
    ReadAll all;
    all.error = source.error();
    return all;
  }
  void expect(const ReadAll& all, ErrorKind kind, const char* code, const std::string& names,
              size_t items) {
    ASSERT_TRUE(all.error);
    EXPECT_EQ(all.error->kind(), kind) << all.error->message();
    EXPECT_EQ(all.error->code(), code);
    EXPECT_NE(all.error->message().find(names), std::string::npos) << all.error->message();
    EXPECT_EQ(all.items.size(), items);
    EXPECT_EQ(base::exit_code(kind), 3);
  }
  TempDir dir_, stage_;
  ExportFixture full_;
};

TEST_F(DamagedExport, C6_MissingFileNamesItAndWhereToCopyItFrom) {
  full_.write();
  fs::remove(full_.data_path(1));
  expect(read(), ErrorKind::kGap, "export.file_missing", "s3://bucket/" + full_.key(1), 2);
}

TEST_F(DamagedExport, C6_AFlippedByteIsFoundBeforeARecordIsGivenOut) {
  full_.write();
  std::string bytes = testing::read_file(full_.data_path(0));
  bytes[bytes.size() / 2] ^= 1;
  testing::write_file(full_.data_path(0), bytes);
  expect(read(), ErrorKind::kCorrupt, "export.md5_mismatch", full_.key(0), 0);
}

TEST_F(DamagedExport, C6_ATruncatedFileIsFoundBeforeARecordIsGivenOut) {
  full_.write();
  std::string bytes = testing::read_file(full_.data_path(0));
  testing::write_file(full_.data_path(0), bytes.substr(0, bytes.size() - 1));
  expect(read(), ErrorKind::kCorrupt, "export.md5_mismatch", full_.key(0), 0);
}

TEST_F(DamagedExport, C6_TruncatedGzipWithAMatchingSumIsStillFound) {
  full_.damage_gzip(0);
  full_.write();
  expect(read(), ErrorKind::kCorrupt, "gz.truncated", full_.key(0), 2);
}

TEST_F(DamagedExport, C6_CountsThatDoNotAddUp) {
  full_.claim_total(4);
  full_.write();
  expect(read(), ErrorKind::kCorrupt, "export.count_mismatch", "manifest-files.json", 0);
}

TEST_F(DamagedExport, C6_AFileWithFewerRecordsThanItsCountDoesNotEnd) {
  full_.claim(0, 3);
  full_.write();
  expect(read(), ErrorKind::kCorrupt, "export.count_mismatch",
         "holds 2 records, the manifest says 3", 2);
}

TEST_F(DamagedExport, C6_AFileWithMoreRecordsThanItsCount) {
  full_.claim(0, 1);
  full_.write();
  expect(read(), ErrorKind::kCorrupt, "export.count_mismatch", full_.key(0), 0);
}

TEST_F(DamagedExport, C6_AListOfFilesThatDoesNotMatchItsSum) {
  full_.write();
  for (const char* name : {"manifest-files.md5", "manifest-files.checksum"}) {
    fs::remove(full_.folder() / "manifest-files.md5");
    testing::write_file(full_.folder() / name, "AAAA");
    expect(read(), ErrorKind::kCorrupt, "export.md5_mismatch", name, 0);
  }
}

TEST_F(DamagedExport, ASummaryThatDoesNotMatchItsSumIsRemarkedOn) {
  full_.write();
  testing::write_file(full_.folder() / "manifest-summary.md5", "AAAA");
  auto source = open_at(full_.folder(), stage_);
  ASSERT_TRUE(source.ok());
  EXPECT_NE((*source)->remarks()[0].find("manifest-summary.md5"), std::string::npos);
  EXPECT_EQ(testing::read_source(**source).items.size(), 3u);
}

TEST_F(DamagedExport, C6_AMissingListOfFiles) {
  full_.write();
  fs::remove(full_.folder() / "manifest-files.json");
  expect(read(), ErrorKind::kGap, "export.file_missing", "manifest-files.json", 0);
}

TEST_F(DamagedExport, C7_ARecordThatIsNoItemIsKept) {
  full_.add_lines({R"({"Item":{"pk":{"S":"d"}}})", "{\"Item\":{\"pk\":{\"S\":\"\xff\"}}}",
                   R"({"Item":{"pk":{"Q":"d"}}})"});
  full_.write();
  ReadAll all = read();
  EXPECT_FALSE(all.error) << all.error->message();
  EXPECT_EQ(all.items.size(), 4u);
  ASSERT_EQ(all.bad.size(), 2u);
  EXPECT_EQ(all.bad[0].raw, "{\"Item\":{\"pk\":{\"S\":\"\xff\"}}}");
  EXPECT_EQ(all.bad[0].ordinal, 1u);
  EXPECT_NE(all.bad[1].error.message().find("record 2"), std::string::npos);
}

TEST_F(DamagedExport, AChangeThatCannotBeReadStopsTheChain) {
  full_.write();
  ExportFixture window(dir_.path() / "AWSDynamoDB/02-b", Format::kJson);
  window.incremental("2024-05-14T11:14:00.000Z", "2024-05-14T11:30:00.000Z");
  window.add_lines(
      {R"({"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"pk":{"S":"a"}},"NewImage":{"pk":{"Q":"a"}}})"});
  window.write();
  auto source = open_at(full_.folder(), stage_, {window.folder().string()});
  ASSERT_TRUE(source.ok()) << source.error().message();
  auto partitions = (*source)->partitions();
  ASSERT_FALSE(partitions.ok());
  EXPECT_EQ(partitions.error().kind(), ErrorKind::kCorrupt);
  EXPECT_NE(partitions.error().message().find("record 0"), std::string::npos);
}

TEST(ExportSource, CopiedFoldersAreFoundByKeyThenBesideTheManifest) {
  TempDir dir, stage;
  ExportFixture full(dir.path() / "AWSDynamoDB/01-a", Format::kJson, "some/prefix");
  full.add_full({{"a", 1}});
  full.write();
  auto items = [&](const fs::path& folder) {
    auto source = open_at(folder, stage);
    return source.ok() ? testing::read_source(**source).items.size() : size_t{99};
  };
  EXPECT_EQ(items(full.folder()), 1u);  // in the folder's data/
  fs::create_directories(dir.path() / "elsewhere/some/prefix");
  fs::copy(dir.path() / "AWSDynamoDB", dir.path() / "elsewhere/some/prefix/AWSDynamoDB",
           fs::copy_options::recursive);
  EXPECT_EQ(items(dir.path() / "elsewhere/some/prefix/AWSDynamoDB/01-a"), 1u);
  fs::rename(dir.path() / "AWSDynamoDB/01-a/data", dir.path() / "AWSDynamoDB/data");
  EXPECT_EQ(items(full.folder()), 1u);  // in the shared data/
}

TEST(ExportSource, C9_ResumeFromEveryPositionGivesTheRest) {
  TempDir dir, stage;
  fs::path root = dir.path() / "AWSDynamoDB";
  ExportFixture full(root / "01-a", Format::kJson), window(root / "02-b", Format::kJson);
  std::vector<testing::FullItem> items;
  std::vector<testing::ChangeItem> changes;
  for (int i = 0; i < 6000; ++i) {
    items.push_back({"key" + std::to_string(i), i});
    if (i % 2 == 0)
      changes.push_back(
          {"key" + std::to_string(i), i % 4 == 0 ? std::optional<int>(-i) : std::nullopt, 1});
  }
  for (int i = 0; i < 2500; ++i) changes.push_back({"new" + std::to_string(i), i, 2});
  full.add_full(items);
  full.write();
  window.incremental("2024-05-14T11:14:20.608Z", "2024-05-14T11:30:00.000Z");
  window.add_changes(changes);
  window.write();
  auto source = open_at(full.folder(), stage, {window.folder().string()});
  ASSERT_TRUE(source.ok()) << source.error().message();
  auto partitions = (*source)->partitions();
  ASSERT_EQ(partitions->size(), 2u);
  size_t expected_sizes[] = {3000, 4000};
  for (size_t p = 0; p < 2; ++p) {
    ReadAll whole = testing::read_partition(**source, (*partitions)[p]);
    ASSERT_FALSE(whole.error) << whole.error->message();
    EXPECT_EQ(whole.items.size(), expected_sizes[p]);
    ASSERT_GT(whole.positions.size(), 3u);
    for (size_t i = 0; i < whole.positions.size(); ++i) {
      ReadAll rest = testing::read_partition(**source, (*partitions)[p], whole.positions[i]);
      EXPECT_FALSE(rest.error);
      EXPECT_EQ(rest.items,
                Items(whole.items.begin() + static_cast<std::ptrdiff_t>(whole.items_at[i]),
                      whole.items.end()));
      EXPECT_TRUE(rest.positions.back().done);
      EXPECT_EQ(rest.positions.back().records, whole.positions.back().records);
    }
  }
  model::Position wrong{2000, "17", false};
  EXPECT_EQ(testing::read_partition(**source, (*partitions)[0], wrong).error->code(),
            "export.resume_mismatch");
}

TEST(ExportSource, C9_AnOverlayLeftHalfBuiltIsBuiltAnew) {
  TempDir dir, stage;
  ExportFixture full(dir.path() / "AWSDynamoDB/01-a", Format::kJson),
      window(dir.path() / "AWSDynamoDB/02-b", Format::kJson);
  full.add_full({{"a", 1}});
  full.write();
  window.incremental("2024-05-14T11:14:20.608Z", "2024-05-14T11:30:00.000Z");
  window.add_changes({{"a", 2, 1}});
  window.write();
  testing::write_file(stage.file("overlay.sqlite.building"), "half");
  testing::write_file(stage.file("overlay.sqlite"), "not a database at all");
  auto source = open_at(full.folder(), stage, {window.folder().string()});
  ReadAll all = testing::read_source(**source);
  EXPECT_FALSE(all.error) << all.error->message();
  EXPECT_EQ(all.items, Items{R"({"n":{"N":"2"},"pk":{"S":"a"}})"});
}

}  // namespace
}  // namespace offramp::source::exports
