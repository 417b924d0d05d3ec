// Templates take keys apart and are refused where they could not.
#include "mapping/key_template.h"

#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

std::string parts_of(std::string_view pattern, std::string_view text) {
  auto parsed = KeyTemplate::parse(pattern);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message();
  std::string_view parts[kPlaceholdersMax];
  if (!parsed->match(text, parts)) return "no";
  std::string out;
  for (size_t i = 0; i < parsed->placeholders().size(); ++i)
    out += parsed->placeholders()[i] + "=" + std::string(parts[i]) + ";";
  return out;
}

TEST(KeyTemplate, TakesKeysApart) {
  EXPECT_EQ(parts_of("{pk}", "any#thing"), "pk=any#thing;");
  EXPECT_EQ(parts_of("ORDER#{id}", "ORDER#7"), "id=7;");
  EXPECT_EQ(parts_of("ORDER#{id}", "ORDER#"), "id=;");
  EXPECT_EQ(parts_of("ORDER#{id}", "order#7"), "no");
  EXPECT_EQ(parts_of("{a}#{b}", "x#y#z"), "a=x;b=y#z;");
  EXPECT_EQ(parts_of("{a}#{b}", "x"), "no");
  EXPECT_EQ(parts_of("{a}#END", "x#END"), "a=x;");
  EXPECT_EQ(parts_of("{a}#END", "x#END#END"), "no");
  EXPECT_EQ(parts_of("A{{{x}}}B", "A{1}B"), "x=1;");
  EXPECT_EQ(parts_of("PROFILE", "PROFILE"), "");
  EXPECT_EQ(parts_of("PROFILE", "PROFILES"), "no");
  EXPECT_EQ(parts_of("", ""), "");
}

TEST(KeyTemplate, RefusesWhatItCouldNotTakeApart) {
  auto message = [](std::string_view pattern) {
    auto parsed = KeyTemplate::parse(pattern);
    return parsed.ok() ? std::string("fine") : parsed.error().message();
  };
  EXPECT_THAT(message("{a}{b}"), testing::HasSubstr("character 4: two placeholders touch"));
  EXPECT_THAT(message("X#{a"), testing::HasSubstr("character 3: this '{' is not closed"));
  EXPECT_THAT(message("X}"), testing::HasSubstr("character 2: a '}' without '{'"));
  EXPECT_THAT(message("{}"), testing::HasSubstr("needs a name"));
  EXPECT_THAT(message("{a}-{a}"), testing::HasSubstr("occurs twice"));
  EXPECT_EQ(parts_of(KeyTemplate::escape("a{b}c") + "{x}", "a{b}cd"), "x=d;");
}

}  // namespace
}  // namespace offramp::mapping
