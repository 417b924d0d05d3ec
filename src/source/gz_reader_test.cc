#include "source/gz_reader.h"

#include "source/test_support.h"

namespace offramp::source {
namespace {

using testing::TempDir;

std::string sample_text(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i)
    text += "line " + std::to_string(i * 2654435761u % 1000003) + "\n";
  return text;
}

Result<std::string> slurp(const std::string& path, size_t step) {
  std::unique_ptr<GzReader> reader = TRY(GzReader::open(path));
  std::string out;
  std::vector<char> buffer(step);
  while (size_t got = TRY(reader->read(buffer.data(), step))) out.append(buffer.data(), got);
  return out;
}

TEST(GzReader, PlainAndGzipGiveTheSameBytes) {
  TempDir dir;
  std::string text = sample_text(50'000);
  testing::write_file(dir.file("plain"), text);
  testing::write_file(dir.file("gz"), testing::gzip(text));
  for (size_t step : {1000u, 65536u, 10'000'000u}) {
    EXPECT_EQ(*slurp(dir.file("plain"), step), text);
    EXPECT_EQ(*slurp(dir.file("gz"), step), text);
  }
}

TEST(GzReader, ConcatenatedMembersAreOneStreamAndEmptyOnesAreFine) {
  TempDir dir;
  std::string one = sample_text(30'000), two = sample_text(7);
  std::string empty = testing::gzip("");
  testing::write_file(dir.file("gz"), testing::gzip(one) + empty + testing::gzip(two) + empty);
  EXPECT_EQ(*slurp(dir.file("gz"), 4096), one + two);
  testing::write_file(dir.file("padded"), testing::gzip(two) + std::string(700, '\0'));
  EXPECT_EQ(*slurp(dir.file("padded"), 4096), two);
}

TEST(GzReader, GarbageBehindTheStreamIsCorrupt) {
  TempDir dir;
  testing::write_file(dir.file("gz"), testing::gzip("abc") + "garbage");
  Result<std::string> text = slurp(dir.file("gz"), 100);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code(), "gz.corrupt");
}

TEST(GzReader, TruncationAnywhereIsCorruptAndNamesTheFile) {
  TempDir dir;
  std::string whole = testing::gzip(sample_text(100));
  for (size_t size = 2; size < whole.size(); ++size) {
    testing::write_file(dir.file("cut"), std::string_view(whole).substr(0, size));
    Result<std::string> text = slurp(dir.file("cut"), 64);
    ASSERT_FALSE(text.ok()) << size;
    EXPECT_EQ(text.error().kind(), ErrorKind::kCorrupt);
    EXPECT_NE(text.error().message().find(dir.file("cut")), std::string::npos);
  }
}

TEST(GzReader, AFlippedByteNeverGoesUnnoticed) {
  TempDir dir;
  std::string text = sample_text(60);
  std::string whole = testing::gzip(text);
  size_t detected = 0;
  // From the first byte behind the header; header bytes such as the time are not protected.
  for (size_t at = 10; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    testing::write_file(dir.file("flipped"), flipped);
    Result<std::string> got = slurp(dir.file("flipped"), 128);
    // The bits that fill up the last byte of the deflate stream mean nothing.
    EXPECT_TRUE(!got.ok() || *got == text) << at;
    detected += !got.ok();
  }
  EXPECT_GE(detected + 1, whole.size() - 10);
}

TEST(GzReader, MissingFilesAndFoldersAreWrongUse) {
  TempDir dir;
  EXPECT_EQ(GzReader::open(dir.file("no")).error().kind(), ErrorKind::kConfig);
  EXPECT_EQ(GzReader::open(dir.path().string()).error().code(), "file.is_folder");
}

}  // namespace
}  // namespace offramp::source
