#include "source/line_reader.h"

#include "source/test_support.h"

namespace offramp::source {
namespace {

using testing::TempDir;

struct Lines {
  std::vector<std::string> texts;
  std::vector<uint64_t> offsets;
  bool oversized = false;
  std::optional<Error> error;
};

Lines read_lines(const std::string& path) {
  Lines all;
  LineReader reader(std::move(*GzReader::open(path)));
  std::vector<char> buffer;
  while (true) {
    auto lines = reader.next(buffer);
    if (!lines.ok()) {
      all.error = lines.error();
      return all;
    }
    if ((*lines)->empty()) return all;
    EXPECT_LE((*lines)->size(), kBatchItemsMax);
    for (const Line& line : **lines) {
      // The padding that the decoder may read is inside the buffer.
      if (!line.oversized) {
        EXPECT_LE(line.text.data() + line.text.size() + ddb::kJsonPadding,
                  buffer.data() + buffer.size());
      }
      all.texts.emplace_back(line.text);
      all.offsets.push_back(line.offset);
      all.oversized |= line.oversized;
    }
  }
}

TEST(LineReader, GivesEveryLineWithItsOffset) {
  TempDir dir;
  std::string text;
  std::vector<std::string> expected;
  std::vector<uint64_t> offsets;
  for (size_t i = 0; i < 20'000; ++i) {
    expected.push_back(std::string(i * 7919 % 613, static_cast<char>('a' + i % 26)));
    offsets.push_back(text.size());
    text += expected.back() + (i % 5 == 0 ? "\r\n" : "\n");
  }
  expected.push_back("the last one has no newline");
  offsets.push_back(text.size());
  text += expected.back();
  testing::write_file(dir.file("f.gz"), testing::gzip(text));
  Lines lines = read_lines(dir.file("f.gz"));
  EXPECT_FALSE(lines.error);
  EXPECT_EQ(lines.texts, expected);
  EXPECT_EQ(lines.offsets, offsets);
}

TEST(LineReader, LinesLongerThanAWindowComeWhole) {
  TempDir dir;
  std::string big(3 * kBatchBytesMax + 17, 'x');
  testing::write_file(dir.file("f"), "a\n" + big + "\nb\n");
  EXPECT_EQ(read_lines(dir.file("f")).texts, (std::vector<std::string>{"a", big, "b"}));
}

TEST(LineReader, C10_AnEndlessLineIsCutAndPassedOver) {
  TempDir dir;
  testing::write_file(dir.file("f"), "a\n" + std::string(kLineBytesMax + 5'000'000, 'x') + "\nb\n");
  Lines lines = read_lines(dir.file("f"));
  ASSERT_EQ(lines.texts.size(), 3u);
  EXPECT_TRUE(lines.oversized);
  EXPECT_EQ(lines.texts[1].size(), kLinePrefixBytes);
  EXPECT_EQ(lines.texts[2], "b");
  EXPECT_EQ(lines.offsets[2], kLineBytesMax + 5'000'003u);
}

TEST(LineReader, WholeLinesBeforeADamagedPlaceComeBeforeTheError) {
  TempDir dir;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
  std::string gz = testing::gzip(text);
  testing::write_file(dir.file("f.gz"), gz.substr(0, gz.size() / 2));
  Lines lines = read_lines(dir.file("f.gz"));
  ASSERT_TRUE(lines.error);
  EXPECT_EQ(lines.error->code(), "gz.truncated");
  ASSERT_FALSE(lines.texts.empty());
  for (size_t i = 0; i < lines.texts.size(); ++i)
    EXPECT_EQ(lines.texts[i], "line " + std::to_string(i));
}

}  // namespace
}  // namespace offramp::source
