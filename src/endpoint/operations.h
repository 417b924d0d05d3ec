// The operations of the service's two APIs, by name: what is none of them is refused before its
// signature is looked at, as the service does it, and metrics have a bounded number of series.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace offramp::endpoint {

struct Operation {
  std::string_view api, name;
};

// Sorted within each API. Those an executor does not have it refuses itself.
inline constexpr std::array<Operation, 61> kOperations = {{
    {"DynamoDBStreams_20120810", "DescribeStream"},
    {"DynamoDBStreams_20120810", "GetRecords"},
    {"DynamoDBStreams_20120810", "GetShardIterator"},
    {"DynamoDBStreams_20120810", "ListStreams"},
    {"DynamoDB_20120810", "BatchExecuteStatement"},
    {"DynamoDB_20120810", "BatchGetItem"},
    {"DynamoDB_20120810", "BatchWriteItem"},
    {"DynamoDB_20120810", "CreateBackup"},
    {"DynamoDB_20120810", "CreateGlobalTable"},
    {"DynamoDB_20120810", "CreateTable"},
    {"DynamoDB_20120810", "DeleteBackup"},
    {"DynamoDB_20120810", "DeleteItem"},
    {"DynamoDB_20120810", "DeleteResourcePolicy"},
    {"DynamoDB_20120810", "DeleteTable"},
    {"DynamoDB_20120810", "DescribeBackup"},
    {"DynamoDB_20120810", "DescribeContinuousBackups"},
    {"DynamoDB_20120810", "DescribeContributorInsights"},
    {"DynamoDB_20120810", "DescribeEndpoints"},
    {"DynamoDB_20120810", "DescribeExport"},
    {"DynamoDB_20120810", "DescribeGlobalTable"},
    {"DynamoDB_20120810", "DescribeGlobalTableSettings"},
    {"DynamoDB_20120810", "DescribeImport"},
    {"DynamoDB_20120810", "DescribeKinesisStreamingDestination"},
    {"DynamoDB_20120810", "DescribeLimits"},
    {"DynamoDB_20120810", "DescribeTable"},
    {"DynamoDB_20120810", "DescribeTableReplicaAutoScaling"},
    {"DynamoDB_20120810", "DescribeTimeToLive"},
    {"DynamoDB_20120810", "DisableKinesisStreamingDestination"},
    {"DynamoDB_20120810", "EnableKinesisStreamingDestination"},
    {"DynamoDB_20120810", "ExecuteStatement"},
    {"DynamoDB_20120810", "ExecuteTransaction"},
    {"DynamoDB_20120810", "ExportTableToPointInTime"},
    {"DynamoDB_20120810", "GetItem"},
    {"DynamoDB_20120810", "GetResourcePolicy"},
    {"DynamoDB_20120810", "ImportTable"},
    {"DynamoDB_20120810", "ListBackups"},
    {"DynamoDB_20120810", "ListContributorInsights"},
    {"DynamoDB_20120810", "ListExports"},
    {"DynamoDB_20120810", "ListGlobalTables"},
    {"DynamoDB_20120810", "ListImports"},
    {"DynamoDB_20120810", "ListTables"},
    {"DynamoDB_20120810", "ListTagsOfResource"},
    {"DynamoDB_20120810", "PutItem"},
    {"DynamoDB_20120810", "PutResourcePolicy"},
    {"DynamoDB_20120810", "Query"},
    {"DynamoDB_20120810", "RestoreTableFromBackup"},
    {"DynamoDB_20120810", "RestoreTableToPointInTime"},
    {"DynamoDB_20120810", "Scan"},
    {"DynamoDB_20120810", "TagResource"},
    {"DynamoDB_20120810", "TransactGetItems"},
    {"DynamoDB_20120810", "TransactWriteItems"},
    {"DynamoDB_20120810", "UntagResource"},
    {"DynamoDB_20120810", "UpdateContinuousBackups"},
    {"DynamoDB_20120810", "UpdateContributorInsights"},
    {"DynamoDB_20120810", "UpdateGlobalTable"},
    {"DynamoDB_20120810", "UpdateGlobalTableSettings"},
    {"DynamoDB_20120810", "UpdateItem"},
    {"DynamoDB_20120810", "UpdateKinesisStreamingDestination"},
    {"DynamoDB_20120810", "UpdateTable"},
    {"DynamoDB_20120810", "UpdateTableReplicaAutoScaling"},
    {"DynamoDB_20120810", "UpdateTimeToLive"},
}};

// The place in kOperations of an X-Amz-Target ("DynamoDB_20120810.GetItem"), or its size.
constexpr size_t operation_of(std::string_view target) {
  const size_t dot = target.find('.');
  if (dot == target.npos) return kOperations.size();
  const Operation wanted{target.substr(0, dot), target.substr(dot + 1)};
  size_t low = 0, high = kOperations.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const Operation& at = kOperations[middle];
    const int order =
        at.api != wanted.api ? at.api.compare(wanted.api) : at.name.compare(wanted.name);
    if (order == 0) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return kOperations.size();
}

}  // namespace offramp::endpoint
