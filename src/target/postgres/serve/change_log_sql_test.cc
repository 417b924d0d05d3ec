// Change logs of SQL writers of every kind and role, and moves to and from the overflow table.
#include "target/postgres/serve/change_log_fixture_test.h"

namespace offramp::target::postgres {
namespace {

using ddb::Type;

// In which order a SQL writer touches the two tables, and what types the key has, makes no
// difference.
TEST_F(PostgresLog, AMoveBySqlIsOneChange) {
  struct Case {
    const char* table;
    Type type;
    const char *column, *json;
  };
  for (const Case& key : {Case{"ts", Type::kS, "'a''b'", R"({"S":"a'b"})"},
                          Case{"tn", Type::kN, "12.50", R"({"N":"12.5"})"},
                          Case{"tb", Type::kB, "'\\x00ff'::bytea", R"({"B":"AP8="})"}}) {
    ServedTable table = create(key.table, key.type);
    const std::string name = key.table;
    auto json = [&](const std::string& more) {
      return std::string("{\"pk\":") + key.json + R"(,"sk":{"N":"1"})" + more + "}";
    };
    const std::string row = json(R"(,"v":{"S":"row"})"), over = json(R"(,"v":{"S":"over"})"),
                      zero = json(R"(,"n\u0000":{"N":"1"})");
    const std::string insert_row = "INSERT INTO " + name + " (pk, sk, extra) VALUES (" +
                                   key.column + R"(, 1, '{"v":{"S":"row"}}');)",
                      delete_row = "DELETE FROM " + name + ";",
                      insert_over =
                          "INSERT INTO offramp_overflow_" + name + R"( VALUES ('\x01', 'test', ')" +
                          std::string(key.type == Type::kS ? R"({"pk":{"S":"a''b"})" : "{\"pk\":") +
                          (key.type == Type::kS ? "" : key.json) +
                          R"(,"sk":{"N":"1.0"},"v":{"S":"over"}}');)",
                      delete_over = "DELETE FROM offramp_overflow_" + name + ";",
                      // Its names are an array, in base64.
        insert_zero = "INSERT INTO offramp_overflow_" + name +
                      R"( VALUES ('\x01', 'test', '{"$M64":[["cGs=",)" +
                      std::string(key.type == Type::kS ? R"({"S":"a''b"})" : key.json) +
                      R"(],["c2s=",{"N":"1"}],["bgA=",{"N":"1"}]]}');)";
    ChangeLogName log = begin(table);
    std::vector<std::string> expected;
    auto change = [&](const std::string& text, const std::string& from, const std::string& to) {
      run("BEGIN; " + text + " COMMIT");
      expected.push_back(step(from, to));
    };
    change(insert_row, "", row);
    change(delete_row + insert_over, row, over);
    change(delete_over + insert_row, over, row);
    change(insert_over + delete_row, row, over);
    change(insert_row + delete_over, over, row);
    change(
        "SAVEPOINT s; " + delete_row + insert_over + "ROLLBACK TO s; " + delete_row + insert_zero,
        row, zero);
    change(insert_row + "SAVEPOINT s; " + delete_over + "RELEASE s;", zero, row);
    change(delete_row, row, "");
    // Two transactions: the item was gone in between.
    change(insert_over, "", over);
    change(delete_over, over, "");
    EXPECT_EQ(told(table, log), expected);
    EXPECT_EQ(ask("SELECT count(*) FROM \"" + log_base_name(log) + "_moves\""),
              std::to_string(expected.size()));
  }
}

TEST_F(PostgresLog, ManyMovesInOneTransaction) {
  ServedTable table = create("t");
  run("INSERT INTO t (pk, sk) SELECT 'p', i FROM generate_series(1, 3000) i");
  ChangeLogName log = begin(table);
  run("BEGIN; INSERT INTO offramp_overflow_t SELECT decode(lpad(i::text, 8, '0'), 'hex'), 'test', "
      "jsonb_build_object('pk', '{\"S\":\"p\"}'::jsonb, 'sk', jsonb_build_object('N', i::text), "
      "'over', '{\"BOOL\":true}'::jsonb) FROM generate_series(1, 3000) i; DELETE FROM t; "
      "INSERT INTO t (pk, sk) VALUES ('q', 1); UPDATE t SET sk = 2; COMMIT");
  std::vector<Seen> seen = read_all(table, log);
  ASSERT_EQ(seen.size(), 3003u);
  for (size_t i = 0; i < 3000; ++i) {
    EXPECT_NE(seen[i].old_item, "");
    EXPECT_NE(seen[i].new_item, "");
  }
  EXPECT_EQ(seen[3000].new_item, canonical(item("q", 1)));
  EXPECT_EQ(seen[3001].old_item, canonical(item("q", 1)));
  EXPECT_EQ(seen[3001].new_item, "");
  EXPECT_EQ(seen[3002].new_item, canonical(item("q", 2)));
}

TEST_F(PostgresLog, TruncateIsRefusedWhileChangesAreLogged) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, item("a", 1)));
  for (const char* text : {"TRUNCATE t", "TRUNCATE offramp_overflow_t"}) {
    Connection writer = sql();
    Status status = writer.execute(text, "truncate");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(writer.last_sqlstate(), "55000");
  }
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
  expect_ok(store_->end_log(table, log, "{}", "{}"));
  run("TRUNCATE t, offramp_overflow_t");
  EXPECT_EQ(told(table, log), std::vector{step("", item("a", 1))});
}

// A role that may write the table, and no more, is logged; and it runs nothing of its own as the
// log's owner.
TEST_F(PostgresLog, AnyRoleIsLoggedWhateverItsSearchPath) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  run("CREATE ROLE writer_of_t; GRANT INSERT, UPDATE, DELETE, SELECT ON t, offramp_overflow_t TO "
      "writer_of_t; CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO writer_of_t");
  Connection writer = sql();
  expect_ok(writer.execute(
      "SET ROLE writer_of_t; SET search_path = evil, public, pg_catalog;"
      "CREATE FUNCTION evil.never(text, text) RETURNS boolean LANGUAGE plpgsql AS "
      "$$BEGIN RAISE EXCEPTION 'called'; END$$;"
      "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, PROCEDURE = evil.never);"
      "CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, PROCEDURE = evil.never);"
      "CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE sql AS "
      "$$SELECT 'evil'$$;"
      "CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
      "$$SELECT 'epoch'::timestamptz$$",
      "prepare a trap"));
  Status trapped = writer.execute("SELECT 'a'::text = 'b'::text", "spring the trap");
  EXPECT_FALSE(trapped.ok()) << "it is one";
  expect_ok(writer.execute(
      "BEGIN; INSERT INTO public.t (pk, sk) VALUES ('a', 1);"
      "UPDATE public.t SET extra = '{\"v\":{\"S\":\"x\"}}';"
      "UPDATE public.t SET sk = 2; DELETE FROM public.t;"
      "INSERT INTO public.offramp_overflow_t VALUES ('\\x01', '', '{\"pk\":{\"S\":\"a\"},\"sk\":"
      "{\"N\":\"2\"}}'); INSERT INTO public.t (pk, sk) VALUES ('a', 2);"
      "DELETE FROM public.offramp_overflow_t; COMMIT",
      "write"));
  EXPECT_FALSE(writer.execute("SELECT * FROM public.\"" + log_base_name(log) + "\"", "look").ok());
  const std::string more = R"(,"v":{"S":"x"})";
  EXPECT_EQ(
      told(table, log),
      (std::vector{step("", item("a", 1)), step(item("a", 1), item("a", 1, more)),
                   step(item("a", 1, more), ""), step("", item("a", 2, more)),
                   // To the overflow table, and back.
                   step(item("a", 2, more), item("a", 2)), step(item("a", 2), item("a", 2))}));
  for (const Seen& seen : read_all(table, log)) EXPECT_EQ(seen.origin, "");
  run("DROP OWNED BY writer_of_t CASCADE; DROP ROLE writer_of_t");
}

// What nobody can read is not there; the stream goes on.
TEST_F(PostgresLog, RowsThatAreNoItemsAreSkipped) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, item("a", 1)));
  run("UPDATE t SET extra = '{\"v\":{\"Q\":1}}'");
  run("UPDATE t SET extra = '{\"v\":{\"Q\":2}}'");
  run("UPDATE t SET extra = NULL");
  run("INSERT INTO offramp_overflow_t VALUES ('\\x01', '', '{\"pk\":7,\"sk\":{\"N\":\"x\"}}')");
  run("INSERT INTO offramp_overflow_t VALUES ('\\x02', '', NULL)");
  run("DELETE FROM offramp_overflow_t");
  EXPECT_EQ(told(table, log),
            (std::vector{step("", item("a", 1)), step(item("a", 1), ""), step("", item("a", 1))}));
}

}  // namespace
}  // namespace offramp::target::postgres
