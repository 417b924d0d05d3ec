// ScriptedTable: Scan over items in memory behind a real socket, for tests: segments, pages, Limit,
// exact keys.
//
// Items are DynamoDB JSON texts with a partition key "pk"; an item belongs to the segment (index %
// TotalSegments). What a page holds is bounded by page_items; empty_pages puts a page without items
// before each. Constant while it serves.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/scripted_server_test.h"

namespace offramp::source::scan {

struct ScriptedTable {
  std::vector<std::string> items;
  std::string key_type = "S";
  size_t page_items = 1000;
  bool empty_pages = false;
  double units_per_item = 1;

  io::ScriptedAnswer operator()(const io::ScriptedRequest& request, size_t) const {
    std::string target = request.header("x-amz-target");
    auto body = nlohmann::json::parse(request.body);
    if (target.ends_with(".DescribeTable"))
      return {
          .body =
              R"({"Table":{"TableName":"Tab","TableStatus":"ACTIVE","TableArn":"arn:aws:dynamodb:eu-west-1:1:table/Tab",)"
              R"("TableId":"id-1","ItemCount":3,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],)"
              R"("AttributeDefinitions":[{"AttributeName":"pk","AttributeType":")" +
              key_type + R"("}]}})"};
    if (target.ends_with(".DescribeTimeToLive"))
      return {
          .body =
              R"({"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"expires"}})"};
    return scan(body);
  }

  io::ScriptedAnswer scan(const nlohmann::json& body) const {
    if (body.value("ConsistentRead", false) != true || body["ReturnConsumedCapacity"] != "TOTAL")
      return {.status = 400,
              .body = R"({"__type":"x#ValidationException","message":"not what C2 asks for"})"};
    size_t segment = body["Segment"], segments = body["TotalSegments"];
    std::vector<const std::string*> mine;
    for (size_t i = segment; i < items.size(); i += segments) mine.push_back(&items[i]);
    size_t start = 0;
    bool after_empty = false;
    if (body.contains("ExclusiveStartKey")) {
      auto key = body["ExclusiveStartKey"]["pk"];
      while (start < mine.size() && nlohmann::json::parse(*mine[start])["pk"] != key) ++start;
      if (start == mine.size())
        return {.status = 400,
                .body = R"({"__type":"x#ValidationException","message":"no such key"})"};
      // The marker of an empty page carries the key that it comes after, plus a space that makes
      // its text differ.
      after_empty = body["ExclusiveStartKey"].contains("empty");
      ++start;
    }
    size_t count = std::min<size_t>(page_items, body.value("Limit", uint64_t{1'000'000}));
    if (empty_pages && start > 0 && !after_empty) count = 0;
    size_t end = std::min(mine.size(), start + count);
    std::string out = R"({"Count":)" + std::to_string(end - start) + R"(,"Items":[)";
    for (size_t i = start; i < end; ++i) out += (i > start ? "," : "") + *mine[i];
    out += R"(],"ScannedCount":)" + std::to_string(end - start);
    if (end < mine.size()) {
      out += R"(,"LastEvaluatedKey":{"pk":)" + nlohmann::json::parse(*mine[end - 1])["pk"].dump();
      out += count == 0 ? R"(,"empty":{"S":""}})" : "}";
    }
    out += R"(,"ConsumedCapacity":{"TableName":"Tab","CapacityUnits":)" +
           std::to_string(units_per_item * static_cast<double>(end - start)) + "}}";
    return {.body = out, .framing = io::ScriptedAnswer::Framing::kChunked};
  }
};

}  // namespace offramp::source::scan
