// Time to live switched on and off; and what tools ask about features that served tables do not
// have.
#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

class TimeToLiveTest : public EngineTest {
 protected:
  TimeToLiveTest() { make_table("tab"); }
  static std::string update(bool enabled, std::string_view attribute) {
    return "{\"TableName\":\"tab\",\"TimeToLiveSpecification\":{\"Enabled\":" +
           std::string(enabled ? "true" : "false") + ",\"AttributeName\":\"" +
           std::string(attribute) + "\"}}";
  }
  static constexpr std::string_view kDescribe = R"({"TableName":"tab"})";
};

TEST_F(TimeToLiveTest, IsSwitchedOnAndOff) {
  EXPECT_EQ(ok("DescribeTimeToLive", kDescribe),
            R"({"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}})");
  EXPECT_EQ(error("UpdateTimeToLive", update(false, "at")),
            "ValidationException: TimeToLive is already disabled");
  EXPECT_EQ(ok("UpdateTimeToLive", update(true, "at")),
            R"({"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"at"}})");
  EXPECT_EQ(ok("DescribeTimeToLive", kDescribe),
            R"({"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"at"}})");
  EXPECT_EQ(error("UpdateTimeToLive", update(true, "at")),
            "ValidationException: TimeToLive is already enabled");
  for (bool enabled : {true, false})
    EXPECT_EQ(error("UpdateTimeToLive", update(enabled, "other")),
              "ValidationException: TimeToLive is active on a different AttributeName: current "
              "AttributeName is at");
  // It is the table's, not this process's.
  auto later = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  worker = std::move(later->worker()).value();
  EXPECT_EQ(ok("DescribeTimeToLive", kDescribe),
            R"({"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"at"}})");
  EXPECT_EQ(ok("UpdateTimeToLive", update(false, "at")),
            R"({"TimeToLiveSpecification":{"Enabled":false,"AttributeName":"at"}})");
  EXPECT_EQ(ok("DescribeTimeToLive", kDescribe),
            R"({"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}})");
  worker.reset();
}

TEST_F(TimeToLiveTest, Refuses) {
  EXPECT_EQ(error("UpdateTimeToLive", R"({"TableName":"tab"})"),
            "ValidationException: 1 validation error detected: Value null at "
            "'timeToLiveSpecification' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(
      error("UpdateTimeToLive", R"({"TableName":"tab","TimeToLiveSpecification":{}})"),
      "ValidationException: 2 validation errors detected: Value null at "
      "'timeToLiveSpecification.enabled' failed to satisfy constraint: Member must not be null; "
      "Value null at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member "
      "must not be null");
  EXPECT_EQ(error("UpdateTimeToLive", update(true, "")),
            "ValidationException: 1 validation error detected: Value '' at "
            "'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 1");
  ok("UpdateTimeToLive", update(true, std::string(255, 'a')));
  EXPECT_EQ(error("DescribeTimeToLive", R"({"TableName":"none"})"),
            "ResourceNotFoundException: Requested resource not found: Table: none not found");
  EXPECT_EQ(
      error(
          "UpdateTimeToLive",
          R"({"TableName":"none","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"a"}})"),
      "ResourceNotFoundException: Requested resource not found: Table: none not found");
}

TEST_F(TimeToLiveTest, ContinuousBackupsCannotBeSwitchedOn) {
  constexpr std::string_view kOff =
      R"({"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED",)"
      R"("PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}})";
  auto update = [](std::string_view recovery) {
    return R"({"TableName":"tab","PointInTimeRecoverySpecification":{)" + std::string(recovery) +
           "}}";
  };
  EXPECT_EQ(ok("DescribeContinuousBackups", kDescribe), kOff);
  EXPECT_EQ(ok("UpdateContinuousBackups", update(R"("PointInTimeRecoveryEnabled":false)")), kOff);
  EXPECT_TRUE(error("UpdateContinuousBackups", update(R"("PointInTimeRecoveryEnabled":true)"))
                  .starts_with("ValidationException: Point-in-time recovery is not available"));
  EXPECT_EQ(error("UpdateContinuousBackups",
                  update(R"("PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":36)")),
            "ValidationException: 1 validation error detected: Value '36' at "
            "'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: "
            "Member must have value less than or equal to 35");
  EXPECT_EQ(error("UpdateContinuousBackups",
                  update(R"("PointInTimeRecoveryEnabled":false,"RecoveryPeriodInDays":7)")),
            "ValidationException: Invalid Request: Cannot specify RecoveryPeriodInDays when "
            "disabling point-in-time recovery.");
  for (const char* operation : {"DescribeContinuousBackups", "UpdateContinuousBackups"})
    EXPECT_EQ(
        error(
            operation,
            R"({"TableName":"none","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}})"),
        "TableNotFoundException: Table not found: none");
}

TEST_F(TimeToLiveTest, ExportsAndImportsAreRefusedWithTheWayInstead) {
  auto exported = [](std::string_view table) {
    return R"({"S3Bucket":"b","TableArn":"arn:aws:dynamodb:local:000000000000:table/)" +
           std::string(table) + "\"}";
  };
  EXPECT_EQ(error("ExportTableToPointInTime", exported("tab")),
            "PointInTimeRecoveryUnavailableException: Point in time recovery is not enabled for "
            "table 'tab'. This endpoint exports no tables: `offramp dump` writes a table's items "
            "as DynamoDB JSON");
  EXPECT_EQ(error("ExportTableToPointInTime", exported("none")),
            "TableNotFoundException: Table not found: "
            "arn:aws:dynamodb:local:000000000000:table/none");
  EXPECT_EQ(error("ExportTableToPointInTime", "{}"),
            "ValidationException: 2 validation errors detected: Value null at 'tableArn' failed to "
            "satisfy constraint: Member must not be null; Value null at 's3Bucket' failed to "
            "satisfy constraint: Member must not be null");
  std::string import =
      R"({"S3BucketSource":{"S3Bucket":"b"},"InputFormat":"ION","TableCreationParameters":{}})";
  EXPECT_TRUE(error("ImportTable", import).ends_with("load an export or a dump into the database"));
  import.replace(import.find("ION"), 3, "XML");
  EXPECT_EQ(error("ImportTable", import),
            "ValidationException: 1 validation error detected: Value 'XML' at 'inputFormat' failed "
            "to satisfy constraint: Member must satisfy enum value set: [DYNAMODB_JSON, ION, CSV]");
}

TEST_F(TimeToLiveTest, WhatIsNotThereIsDescribedAsSwitchedOff) {
  EXPECT_EQ(ok("DescribeKinesisStreamingDestination", kDescribe),
            R"({"TableName":"tab","KinesisDataStreamDestinations":[]})");
  EXPECT_EQ(ok("DescribeContributorInsights", kDescribe),
            R"({"TableName":"tab","ContributorInsightsStatus":"DISABLED"})");
  EXPECT_EQ(error("DescribeContributorInsights", R"({"TableName":"tab","IndexName":"ghost"})"),
            "ResourceNotFoundException: Requested resource not found: Index: ghost not found for "
            "table: tab");
  EXPECT_EQ(ok("ListExports", "{}"), R"({"ExportSummaries":[]})");
  EXPECT_EQ(ok("ListImports", "{}"), R"({"ImportSummaryList":[]})");
  EXPECT_EQ(ok("ListBackups", "{}"), R"({"BackupSummaries":[]})");
  std::string arn = "arn:aws:dynamodb:local:000000000000:table/tab/export/0123";
  EXPECT_EQ(error("DescribeExport", "{\"ExportArn\":\"" + arn + "\"}"),
            "ExportNotFoundException: Export not found: " + arn);
  EXPECT_EQ(
      error("DescribeExport", R"({"ExportArn":"arn:aws:dynamodb:local:000000000000:table/tab"})"),
      "ValidationException: Invalid Export ARN");
  EXPECT_TRUE(error("DescribeImport", "{}")
                  .starts_with("ValidationException: 1 validation error detected: Value null at "
                               "'importArn'"));
  EXPECT_EQ(
      error("ListExports", R"({"MaxResults":26})"),
      "ValidationException: 1 validation error detected: Value '26' at 'maxResults' failed to "
      "satisfy constraint: Member must have value less than or equal to 25");
  EXPECT_EQ(error("ListImports", R"({"PageSize":0})"),
            "ValidationException: 1 validation error detected: Value '0' at 'pageSize' failed to "
            "satisfy constraint: Member must have value greater than or equal to 1");
  EXPECT_EQ(error("GetResourcePolicy",
                  R"({"ResourceArn":"arn:aws:dynamodb:local:000000000000:table/tab"})"),
            "PolicyNotFoundException: Resource-based policy not found for the provided "
            "ResourceArn: arn:aws:dynamodb:local:000000000000:table/tab");
}

}  // namespace
}  // namespace offramp::engine
