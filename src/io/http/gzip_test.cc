#include "io/http/gzip.h"

#include <gtest/gtest.h>

#include <random>

namespace offramp::io::http {
namespace {

std::string zipped(std::string_view bytes) {
  ByteBuffer out;
  Gzip gzip;
  EXPECT_TRUE(gzip.run(bytes, out));
  return std::string(out.view());
}

TEST(Gzip, ThereAndBack) {
  Gunzip gunzip;
  ByteBuffer out;
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += std::to_string(i % 977);
  for (size_t size : {size_t{100}, size_t{70'000}, text.size()}) {
    std::string bytes = zipped(text.substr(0, size));
    EXPECT_LT(bytes.size(), size);
    ASSERT_EQ(gunzip.run(bytes, size, out), Gunzip::Outcome::kDone);
    EXPECT_EQ(out.view(), text.substr(0, size));
    EXPECT_EQ(gunzip.run(bytes, size - 1, out), Gunzip::Outcome::kTooLarge);
  }
}

TEST(Gzip, LeavesAloneWhatDoesNotShrink) {
  std::mt19937 random(1);
  std::string noise(5000, 0);
  for (char& c : noise) c = static_cast<char>(random());
  ByteBuffer out;
  EXPECT_FALSE(Gzip().run(noise, out));
}

TEST(Gunzip, TakesMembersOneBehindTheOther) {
  ByteBuffer out;
  std::string a(1000, 'a'), b(1000, 'b');
  ASSERT_EQ(Gunzip().run(zipped(a) + zipped(b), 2000, out), Gunzip::Outcome::kDone);
  EXPECT_EQ(out.view(), a + b);
  EXPECT_EQ(Gunzip().run(zipped(a) + zipped(b), 1999, out), Gunzip::Outcome::kTooLarge);
}

TEST(Gunzip, RefusesWhatIsDamaged) {
  ByteBuffer out;
  const std::string whole = zipped(std::string(5000, 'x') + "the end");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(Gunzip().run(whole.substr(0, size), 1 << 20, out), Gunzip::Outcome::kDamaged) << size;
  for (size_t at = whole.size() - 8; at < whole.size(); ++at) {  // its checksum and length
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(Gunzip().run(damaged, 1 << 20, out), Gunzip::Outcome::kDamaged) << at;
  }
  EXPECT_EQ(Gunzip().run(whole + "junk", 1 << 20, out), Gunzip::Outcome::kDamaged);
  EXPECT_EQ(Gunzip().run("{}", 1 << 20, out), Gunzip::Outcome::kDamaged);
}

TEST(Gunzip, ABombTakesNoMoreMemoryThanTheLimit) {
  std::string bomb = zipped(std::string(200 << 20, 0));
  ASSERT_LT(bomb.size(), 4u << 20);
  ByteBuffer out;
  EXPECT_EQ(Gunzip().run(bomb, 16 << 20, out), Gunzip::Outcome::kTooLarge);
  EXPECT_LE(out.capacity(), (16u << 20) + 1);
}

TEST(AcceptsGzip, AsTheHeaderSays) {
  for (const char* yes : {"gzip", "GZIP", "deflate, gzip", "gzip;q=0.5", "br;q=1, gzip; q=0.001",
                          "*", "x-gzip", "identity;q=0,*"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "identity", "deflate", "gzip;q=0", "gzip; q=0.000", "gzip;q=0, *",
                         "*;q=0", "gzipped", ",,;;,", "br"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

}  // namespace
}  // namespace offramp::io::http
