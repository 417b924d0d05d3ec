// Questions about what a served table never has: backups, exports, imports, Kinesis destinations,
// Contributor Insights, policies, replicas. Tools ask them after CreateTable and with every
// refresh; the answers are the service's for a table where nothing of it was switched on. Switching
// something on is refused in words.
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

constexpr int64_t kRecoveryDaysMax = 35;
constexpr size_t kArnBytesMin = 37, kArnBytesMax = 1024;

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

constexpr std::string_view kNoExports = R"({"ExportSummaries":[]})",
                           kNoImports = R"({"ImportSummaryList":[]})",
                           kNoBackups = R"({"BackupSummaries":[]})",
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
  dispatch["GetResourcePolicy"] = {&kArnShape, get_policy};
  dispatch["ListExports"] = {&kNoShape, always<kNoExports>};
  dispatch["ListImports"] = {&kNoShape, always<kNoImports>};
  dispatch["ListBackups"] = {&kNoShape, always<kNoBackups>};
  dispatch["ListContributorInsights"] = {&kNoShape, always<kNoInsights>};
  dispatch["ListGlobalTables"] = {&kNoShape, always<kNoGlobalTables>};
}

}  // namespace offramp::engine
