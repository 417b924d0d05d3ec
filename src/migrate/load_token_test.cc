// Checkpoint tokens: what is packed comes back, and nothing else is taken for one (C5).
#include "migrate/load_token.h"

#include <gtest/gtest.h>

namespace offramp::migrate {
namespace {

TEST(LoadTokenTest, C5_CountsAndTokenComeBack) {
  for (const char* source_token : {"", "17", "a|b;c", "{\"pk\":{\"S\":\"|\"}}", "1;2;3;4;5|"}) {
    auto back = unpack_token(pack_token({UINT64_MAX, 2, 0, 4}, source_token));
    ASSERT_TRUE(back.ok()) << source_token;
    EXPECT_EQ(back->source_token, source_token);
    EXPECT_EQ(back->counts.stored, UINT64_MAX);
    EXPECT_EQ(back->counts.overflow, 2u);
    EXPECT_EQ(back->counts.skipped, 0u);
    EXPECT_EQ(back->counts.refused, 4u);
  }
}

TEST(LoadTokenTest, NoTokenIsTheStart) {
  auto back = unpack_token("");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->counts.stored, 0u);
}

TEST(LoadTokenTest, OthersTextIsRefused) {
  for (const char* text :
       {"x", "1;2;3;4;5", "2;1;1;1;1|", "1;1;1;1|", "1;1;1;1;1 |", "1;a;1;1;1|", "1;1;1;1;1;1|"}) {
    auto back = unpack_token(text);
    ASSERT_FALSE(back.ok()) << text;
    EXPECT_EQ(back.error().kind(), ErrorKind::kCorrupt);
  }
}

}  // namespace
}  // namespace offramp::migrate
