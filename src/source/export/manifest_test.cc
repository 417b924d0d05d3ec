#include "source/export/manifest.h"

#include <gtest/gtest.h>

#include "source/export/chain.h"

namespace offramp::source::exports {
namespace {

TEST(Manifest, TimesAreReadAndWritten) {
  for (const char* text :
       {"2024-05-14T11:14:20.608Z", "1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"})
    EXPECT_EQ(format_time(*parse_time(text)), text);
  EXPECT_EQ(format_time(*parse_time("2024-05-14T11:14:20Z")), "2024-05-14T11:14:20.000Z");
  EXPECT_EQ(format_time(*parse_time("2024-05-14T11:14:20.123456Z")), "2024-05-14T11:14:20.123Z");
  for (const char* text : {"", "2024", "2024-02-30T00:00:00Z", "2024-05-14T25:00:00Z",
                           "2024-05-14T11:14:20", "2024-05-14 11:14:20Z", "2024-05-14T11:14:20.Z"})
    EXPECT_FALSE(parse_time(text)) << text;
}

std::string summary(const std::string& more, const std::string& files_key = "k") {
  return R"({"exportArn":"e","tableArn":"arn:aws:dynamodb:r:1:table/Orders","tableId":"i","manifestFilesS3Key":")" +
         files_key + R"(","itemCount":2,)" + more + "}";
}

TEST(Manifest, SummariesAreChecked) {
  auto full = parse_summary(
      summary(R"("outputFormat":"ION","exportTime":"2024-05-14T11:14:20.608Z","news":[1])"), "s");
  ASSERT_TRUE(full.ok()) << full.error().message();
  EXPECT_EQ(full->table_name(), "Orders");
  EXPECT_EQ(full->format, Format::kIon);
  for (
      const char* bad :
      {R"("outputFormat":"ION")", R"("outputFormat":"ION","exportTime":"noon")",
       R"("exportTime":"2024-05-14T11:14:20.608Z")",
       R"("outputFormat":"ION","exportType":"INCREMENTAL_EXPORT","exportFromTime":"2024-05-14T11:14:20Z","exportToTime":"2024-05-14T11:14:20Z")"}) {
    auto manifest = parse_summary(summary(bad), "place/manifest-summary.json");
    ASSERT_FALSE(manifest.ok()) << bad;
    EXPECT_EQ(manifest.error().kind(), ErrorKind::kCorrupt);
    EXPECT_NE(manifest.error().message().find("place/manifest-summary.json"), std::string::npos);
  }
  EXPECT_EQ(
      parse_summary(summary(R"("outputFormat":"CSV","exportTime":"2024-05-14T11:14:20.608Z")"), "s")
          .error()
          .kind(),
      ErrorKind::kUnsupported);
  EXPECT_EQ(parse_summary(summary(R"("exportType":"OTHER")"), "s").error().kind(),
            ErrorKind::kUnsupported);
  EXPECT_EQ(parse_summary("[1]", "s").error().kind(), ErrorKind::kCorrupt);
  const char* fine = R"("outputFormat":"ION","exportTime":"2024-05-14T11:14:20.608Z")";
  EXPECT_TRUE(parse_summary(summary(fine, "a/manifest-files.json"), "s").ok());
  for (const char* outside : {"../../etc/passwd", "/etc/passwd", "a/../../b"})
    EXPECT_FALSE(parse_summary(summary(fine, outside), "s").ok()) << outside;
}

TEST(Manifest, KeysStayInsideTheBucketAndAreNotRepeated) {
  auto line = [](const std::string& key) {
    return R"({"itemCount":1,"md5Checksum":"x","dataFileS3Key":")" + key + "\"}\n";
  };
  auto parse = [](const std::string& text, uint64_t items) {
    Manifest manifest;
    manifest.items = items;
    return parse_files(text, "f", manifest);
  };
  EXPECT_TRUE(parse(line("a/b") + "\n" + line("a/..b"), 2).ok());
  EXPECT_EQ(parse(line("a/b"), 2).error().code(), "export.count_mismatch");
  EXPECT_FALSE(parse(line("a/../b"), 1).ok());
  EXPECT_FALSE(parse(line("/etc/passwd"), 1).ok());
  EXPECT_FALSE(parse(line("a") + line("a"), 2).ok());
  EXPECT_FALSE(parse("{}\n", 0).ok());
}

Manifest full_at(const char* time) {
  Manifest manifest;
  manifest.export_arn = "full";
  manifest.table_arn = manifest.table_id = "t";
  manifest.export_time = *parse_time(time);
  return manifest;
}

Manifest window(const char* from, const char* to) {
  Manifest manifest = full_at(from);
  manifest.export_arn = std::string("window ") + from;
  manifest.kind = Kind::kIncremental;
  manifest.from_time = *parse_time(from);
  manifest.to_time = *parse_time(to);
  return manifest;
}

TEST(Chain, WindowsMustTouchOrOverlap) {
  Manifest full = full_at("2024-05-14T11:00:00Z");
  Manifest a = window("2024-05-14T11:00:00Z", "2024-05-14T11:15:00Z"),
           b = window("2024-05-14T11:15:00Z", "2024-05-14T11:30:00Z");
  EXPECT_EQ(check_chain(full, {b, a})->order, (std::vector<size_t>{1, 0}));
  EXPECT_TRUE(check_chain(full, {b, a})->remarks.empty());
  EXPECT_EQ(check_chain(full, {b}).error().kind(), ErrorKind::kGap);
  // One millisecond between two windows is a gap; between the full export and the first it is a
  // remark.
  Manifest late = window("2024-05-14T11:15:00.001Z", "2024-05-14T11:30:00Z");
  EXPECT_EQ(check_chain(full, {a, late}).error().code(), "export.chain_gap");
  Manifest first = window("2024-05-14T11:02:00Z", "2024-05-14T11:15:00Z");
  EXPECT_EQ(check_chain(full, {first})->remarks.size(), 1u);
  Manifest too_late = window("2024-05-14T11:02:00.001Z", "2024-05-14T11:15:00Z");
  EXPECT_EQ(check_chain(full, {too_late}).error().code(), "export.chain_gap");
  // A window inside another one closes no gap, but opens none either.
  Manifest wide = window("2024-05-14T10:50:00Z", "2024-05-14T11:30:00Z");
  Manifest inside = window("2024-05-14T11:10:00Z", "2024-05-14T11:20:00Z");
  EXPECT_EQ(check_chain(full, {wide, inside})->order, (std::vector<size_t>{1, 0}));
}

TEST(Chain, WindowsBeforeTheFullExportAreLeftOut) {
  Manifest full = full_at("2024-05-14T11:00:00Z");
  auto chain = check_chain(full, {window("2024-05-14T10:30:00Z", "2024-05-14T11:00:00Z")});
  EXPECT_TRUE(chain->order.empty());
  EXPECT_EQ(chain->remarks.size(), 1u);
}

}  // namespace
}  // namespace offramp::source::exports
