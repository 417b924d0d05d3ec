#include "target/postgres/server_error.h"

#include <gtest/gtest.h>

namespace offramp::target::postgres {
namespace {

ErrorKind kind_of(std::string_view sqlstate) {
  return server_error(sqlstate, "m", "load", "h/d").kind();
}

TEST(ServerError, KindIsWhatTheCallerShouldDo) {
  EXPECT_EQ(kind_of("28P01"), ErrorKind::kConfig);
  EXPECT_EQ(kind_of("3D000"), ErrorKind::kConfig);
  EXPECT_EQ(kind_of("42501"), ErrorKind::kConfig);
  EXPECT_EQ(kind_of("08006"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of("57P01"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of("53300"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of("40001"), ErrorKind::kRetry);
  EXPECT_EQ(kind_of("40P01"), ErrorKind::kRetry);
  EXPECT_EQ(kind_of("22021"), ErrorKind::kBadItem);
  EXPECT_EQ(kind_of("54000"), ErrorKind::kBadItem);
  EXPECT_EQ(kind_of("42601"), ErrorKind::kInternal);
}

TEST(ServerError, DiskFullSaysSo) {
  Error error =
      server_error("53100", "could not extend file", "load rows into orders", "db:5432/app");
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_NE(error.message().find("disk is full"), std::string::npos);
  EXPECT_NE(error.message().find("db:5432/app"), std::string::npos);
  EXPECT_NE(error.message().find("orders"), std::string::npos);
}

TEST(ServerError, C12_ValuesAreCutOff) {
  Error error =
      server_error("22P02", "invalid input syntax for type json: \"secret\"", "load", "h/d");
  EXPECT_EQ(error.message().find("secret"), std::string::npos);
}

TEST(ServerError, SqlstateOfMessage) {
  EXPECT_EQ(
      sqlstate_of_message(
          "connection to server at \"h\" (1.2.3.4), port 5432 failed: FATAL:  28P01: password "
          "authentication failed for user \"u\"\n"),
      "28P01");
  EXPECT_EQ(sqlstate_of_message("connection refused"), "");
}

}  // namespace
}  // namespace offramp::target::postgres
