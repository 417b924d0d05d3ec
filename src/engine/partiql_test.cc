// ExecuteStatement, BatchExecuteStatement and ExecuteTransaction: what they read and write, their
// pages, their errors.
#include <set>

#include "base/base64.h"
#include "engine/page_fixture_test.h"

namespace offramp::engine {
namespace {

class PartiqlTest : public PageTest {
 protected:
  PartiqlTest() {
    make_full_table();
    make_table("one");
  }
  void fill() {
    for (const char* pk : {"a", "b", "c"})
      for (int n = 0; n < 4; ++n)
        put("ttt", R"({"pk":{"S":")" + std::string(pk) + R"("},"sk":{"N":")" + std::to_string(n) +
                       R"("},"l":{"S":"l)" + std::to_string(9 - n) + R"("},"g":{"S":"g)" +
                       std::to_string(n % 2) + R"("},"gs":{"N":")" + std::to_string(n) +
                       R"("},"x":{"S":"x"},"y":{"N":")" + std::to_string(n * 10) + R"("}})");
  }
  static std::string body(std::string_view statement, std::string_view more = "") {
    return "{\"Statement\":" + ddb::json_quoted(statement) + std::string(more) + "}";
  }
  std::string run(std::string_view statement, std::string_view more = "") {
    return ok("ExecuteStatement", body(statement, more));
  }
  std::string items(std::string_view statement, std::string_view more = "") {
    return member(run(statement, more), "Items");
  }
  std::string refused(std::string_view statement, std::string_view more = "") {
    std::string text = error("ExecuteStatement", body(statement, more));
    const std::string kind = "ValidationException: ";
    return text.starts_with(kind) ? text.substr(kind.size()) : text;
  }
  // "pk sk" of the items that a SELECT pk, sk gives.
  std::vector<std::string> keys(std::string_view rest, std::string_view more = "") {
    return keys_of(run("SELECT pk, sk FROM ttt " + std::string(rest), more));
  }
  static std::vector<std::string> keys_of(const std::string& answer) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    EXPECT_FALSE(parser.parse(answer).get(root)) << answer;
    std::vector<std::string> out;
    for (simdjson::dom::element item : root["Items"].get_array())
      out.push_back(std::string(item["pk"]["S"].get_string().value()) +
                    std::string(item["sk"]["N"].get_string().value()));
    return out;
  }
  // All pages of a SELECT, in order.
  std::vector<std::string> pages(std::string_view rest, int limit) {
    std::vector<std::string> out;
    std::string more;
    for (int page = 0; page < 100; ++page) {
      const std::string answer = run("SELECT pk, sk FROM ttt" + std::string(rest),
                                     ",\"Limit\":" + std::to_string(limit) + more);
      for (const std::string& key : keys_of(answer)) out.push_back(key);
      const std::string token = member(answer, "NextToken");
      EXPECT_EQ(token.empty(), member(answer, "LastEvaluatedKey").empty());
      if (token.empty()) return out;
      more = ",\"NextToken\":" + token;
    }
    ADD_FAILURE() << "the pages do not end";
    return out;
  }
  static std::string list(std::string_view member, std::vector<std::string> statements,
                          std::string_view more = "") {
    std::string out = "{\"" + std::string(member) + "\":[";
    for (const std::string& statement : statements)
      out += (out.back() == '[' ? "" : ",") + body(statement);
    return out + "]" + std::string(more) + "}";
  }
  std::string batch(std::vector<std::string> statements) {
    return member(ok("BatchExecuteStatement", list("Statements", std::move(statements))),
                  "Responses");
  }
  std::string transact(std::vector<std::string> statements, std::string_view more = "") {
    return ok("ExecuteTransaction", list("TransactStatements", std::move(statements), more));
  }
  std::string cancelled(std::vector<std::string> statements, std::string_view more = "") {
    const Reply reply =
        call("ExecuteTransaction", list("TransactStatements", std::move(statements), more));
    EXPECT_EQ(reply.error_type, "TransactionCanceledException") << reply.body;
    return member(reply.body, "CancellationReasons");
  }
};

using Keys = std::vector<std::string>;

TEST_F(PartiqlTest, PartitionsAreReadInOrderAndNarrowed) {
  fill();
  EXPECT_EQ(keys("WHERE pk='b'"), (Keys{"b0", "b1", "b2", "b3"}));
  EXPECT_EQ(keys("WHERE pk='b' ORDER BY sk DESC"), (Keys{"b3", "b2", "b1", "b0"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk>0 AND sk<=2"), (Keys{"b1", "b2"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk>0 AND sk>=2 AND 3>sk"), (Keys{"b2"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk BETWEEN 1 AND 2"), (Keys{"b1", "b2"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk>2 AND sk<1"), Keys());
  EXPECT_EQ(keys("WHERE pk='b' AND sk IN (3, 1)"), (Keys{"b1", "b3"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk=1"), (Keys{"b1"}));
  EXPECT_EQ(keys("WHERE pk='b' AND sk=1 AND sk=2"), Keys());
  EXPECT_EQ(keys("WHERE pk='b' AND pk='a'"), Keys());
  EXPECT_EQ(keys("WHERE pk='b' AND y>=20"), (Keys{"b2", "b3"}));
  EXPECT_EQ(keys("WHERE pk IN ('c','a','c') AND sk>2"), (Keys{"a3", "c3"}));
  EXPECT_EQ(keys("WHERE pk IN ('c','a') AND sk>1 ORDER BY pk DESC, sk ASC"),
            (Keys{"c2", "c3", "a2", "a3"}));
  EXPECT_EQ(keys("WHERE pk='x'"), Keys());
}

TEST_F(PartiqlTest, AnythingElseIsAScan) {
  fill();
  const auto sorted = [this](std::string_view rest) {
    Keys found = keys(rest);
    std::sort(found.begin(), found.end());
    return found;
  };
  EXPECT_EQ(sorted("").size(), 12u);
  EXPECT_EQ(sorted("WHERE pk='a' AND sk=0 OR pk='b' AND sk>2"), (Keys{"a0", "b3"}));
  EXPECT_EQ(sorted("WHERE pk>'b' AND sk=1"), (Keys{"c1"}));
  EXPECT_EQ(sorted("WHERE NOT pk='b' AND sk=1"), (Keys{"a1", "c1"}));
  EXPECT_EQ(sorted("WHERE y=10 AND z IS MISSING"), (Keys{"a1", "b1", "c1"}));
}

TEST_F(PartiqlTest, PagesGoOnWhereTheyEnded) {
  fill();
  for (int limit : {1, 2, 3, 5, 12, 100}) {
    EXPECT_EQ(pages("", limit).size(), 12u) << limit;
    EXPECT_EQ(pages(" WHERE pk IN ('c','a')", limit),
              (Keys{"a0", "a1", "a2", "a3", "c0", "c1", "c2", "c3"}));
    EXPECT_EQ(pages(" WHERE pk IN ('c','a') AND sk<3 ORDER BY pk DESC, sk DESC", limit),
              (Keys{"c2", "c1", "c0", "a2", "a1", "a0"}));
    EXPECT_EQ(pages(".gall WHERE g='g1' ORDER BY gs DESC", limit).size(), 6u);
    EXPECT_EQ(pages(".gkeys", limit).size(), 12u);
    EXPECT_EQ(pages(".lkeys WHERE pk='b'", limit), (Keys{"b3", "b2", "b1", "b0"}));
    EXPECT_EQ(pages(" WHERE pk='a' AND y=30", limit), (Keys{"a3"}));
    EXPECT_EQ(pages(" WHERE pk='a' AND sk=3", limit), (Keys{"a3"}));
  }
}

TEST_F(PartiqlTest, ATokenBelongsToItsStatementAndParameters) {
  fill();
  const std::string statement = "SELECT * FROM ttt WHERE pk=?";
  const std::string given = R"(,"Parameters":[{"S":"a"}])";
  const std::string token = member(run(statement, given + ",\"Limit\":2"), "NextToken");
  EXPECT_NE(items(statement, given + ",\"NextToken\":" + token), "[]");
  const std::string mismatch = "NextToken does not match request";
  EXPECT_EQ(refused(statement, R"(,"Parameters":[{"S":"b"}],"NextToken":)" + token), mismatch);
  EXPECT_EQ(refused("SELECT * FROM ttt  WHERE pk=?", given + ",\"NextToken\":" + token), mismatch);
  for (const char* text : {"x", "AAAA", "////", "e30="})
    EXPECT_EQ(refused(statement, given + ",\"NextToken\":\"" + text + "\""), mismatch);
  // Any changed byte is found.
  const std::string raw = *base::decode_base64(token.substr(1, token.size() - 2));
  for (size_t i = 0; i < raw.size(); i += 7) {
    std::string changed = raw;
    changed[i] ^= 1;
    EXPECT_EQ(refused(statement, given + ",\"NextToken\":\"" + base::encode_base64(changed) + "\""),
              mismatch)
        << i;
  }
  // The table was made again: the same text asks another table.
  ok("DeleteTable", R"({"TableName":"ttt"})");
  make_full_table();
  EXPECT_EQ(refused(statement, given + ",\"NextToken\":" + token), mismatch);
}

TEST_F(PartiqlTest, IndexesShowWhatTheyProjectAndRefuseTheRest) {
  fill();
  EXPECT_EQ(items("SELECT * FROM ttt.gkeys WHERE pk='a' AND sk=1"),
            R"([{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":"g1"}}])");
  EXPECT_EQ(items("SELECT * FROM ttt.lkeys WHERE pk='a' AND l='l8'"),
            R"([{"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"l8"}}])");
  EXPECT_EQ(items("SELECT y FROM ttt.lkeys WHERE pk='a' AND l='l8'"), R"([{"y":{"N":"10"}}])");
  EXPECT_EQ(refused("SELECT y, x FROM ttt.gkeys WHERE g='g1'"),
            "One or more parameter values were invalid: Global secondary index gkeys does not "
            "project [y, x]");
  EXPECT_EQ(refused("SELECT pk FROM ttt.ginc WHERE g='g1' AND y=10"),
            "One or more parameter values were invalid: Secondary index ginc does not project one "
            "or more filter attributes: [y]");
  EXPECT_EQ(items("SELECT pk FROM ttt.ginc WHERE y=10"), "[]");
  EXPECT_EQ(refused("SELECT * FROM ttt.none"), "The table does not have the specified index");
  EXPECT_EQ(refused("SELECT * FROM ttt.gall WHERE g='g1'", ",\"ConsistentRead\":true"),
            "Strongly consistent read is not supported on Global Secondary Indexes");
  EXPECT_EQ(keys_of(run("SELECT pk, sk FROM ttt.lall WHERE pk='a'", ",\"ConsistentRead\":true")),
            (Keys{"a3", "a2", "a1", "a0"}));
}

TEST_F(PartiqlTest, SeveralPartitionAttributesNeedAnEqualityEach) {
  make_many_key_table();
  put("mmm", R"({"pk":{"S":"1"},"a":{"S":"x"},"b":{"S":"y"},"c":{"N":"1"},"d":{"S":"p"}})");
  put("mmm", R"({"pk":{"S":"2"},"a":{"S":"x"},"b":{"S":"z"},"c":{"N":"2"},"d":{"S":"q"}})");
  EXPECT_EQ(items("SELECT pk FROM mmm.gmi WHERE a='x' AND b='z' AND c>1 ORDER BY c DESC"),
            R"([{"pk":{"S":"2"}}])");
  EXPECT_EQ(items("SELECT pk FROM mmm.gmi WHERE a='x' AND b='z' AND c=2 AND d BETWEEN 'a' AND 'r'"),
            R"([{"pk":{"S":"2"}}])");
  EXPECT_EQ(items("SELECT pk FROM mmm.gmi WHERE a IN ('x') AND b='y'"), R"([{"pk":{"S":"1"}}])");
  EXPECT_EQ(items("SELECT pk FROM mmm.gmi WHERE a='x' AND c=2"), R"([{"pk":{"S":"2"}}])");
}

TEST_F(PartiqlTest, ReadsAreRefusedInTheServicesWords) {
  EXPECT_EQ(refused("SELECT * FROM ttt ORDER BY sk"),
            "Must have WHERE clause in the statement when using ORDER BY clause.");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE y=1 ORDER BY sk"),
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause.");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk='a' ORDER BY y"),
            "Variable reference y in ORDER BY clause must be part of the primary key");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk=1"),
            "Key attribute's data type should match its data type in table's schema: Key pk");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk IN ('a', [1], 2)"),
            "Key attribute's data type should match its data type in table's schema: Key pk");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk='a' AND sk>'x'"),
            "Key attribute's data type should match its data type in table's schema: Key sk");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk=''"),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk");
  EXPECT_EQ(refused("SELECT pk.x FROM ttt"),
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            "allowed: Key: pk");
  EXPECT_EQ(refused("SELECT * FROM nowhere"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(refused("EXISTS(SELECT * FROM ttt WHERE pk='a')"),
            "EXISTS can only be used in ExecuteTransaction write requests.");
  EXPECT_EQ(refused("SELECT * FROM ttt", ",\"Limit\":0"),
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1");
  EXPECT_EQ(refused("SELECT * FROM ttt WHERE pk=?", R"(,"Parameters":[{"N":"x"}])"),
            "The parameter cannot be converted to a numeric value: x");
}

TEST_F(PartiqlTest, WritesDoWhatTheyNameAndNothingElse) {
  EXPECT_EQ(run("INSERT INTO one VALUE {'pk':'a','n':1,'m':{'x':1,'y':2}}"), R"({"Items":[]})");
  EXPECT_EQ(error("ExecuteStatement", body("INSERT INTO one VALUE {'pk':'a'}")),
            "DuplicateItemException: Duplicate primary key exists in table");
  EXPECT_EQ(items("UPDATE one SET n=n+1, m.x=5 WHERE pk='a' RETURNING MODIFIED NEW *"),
            R"([{"n":{"N":"2"},"m":{"M":{"x":{"N":"5"}}}}])");
  EXPECT_EQ(items("UPDATE one REMOVE n WHERE pk='a' RETURNING MODIFIED NEW *"), "[]");
  EXPECT_EQ(items("FROM one WHERE pk='a' AND m.y=2 SET n=7 RETURNING ALL OLD *"),
            R"([{"pk":{"S":"a"},"m":{"M":{"x":{"N":"5"},"y":{"N":"2"}}}}])");
  const std::string failed = "ConditionalCheckFailedException: The conditional request failed";
  EXPECT_EQ(refused("UPDATE one SET n=8 WHERE pk='a' AND n=8"), failed);
  EXPECT_EQ(refused("UPDATE one SET n=8 WHERE pk='none'"), failed);
  EXPECT_EQ(refused("DELETE FROM one WHERE pk='a' AND n=8"), failed);
  EXPECT_EQ(run("DELETE FROM one WHERE pk='none' AND n=8"), R"({"Items":[]})");
  EXPECT_EQ(items("SELECT n FROM one"), R"([{"n":{"N":"7"}}])");
  EXPECT_EQ(items("DELETE FROM one WHERE pk='a' RETURNING ALL OLD *"),
            R"([{"pk":{"S":"a"},"m":{"M":{"x":{"N":"5"},"y":{"N":"2"}}},"n":{"N":"7"}}])");
  EXPECT_EQ(items("SELECT * FROM one"), "[]");
}

TEST_F(PartiqlTest, AFailedConditionShowsTheItemWhenAsked) {
  run("INSERT INTO one VALUE {'pk':'a','n':1}");
  const Reply reply =
      call("ExecuteStatement", body("UPDATE one SET n=2 WHERE pk='a' AND n=3",
                                    R"(,"ReturnValuesOnConditionCheckFailure":"ALL_OLD")"));
  EXPECT_EQ(member(reply.body, "Item"), R"({"pk":{"S":"a"},"n":{"N":"1"}})");
  const Reply absent =
      call("ExecuteStatement", body("UPDATE one SET n=2 WHERE pk='b'",
                                    R"(,"ReturnValuesOnConditionCheckFailure":"ALL_OLD")"));
  EXPECT_EQ(member(absent.body, "Item"), "");
}

TEST_F(PartiqlTest, WritesNameOneWholeKey) {
  const std::string mandatory =
      "Where clause does not contain a mandatory equality on all key attributes";
  for (const char* where :
       {"", "WHERE pk='a'", "WHERE pk='a' AND sk>1", "WHERE pk='a' AND sk IN (1)",
        "WHERE pk='a' AND (sk=1 OR sk=2)", "WHERE pk='a' AND NOT sk=1", "WHERE pk='a' AND sk=y"}) {
    EXPECT_EQ(refused("UPDATE ttt SET x=1 " + std::string(where)), mandatory) << where;
    EXPECT_EQ(refused("DELETE FROM ttt " + std::string(where)), mandatory) << where;
  }
  EXPECT_EQ(refused("DELETE FROM ttt WHERE pk='a' AND sk=1 AND sk=2"),
            "Multiple conditions on same key sk. Only single item Update/Insert/Delete are "
            "supported");
  EXPECT_EQ(refused("DELETE FROM ttt WHERE pk='a' AND sk='1'"),
            "Key attribute's data type should match its data type in table's schema: Key sk");
  EXPECT_EQ(refused("UPDATE ttt SET sk=2 WHERE pk='a' AND sk=1"),
            "One or more parameter values were invalid: Cannot update attribute sk. This attribute "
            "is part of the key");
  EXPECT_EQ(refused("INSERT INTO ttt VALUE {'pk':'a'}"),
            "Key attribute should be present in the item: Key sk");
  EXPECT_EQ(refused("INSERT INTO ttt VALUE {'pk':'a','sk':'1'}"),
            "Key attribute's data type should match its data type in table's schema: Key sk");
  EXPECT_EQ(refused("INSERT INTO ttt VALUE {'pk':'a','sk':1,'g':1}"),
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S "
            "Actual: N IndexName: gall");
}

TEST_F(PartiqlTest, CapacityIsThatOfTheSameItemOperations) {
  fill();
  const std::string asked = R"(,"ReturnConsumedCapacity":"TOTAL")";
  const auto units = [&](std::string_view statement, std::string_view more = "") {
    return member(run(statement, asked + std::string(more)), "ConsumedCapacity");
  };
  EXPECT_EQ(units("SELECT * FROM ttt WHERE pk='a' AND sk=1"),
            R"({"TableName":"ttt","CapacityUnits":0.5})");
  EXPECT_EQ(units("SELECT * FROM ttt WHERE pk='a'", ",\"ConsistentRead\":true"),
            R"({"TableName":"ttt","CapacityUnits":1.0})");
  EXPECT_EQ(units("SELECT * FROM ttt WHERE pk IN ('a','b')"),
            R"({"TableName":"ttt","CapacityUnits":1.0})");
  EXPECT_EQ(units("INSERT INTO one VALUE {'pk':'k'}"),
            R"({"TableName":"one","CapacityUnits":1.0})");
  EXPECT_EQ(member(run("SELECT * FROM one"), "ConsumedCapacity"), "");
}

TEST_F(PartiqlTest, ABatchSumsWhatItsStatementsConsume) {
  fill();
  run("INSERT INTO one VALUE {'pk':'a'}");
  const auto consumed = [this](const std::string& statements, std::string_view detail) {
    return member(ok("BatchExecuteStatement", "{\"Statements\":[" + statements +
                                                  "],\"ReturnConsumedCapacity\":\"" +
                                                  std::string(detail) + "\"}"),
                  "ConsumedCapacity");
  };
  EXPECT_EQ(consumed(body("SELECT * FROM one WHERE pk='a'") + "," +
                         body("SELECT * FROM one WHERE pk='b'", ",\"ConsistentRead\":true") + "," +
                         body("SELECT * FROM ttt WHERE pk='a' AND sk=1"),
                     "TOTAL"),
            R"([{"TableName":"one","CapacityUnits":1.5},{"TableName":"ttt","CapacityUnits":0.5}])");
  EXPECT_EQ(consumed(body("INSERT INTO one VALUE {'pk':'c'}") + "," +
                         body("INSERT INTO one VALUE {'pk':'a'}") + "," +
                         body("DELETE FROM one WHERE pk='d'"),
                     "INDEXES"),
            R"([{"TableName":"one","CapacityUnits":2.0,"Table":{"CapacityUnits":2.0}}])");
}

TEST_F(PartiqlTest, ABatchReadsWholeKeys) {
  fill();
  run("INSERT INTO one VALUE {'pk':'a','m':{'x':1}}");
  EXPECT_EQ(batch({"SELECT m.x FROM one WHERE pk='a'", "SELECT * FROM one WHERE pk='z'",
                   "SELECT pk FROM ttt WHERE sk=1 AND pk='b'"}),
            R"([{"TableName":"one","Item":{"m":{"M":{"x":{"N":"1"}}}}},{"TableName":"one"},)"
            R"({"TableName":"ttt","Item":{"pk":{"S":"b"}}}])");
  const std::string whole =
      R"({"Error":{"Code":"ValidationError","Message":"Select statements within )"
      R"(BatchExecuteStatement must specify the primary key in the where clause."}})";
  EXPECT_EQ(batch({"SELECT * FROM one", "SELECT * FROM one WHERE pk='a' AND m IS NOT MISSING",
                   "SELECT * FROM ttt WHERE pk='a'", "SELECT * FROM one WHERE pk IN ('a')",
                   "SELECT * FROM ttt.gall WHERE g='g1'", "SELECT pk FROM one WHERE pk='a'"}),
            "[" + whole + "," + whole + "," + whole + "," + whole + "," + whole +
                R"(,{"TableName":"one","Item":{"pk":{"S":"a"}}}])");
  EXPECT_EQ(
      batch({"SLECT", "SELECT * FROM nowhere WHERE pk='a'",
             "EXISTS(SELECT * FROM one WHERE pk='a')", "SELECT * FROM one WHERE pk=?"}),
      R"([{"Error":{"Code":"ValidationError","Message":"Statement wasn't well formed, can't be processed: Expected data manipulation"}},)"
      R"({"Error":{"Code":"ResourceNotFound","Message":"Requested resource not found"}},)"
      R"({"Error":{"Code":"ValidationError","Message":"EXISTS can only be used in ExecuteTransaction write requests."}},)"
      R"({"Error":{"Code":"ValidationError","Message":"Number of parameters in request and statement don't match."}}])");
}

TEST_F(PartiqlTest, ABatchWritesEachOnItsOwn) {
  run("INSERT INTO one VALUE {'pk':'a','n':1}");
  EXPECT_EQ(
      batch({"INSERT INTO one VALUE {'pk':'b'}",
             "UPDATE one SET n=n+1 WHERE pk='a' RETURNING ALL NEW *",
             "INSERT INTO one VALUE {'n':1}", "UPDATE one SET n=1 WHERE pk='none'",
             "UPDATE one SET n.x=1 WHERE pk='c'", "DELETE FROM one WHERE pk='d'"}),
      R"([{"TableName":"one"},{"TableName":"one","Item":{"pk":{"S":"a"},"n":{"N":"2"}}},)"
      R"({"Error":{"Code":"ValidationError","Message":"Key attribute should be present in the item: Key pk"}},)"
      R"({"Error":{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"},"TableName":"one"},)"
      R"({"Error":{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"},"TableName":"one"},)"
      R"({"TableName":"one"}])");
  EXPECT_EQ(
      batch({"INSERT INTO one VALUE {'pk':'a'}"}),
      R"([{"Error":{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"},"TableName":"one"}])");
  EXPECT_EQ(items("SELECT * FROM one WHERE pk='b'"), R"([{"pk":{"S":"b"}}])");
}

TEST_F(PartiqlTest, ABatchIsRefusedAsAWhole) {
  const auto whole = [this](std::vector<std::string> statements) {
    return error("BatchExecuteStatement", list("Statements", std::move(statements)));
  };
  EXPECT_EQ(whole({"SELECT * FROM one WHERE pk='a'", "INSERT INTO one VALUE {'pk':'b'}"}),
            "ValidationException: Read and write requests together in the same batch is not "
            "supported.");
  EXPECT_EQ(whole({"INSERT INTO one VALUE {'pk':'b'}", "DELETE FROM one WHERE pk='b'"}),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_EQ(whole({"SELECT * FROM one WHERE pk='b'", "SELECT pk FROM one WHERE 'b'=pk"}),
            "ValidationException: Provided list of item keys contains duplicates");
  EXPECT_TRUE(whole({}).ends_with(
      "'statements' failed to satisfy constraint: Member must have length greater than or equal to "
      "1"));
  EXPECT_TRUE(whole(std::vector<std::string>(26, "SELECT * FROM one"))
                  .ends_with("Member must have length less than or equal to 25"));
}

TEST_F(PartiqlTest, ATransactionReadsAllOrNothing) {
  fill();
  run("INSERT INTO one VALUE {'pk':'a','m':{'x':1}}");
  EXPECT_EQ(
      transact({"SELECT m.x FROM one WHERE pk='a'", "SELECT * FROM one WHERE pk='z'"},
               R"(,"ReturnConsumedCapacity":"TOTAL")"),
      R"({"Responses":[{"Item":{"m":{"M":{"x":{"N":"1"}}}}},{}],)"
      R"("ConsumedCapacity":[{"TableName":"one","CapacityUnits":4.0,"ReadCapacityUnits":4.0}]})");
  EXPECT_EQ(
      cancelled({"SELECT * FROM one WHERE pk='a'", "SELECT * FROM ttt WHERE pk='a' AND sk='1'"}),
      R"([{"Code":"None"},{"Code":"ValidationError","Message":"Key attribute's data type should match its data type in table's schema: Key sk"}])");
  const auto whole = [this](std::vector<std::string> statements) {
    return error("ExecuteTransaction", list("TransactStatements", std::move(statements)));
  };
  EXPECT_EQ(whole({"SELECT * FROM ttt WHERE pk='a'"}),
            "ValidationException: Validation failed in TransactStatements[0]: Select statements "
            "within ExecuteTransaction must specify the primary key in the where clause.");
  EXPECT_EQ(whole({"SELECT * FROM ttt.gall WHERE g='x'"}),
            "ValidationException: Validation failed in TransactStatements[0]: Reads on indices are "
            "not supported within transactions.");
  EXPECT_EQ(whole({"SELECT * FROM one WHERE pk='a'", "DELETE FROM one WHERE pk='b'"}),
            "ValidationException: ExecuteTransaction API does not support both read and write "
            "operations in the same request.");
  EXPECT_EQ(whole({"SELECT * FROM one WHERE pk='a'", "SELECT * FROM one WHERE pk='a'"}),
            "ValidationException: Transaction request cannot include multiple operations on one "
            "item");
  EXPECT_EQ(whole({"SELECT * FROM nowhere WHERE pk='a'"}),
            "ResourceNotFoundException: Requested resource not found");
}

TEST_F(PartiqlTest, ChecksAndWritesOfATransactionHoldTogether) {
  run("INSERT INTO one VALUE {'pk':'a','n':1}");
  EXPECT_EQ(
      cancelled({"INSERT INTO one VALUE {'pk':'b'}", "UPDATE one SET n=n+1 WHERE pk='a'",
                 "EXISTS(SELECT * FROM one WHERE pk='c' AND n=1)",
                 "UPDATE one SET n.x=1 WHERE pk='d'", "DELETE FROM one WHERE pk='e'"}),
      R"([{"Code":"None"},{"Code":"None"},)"
      R"({"Code":"ConditionalCheckFailed","Message":"The conditional request failed"},)"
      R"({"Code":"ConditionalCheckFailed","Message":"The conditional request failed"},{"Code":"None"}])");
  EXPECT_EQ(items("SELECT * FROM one"), R"([{"pk":{"S":"a"},"n":{"N":"1"}}])");
  EXPECT_EQ(transact({"INSERT INTO one VALUE {'pk':'b'}",
                      "EXISTS(SELECT * FROM one WHERE pk='a' AND n=1)"}),
            R"({"Responses":[]})");
  EXPECT_EQ(cancelled({"INSERT INTO one VALUE {'pk':'b'}"}),
            R"([{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"}])");
  const auto whole = [this](std::vector<std::string> statements) {
    return error("ExecuteTransaction", list("TransactStatements", std::move(statements)));
  };
  EXPECT_EQ(
      whole({"EXISTS(SELECT * FROM one WHERE pk='a')"}),
      "ValidationException: Validation failed in TransactStatements[0]: EXISTS() must contain "
      "a single item read with additional condition");
  EXPECT_EQ(whole({"DELETE FROM one WHERE pk='b'",
                   "UPDATE one SET n=1 WHERE pk='a' RETURNING ALL NEW *"}),
            "ValidationException: Validation failed in TransactStatements[1]: RETURNING clause is "
            "not supported in ExecuteTransaction.");
  EXPECT_EQ(whole({"UPDATE one SET n=1*2 WHERE pk='a'"}),
            "ValidationException: Validation failed in TransactStatements[0]: Unsupported operator "
            "in Update Expression. Operator: *");
  EXPECT_EQ(whole({"DELETE FROM one WHERE pk='b'", "UPDATE one SET n=1 WHERE pk='b'"}),
            "ValidationException: Transaction request cannot include multiple operations on one "
            "item");
}

TEST_F(PartiqlTest, ATokenMakesATransactionHappenOnce) {
  run("INSERT INTO one VALUE {'pk':'a','n':1}");
  const std::string token = R"(,"ClientRequestToken":"t1")";
  for (int again = 0; again < 3; ++again)
    EXPECT_EQ(transact({"UPDATE one SET n=n+1 WHERE pk='a'"}, token), R"({"Responses":[]})");
  EXPECT_EQ(items("SELECT n FROM one"), R"([{"n":{"N":"2"}}])");
  EXPECT_TRUE(error("ExecuteTransaction",
                    list("TransactStatements", {"UPDATE one SET n=n+2 WHERE pk='a'"}, token))
                  .starts_with("IdempotentParameterMismatchException"));
  transact({"UPDATE one SET n=n+1 WHERE pk='a'"});
  EXPECT_EQ(items("SELECT n FROM one"), R"([{"n":{"N":"3"}}])");
}

}  // namespace
}  // namespace offramp::engine
