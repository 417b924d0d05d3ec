// Placeholders: found, used, and the service's complaint about those that are not, in its order (as
// DynamoDB Local has it).
#include "ddb/expression/placeholders.h"

#include <gtest/gtest.h>

#include "ddb/expression/condition.h"
#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

std::string unused(const std::vector<std::string>& names, size_t used = 0) {
  Placeholders placeholders;
  for (const std::string& name : names) placeholders.add_name(name, "x");
  for (size_t i = 0; i < used; ++i) EXPECT_NE(placeholders.name(names[i]), nullptr);
  const Status status = placeholders.check_all_used();
  if (status.ok()) return "";
  EXPECT_EQ(status.error().code(), "ValidationException");
  const std::string prefix =
      "Value provided in ExpressionAttributeNames unused in expressions: keys: ";
  EXPECT_EQ(status.error().message().substr(0, prefix.size()), prefix);
  return status.error().message().substr(prefix.size());
}

std::vector<std::string> numbered(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back("#k" + std::to_string(i) + "x");
  return names;
}

TEST(Placeholders, UnusedOnesInTheServicesOrder) {
  EXPECT_EQ(unused({}), "");
  EXPECT_EQ(unused({"#a"}, 1), "");
  EXPECT_EQ(unused({"#u", "#b"}), "{#u, #b}");
  EXPECT_EQ(unused({"#b", "#u"}), "{#u, #b}");
  EXPECT_EQ(unused({"#zeta", "#alpha", "#Mid", "#n1", "#n2"}), "{#Mid, #n1, #n2, #alpha, #zeta}");
  EXPECT_EQ(unused({"#Aa", "#BB"}), "{#Aa, #BB}");  // the same hash
  EXPECT_EQ(unused({"#BB", "#Aa"}), "{#BB, #Aa}");
  EXPECT_EQ(unused(numbered(11)),
            "{#k0x, #k9x, #k7x, #k8x, #k5x, #k6x, #k3x, #k4x, #k1x, #k2x, #k10x}");
  EXPECT_EQ(unused(numbered(13)),
            "{#k0x, #k11x, #k10x, #k12x, #k9x, #k7x, #k8x, #k5x, #k6x, #k3x, #k4x, #k1x, #k2x}");
  EXPECT_EQ(unused(numbered(20), 10),
            "{#k11x, #k10x, #k13x, #k12x, #k15x, #k14x, #k17x, #k16x, #k19x, #k18x}");
  EXPECT_EQ(unused(numbered(24)),
            "{#k20x, #k22x, #k10x, #k12x, #k14x, #k16x, #k9x, #k18x, #k7x, #k5x, #k3x, #k1x, #k0x, "
            "#k11x, #k21x, #k13x, #k23x, #k15x, #k17x, #k19x, #k8x, #k6x, #k4x, #k2x}");
}

TEST(Placeholders, NamesComeBeforeValues) {
  const TestItem values(R"({":z":{"S":"x"},":y":{"S":"x"},":b1":{"S":"x"},":q":{"S":"x"}})");
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  EXPECT_EQ(
      placeholders.check_all_used().error().message(),
      "Value provided in ExpressionAttributeValues unused in expressions: keys: {:z, :q, :b1, "
      ":y}");
  placeholders.add_name("#q", "a");
  EXPECT_EQ(placeholders.check_all_used().error().message(),
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#q}");
}

TEST(Placeholders, ManyAreFoundAndCleared) {
  const std::vector<std::string> names = numbered(5000);
  Placeholders placeholders;
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(placeholders.empty());
    for (const std::string& name : names) placeholders.add_name(name, name);
    for (const std::string& name : names) {
      const std::string_view* found = placeholders.name(name);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(*found, name);
    }
    EXPECT_EQ(placeholders.name("#missing"), nullptr);
    EXPECT_FALSE(placeholders.value(":missing"));
    EXPECT_TRUE(placeholders.check_all_used().ok());
    placeholders.clear();
  }
}

// One may be used by several expressions of a request.
TEST(Placeholders, AreMarkedByEveryExpression) {
  const TestItem values(R"({":v":{"S":"x"},":w":{"S":"x"}})");
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  ASSERT_TRUE(Condition::parse_api("a = :v", "ConditionExpression", placeholders).ok());
  EXPECT_FALSE(placeholders.check_all_used().ok());
  ASSERT_TRUE(Condition::parse_api("a = :w", "FilterExpression", placeholders).ok());
  EXPECT_TRUE(placeholders.check_all_used().ok());
}

}  // namespace
}  // namespace offramp::ddb::expression
