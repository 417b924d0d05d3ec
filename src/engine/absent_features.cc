// Questions about what a served table never has: backups, exports, imports, Kinesis destinations,
// Contributor Insights, policies, replicas. Tools ask them after CreateTable and with every
// refresh; the answers are the service's for a table where nothing of it was switched on. Switching
// something on, exporting and importing are refused in words.
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/table_changes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Shape kNoShape = structure({}, "Empty");
constexpr Member kTableMembers[] = {{"TableName", &kString}, {"IndexName", &kString}};
constexpr Shape kTableShape = structure(kTableMembers, "DescribeInput");
constexpr Member kRecoveryMembers[] = {{"PointInTimeRecoveryEnabled", &kBoolean},
                                       {"RecoveryPeriodInDays", &kInteger}};
constexpr Shape kRecovery = structure(kRecoveryMembers, "PointInTimeRecoverySpecification");
constexpr Member kUpdateBackupsMembers[] = {{"TableName", &kString},
                                            {"PointInTimeRecoverySpecification", &kRecovery}};
constexpr Shape kUpdateBackupsShape =
    structure(kUpdateBackupsMembers, "UpdateContinuousBackupsInput");
constexpr Member kArnMembers[] = {{"ExportArn", &kString},
                                  {"ImportArn", &kString},
                                  {"BackupArn", &kString},
                                  {"ResourceArn", &kString}};
constexpr Shape kArnShape = structure(kArnMembers, "DescribeInput");

constexpr Member kListMembers[] = {{"TableArn", &kString},
                                   {"MaxResults", &kInteger},
                                   {"PageSize", &kInteger},
                                   {"NextToken", &kString}};
constexpr Shape kListShape = structure(kListMembers, "ListInput");
constexpr Member kExportMembers[] = {{"TableArn", &kString}, {"S3Bucket", &kString}};
constexpr Shape kExportShape = structure(kExportMembers, "ExportTableToPointInTimeInput");
constexpr Member kBucketMembers[] = {{"S3Bucket", &kString}};
constexpr Shape kBucket = structure(kBucketMembers, "S3BucketSource");
constexpr Shape kCreation = structure({}, "TableCreationParameters");
constexpr Member kImportMembers[] = {{"S3BucketSource", &kBucket},
                                     {"InputFormat", &kString},
                                     {"TableCreationParameters", &kCreation}};
constexpr Shape kImportShape = structure(kImportMembers, "ImportTableInput");

constexpr int64_t kRecoveryDaysMax = 35;
constexpr int64_t kListedMax = 25;
constexpr size_t kArnBytesMin = 37, kArnBytesMax = 1024, kBucketBytesMax = 255;

constexpr std::string_view kContinuousBackups =
    R"({"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED",)"
    R"("PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}})";

// The service has another error for these two operations.
Error backup_error(Error error, Context& context) {
  if (error.code() != "ResourceNotFoundException") return error;
  return service_error(
      "TableNotFoundException",
      "Table not found: " + std::string(table_of(context.request["TableName"].text())));
}

Status describe_continuous_backups(Context& context) {
  Result<TableRef> table = named_table(context);
  if (!table.ok()) return backup_error(std::move(table).error(), context);
  context.out = kContinuousBackups;
  return {};
}

Status update_continuous_backups(Context& context) {
  Json recovery = context.request["PointInTimeRecoverySpecification"];
  Json enabled = recovery["PointInTimeRecoveryEnabled"], days = recovery["RecoveryPeriodInDays"];
  Constraints constraints;
  TRY(constraints.table_name(context.request.root()));
  if (constraints.not_null(recovery, "pointInTimeRecoverySpecification"))
    constraints.not_null(enabled, "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled");
  constraints.at_least(days, "pointInTimeRecoverySpecification.recoveryPeriodInDays", 1);
  constraints.at_most(days, "pointInTimeRecoverySpecification.recoveryPeriodInDays",
                      kRecoveryDaysMax);
  TRY(constraints.done());
  if (!enabled.boolean() && days)
    return validation(
        "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time "
        "recovery.");
  Result<TableRef> table = existing_table(context);
  if (!table.ok()) return backup_error(std::move(table).error(), context);
  if (enabled.boolean())
    return validation(
        "Point-in-time recovery is not available at this endpoint: the database has backups of its "
        "own");
  context.out = kContinuousBackups;
  return {};
}

Status describe_kinesis(Context& context) {
  TableRef table = TRY(named_table(context));
  JsonWriter write(context.out);
  write.open('{');
  write.text("TableName", table->served.name);
  context.out.append(R"(,"KinesisDataStreamDestinations":[]})");
  return {};
}

Status describe_insights(Context& context) {
  TableRef table = TRY(named_table(context));
  std::string_view index = context.request["IndexName"].text();
  if (!index.empty() && table->find_index(index) < 0)
    return service_error("ResourceNotFoundException",
                         "Requested resource not found: Index: " + std::string(index) +
                             " not found for table: " + table->served.name);
  JsonWriter write(context.out);
  write.open('{');
  write.text("TableName", table->served.name);
  if (!index.empty()) write.text("IndexName", index);
  write.text("ContributorInsightsStatus", "DISABLED");
  context.out.push_back('}');
  return {};
}

// What has an ARN of its own and is never there. `member` has the ARN, which names `kind` below a
// table.
Status not_there(Context& context, std::string_view member, std::string_view kind) {
  Json arn = context.request[member];
  std::string path(member), title(kind);
  path[0] = static_cast<char>(path[0] | 0x20);
  title[0] = static_cast<char>(title[0] & ~0x20);
  Constraints constraints;
  if (constraints.not_null(arn, path)) constraints.length(arn, path, kArnBytesMin, kArnBytesMax);
  TRY(constraints.done());
  std::string below = "/" + std::string(kind) + "/";
  if (!arn.text().starts_with("arn:") || arn.text().find(below) == std::string_view::npos)
    return validation("Invalid " + title + " ARN");
  return service_error(title + "NotFoundException",
                       title + " not found: " + std::string(arn.text()));
}
Status describe_export(Context& context) { return not_there(context, "ExportArn", "export"); }
Status describe_import(Context& context) { return not_there(context, "ImportArn", "import"); }
Status describe_backup(Context& context) { return not_there(context, "BackupArn", "backup"); }

// A page of nothing. `limit` has the most that a page may have.
Status list_nothing(Context& context, std::string_view limit, std::string_view answer) {
  Json arn = context.request["TableArn"], most = context.request[limit];
  std::string path(limit);
  path[0] = static_cast<char>(path[0] | 0x20);
  Constraints constraints;
  if (arn) constraints.length(arn, "tableArn", 1, kArnBytesMax);
  constraints.at_least(most, path, 1);
  constraints.at_most(most, path, kListedMax);
  TRY(constraints.done());
  context.out = answer;
  return {};
}
Status list_exports(Context& context) {
  return list_nothing(context, "MaxResults", R"({"ExportSummaries":[]})");
}
Status list_imports(Context& context) {
  return list_nothing(context, "PageSize", R"({"ImportSummaryList":[]})");
}

// The service's error for a table without point-in-time recovery, and what to do instead.
Status export_table(Context& context) {
  Json arn = context.request["TableArn"], bucket = context.request["S3Bucket"];
  Constraints constraints;
  if (constraints.not_null(arn, "tableArn")) constraints.length(arn, "tableArn", 1, kArnBytesMax);
  if (constraints.not_null(bucket, "s3Bucket"))
    constraints.length(bucket, "s3Bucket", 0, kBucketBytesMax);
  TRY(constraints.done());
  TableRef table = TRY(context.catalog.find(arn.text()));
  if (!table)
    return service_error("TableNotFoundException", "Table not found: " + std::string(arn.text()));
  return service_error("PointInTimeRecoveryUnavailableException",
                       "Point in time recovery is not enabled for table '" + table->served.name +
                           "'. This endpoint exports no tables: `offramp dump` writes a table's "
                           "items as DynamoDB JSON");
}

Status import_table(Context& context) {
  Json source = context.request["S3BucketSource"];
  Constraints constraints;
  if (constraints.not_null(source, "s3BucketSource"))
    constraints.not_null(source["S3Bucket"], "s3BucketSource.s3Bucket");
  if (constraints.not_null(context.request["InputFormat"], "inputFormat"))
    constraints.one_of(context.request["InputFormat"], "inputFormat",
                       {"DYNAMODB_JSON", "ION", "CSV"});
  constraints.not_null(context.request["TableCreationParameters"], "tableCreationParameters");
  TRY(constraints.done());
  return validation(
      "This endpoint imports no tables: `offramp plan` and `offramp run` load an export or a dump "
      "into the database");
}

Status get_policy(Context& context) {
  Json arn = context.request["ResourceArn"];
  Constraints constraints;
  if (constraints.not_null(arn, "resourceArn")) constraints.length(arn, "resourceArn", 1, 1283);
  TRY(constraints.done());
  if (!TRY(context.catalog.find(arn.text()))) return table_not_found(table_of(arn.text()));
  return service_error(
      "PolicyNotFoundException",
      "Resource-based policy not found for the provided ResourceArn: " + std::string(arn.text()));
}

constexpr std::string_view kNoBackups = R"({"BackupSummaries":[]})",
                           kNoInsights = R"({"ContributorInsightsSummaries":[]})",
                           kNoGlobalTables = R"({"GlobalTables":[]})";

template <const std::string_view& kAnswer>
Status always(Context& context) {
  context.out = kAnswer;
  return {};
}

}  // namespace

void register_absent_features(Dispatch& dispatch) {
  dispatch["DescribeContinuousBackups"] = {&kTableShape, describe_continuous_backups};
  dispatch["UpdateContinuousBackups"] = {&kUpdateBackupsShape, update_continuous_backups};
  dispatch["DescribeKinesisStreamingDestination"] = {&kTableShape, describe_kinesis};
  dispatch["DescribeContributorInsights"] = {&kTableShape, describe_insights};
  dispatch["DescribeExport"] = {&kArnShape, describe_export};
  dispatch["DescribeImport"] = {&kArnShape, describe_import};
  dispatch["DescribeBackup"] = {&kArnShape, describe_backup};
  dispatch["ExportTableToPointInTime"] = {&kExportShape, export_table};
  dispatch["ImportTable"] = {&kImportShape, import_table};
  dispatch["GetResourcePolicy"] = {&kArnShape, get_policy};
  dispatch["ListExports"] = {&kListShape, list_exports};
  dispatch["ListImports"] = {&kListShape, list_imports};
  dispatch["ListBackups"] = {&kNoShape, always<kNoBackups>};
  dispatch["ListContributorInsights"] = {&kNoShape, always<kNoInsights>};
  dispatch["ListGlobalTables"] = {&kNoShape, always<kNoGlobalTables>};
}

}  // namespace offramp::engine
