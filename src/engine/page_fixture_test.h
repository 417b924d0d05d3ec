// PageTest: a table with indexes of every kind, filled through the store, and answers made easy to
// compare.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ddb/wire_json.h"
#include "engine/engine_fixture_test.h"
#include "engine/table.h"

namespace offramp::engine {

class PageTest : public EngineTest {
 protected:
  // "ttt": pk S, sk N; local indexes on l: lall, lkeys, linc (x); global ones: gall on g and gs,
  // gkeys on g, ginc (x).
  void make_full_table() {
    const auto index = [](std::string name, std::string partition, std::string sort,
                          std::string projection) {
      std::string key = R"([{"AttributeName":")" + partition + R"(","KeyType":"HASH"})";
      if (!sort.empty()) key += R"(,{"AttributeName":")" + sort + R"(","KeyType":"RANGE"})";
      return R"({"IndexName":")" + name + R"(","KeySchema":)" + key + R"(],"Projection":)" +
             projection + "}";
    };
    const std::string all = R"({"ProjectionType":"ALL"})",
                      keys = R"({"ProjectionType":"KEYS_ONLY"})",
                      include = R"({"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]})";
    ok("CreateTable",
       R"({"TableName":"ttt","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[
          {"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},
          {"AttributeName":"l","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"},
          {"AttributeName":"gs","AttributeType":"N"}],
          "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
          "LocalSecondaryIndexes":[)" +
           index("lall", "pk", "l", all) + "," + index("lkeys", "pk", "l", keys) + "," +
           index("linc", "pk", "l", include) + R"(],"GlobalSecondaryIndexes":[)" +
           index("gall", "g", "gs", all) + "," + index("gkeys", "g", "", keys) + "," +
           index("ginc", "g", "gs", include) + "]}");
  }
  // "mmm": pk S; global index gmi on a, b (S) and c (N), d (S).
  void make_many_key_table() {
    ok("CreateTable",
       R"({"TableName":"mmm","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[
          {"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"a","AttributeType":"S"},
          {"AttributeName":"b","AttributeType":"S"},{"AttributeName":"c","AttributeType":"N"},
          {"AttributeName":"d","AttributeType":"S"}],
          "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
          "GlobalSecondaryIndexes":[{"IndexName":"gmi","Projection":{"ProjectionType":"ALL"},"KeySchema":[
            {"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"},
            {"AttributeName":"c","KeyType":"RANGE"},{"AttributeName":"d","KeyType":"RANGE"}]}]})");
  }

  // Writes an item of DynamoDB JSON to the store, past the engine.
  void put(std::string_view table, std::string_view json) {
    std::string text(json);
    text.append(ddb::kJsonPadding, ' ');
    ddb::ItemBatch batch;
    ddb::JsonDecoder decoder;
    auto root = decoder.decode_item(std::string_view(text).substr(0, json.size()), "",
                                    ddb::JsonForm::kTyped, batch);
    ASSERT_TRUE(root.ok()) << json;
    batch.add_root(*root, 0);
    const std::vector<target::CatalogEntry> entries = std::move(store.catalog()).value();
    for (const target::CatalogEntry& entry : entries) {
      if (entry.name != table) continue;
      const TableRef loaded = std::move(load_table(entry, store.limits(), {})).value();
      const target::ItemRef ref{&loaded->served, batch.item(0)};
      const target::Decision decision{target::Decision::Kind::kPut, batch.item(0)};
      auto session = std::move(store.session()).value();
      ASSERT_TRUE(session->write_blind({&ref, 1}, {&decision, 1}).ok());
      return;
    }
    FAIL() << "no table " << table;
  }

  // "sk,sk,… count/scanned > LastEvaluatedKey" of an answer; without Items "-".
  std::string page(std::string_view operation, std::string_view body) {
    const std::string answer = ok(operation, body);
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    EXPECT_FALSE(parser.parse(answer).get(root)) << answer;
    std::string out;
    simdjson::dom::array items;
    if (root["Items"].get(items))
      out = "-";
    else
      for (simdjson::dom::element item : items) {
        std::string_view number = "?";
        [[maybe_unused]] auto none = item["sk"]["N"].get(number);
        out.append(out.empty() ? "" : ",").append(number);
      }
    out += " " + simdjson::minify(root["Count"]) + "/" + simdjson::minify(root["ScannedCount"]);
    simdjson::dom::element last;
    if (!root["LastEvaluatedKey"].get(last)) out += " > " + simdjson::minify(last);
    return out;
  }
  // The value of a member of an answer, as JSON.
  std::string member(std::string_view answer, std::string_view name) {
    simdjson::dom::parser parser;
    simdjson::dom::element root, found;
    EXPECT_FALSE(parser.parse(answer.data(), answer.size()).get(root)) << answer;
    if (root[name].get(found)) return "";
    return simdjson::minify(found);
  }
};

}  // namespace offramp::engine
