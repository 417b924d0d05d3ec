#include "migrate/metrics/address.h"

#include <gtest/gtest.h>

namespace offramp::migrate::metrics {
namespace {

TEST(Address, APortAloneMeansLoopback) {
  auto address = parse_address("9464");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->text(), "127.0.0.1:9464");
}

TEST(Address, TakesAddressesOfBothFamilies) {
  for (auto [text, expected] :
       {std::pair("0.0.0.0:80", "0.0.0.0:80"), std::pair("[::1]:65535", "[::1]:65535"),
        std::pair("localhost:0", "127.0.0.1:0")}) {
    auto address = parse_address(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->text(), expected);
  }
}

TEST(Address, RefusesWhatIsNoneAndNamesIt) {
  for (const char* text : {"", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:9464s", "::1:9464", "[127.0.0.1]:1",
                           "example.org:9464", "+9464", "1.2.3.4,5:1", "[]:1"}) {
    auto address = parse_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().kind(), ErrorKind::kConfig);
    EXPECT_EQ(address.error().code(), "metrics.address");
    EXPECT_NE(address.error().message().find('"' + std::string(text) + '"'), std::string::npos)
        << address.error().message();
  }
}

}  // namespace
}  // namespace offramp::migrate::metrics
