// Random writers of a plan's table, through the API and with SQL: what the log tells of each item
// is a chain of exact images that ends with what is there. OFFRAMP_PLAN_LOG_ROUNDS makes it longer.
#pragma once

#include <thread>

#include "target/store_conformance_plan_log.h"

namespace offramp::target {

// Orders are in one of two tables, each with lines; what is no order is in `other`.
inline model::MappingSpec two_states() {
  auto orders = [](const std::string& name) {
    model::TableMapping out;
    out.into = name;
    out.key = {{"PK", "CUSTOMER#{customer}", {}}, {"SK", "ORDER#{n}", {}}};
    out.columns = {{"n", {}, model::ColumnType::kNumeric, {}, {}, {}},
                   {"v", {"v"}, model::ColumnType::kText, {}, {}, {}}};
    model::ChildSpec lines;
    lines.name = name + "_lines";
    lines.from = {"lines"};
    lines.ordinal = "line_no";
    lines.columns = {{"sku", {"sku"}, model::ColumnType::kText, {}, {}, {}}};
    out.children = {lines};
    return out;
  };
  model::TableMapping open = orders("open"), closed = orders("closed"), other;
  open.match = "attribute_not_exists(closed)";
  other.into = "other";
  return {open, closed, other};
}

inline int rounds_of(int few) {
  const char* given = std::getenv("OFFRAMP_PLAN_LOG_ROUNDS");
  return given ? std::atoi(given) : few;
}

class SqlitePlanLog : public StorePlanLog {
 protected:
  static constexpr int kItems = 4;
  // A thread's own.
  struct Writer {
    std::mt19937_64 random;
    size_t below(size_t end) { return random() % end; }
    bool chance(size_t percent) { return below(100) < percent; }
    std::string value() { return std::to_string(below(1000)); }
  };

  ServedTable load_two_states() {
    ServedTable table = load_plan(two_states(), conformance_key(), {});
    expect_ok(store_->adopt(table, entry_json(table)));
    return table;
  }
  // Some are orders, one is in `other`, and one in the overflow table.
  static std::string key(size_t n, const std::string& more = "") {
    std::string sk = n == 2   ? R"("OTHER")"
                     : n == 3 ? R"("a\u0000b")"
                              : "\"ORDER#" + std::to_string(n) + "\"";
    return R"({"PK":{"S":"CUSTOMER#7"},"SK":{"S":)" + sk + "}" + more + "}";
  }
  static std::string item(Writer& writer, size_t n) {
    std::string more = ",\"v\":" + (writer.chance(80) ? string_json(writer.value())
                                                      : std::string(R"({"S":"x\u0000"})"));
    if (writer.chance(40)) more += R"(,"closed":{"BOOL":true})";
    if (writer.chance(70)) {
      std::string lines;
      for (size_t i = writer.below(4); i > 0; --i)
        lines += (lines.empty() ? "" : ",") + (R"({"M":{"sku":)" + string_json(writer.value())) +
                 (writer.chance(20) ? R"(,"more":{"N":"1"}}})" : "}}");
      more += R"(,"lines":{"L":[)" + lines + "]}";
    }
    return key(n, more);
  }
  // Of one to three items.
  Status write(Writer& writer, StoreSession& session, const ServedTable& table, bool fails) {
    std::vector<mapping::TestItem> items;
    std::set<size_t> used;
    for (size_t count = 1 + writer.below(3); used.size() < count;)
      used.insert(writer.below(kItems));
    for (size_t n : used) items.emplace_back(item(writer, n));
    std::vector<ItemRef> refs;
    std::vector<Decision> decided;
    for (const auto& some : items) {
      refs.push_back({&table, some.view()});
      decided.push_back(writer.chance(25) ? Decision{Decision::Kind::kDelete, {}}
                                          : Decision{Decision::Kind::kPut, some.view()});
    }
    if (writer.chance(50) && !fails) return session.write_blind(refs, decided);
    return session.write(refs, [&](auto, auto decisions) -> Status {
      std::copy(decided.begin(), decided.end(), decisions.begin());
      if (fails) return Error(ErrorKind::kBadItem, "test.no", "no");
      return {};
    });
  }
  static std::string statement(Writer& writer) {
    std::string table = writer.chance(50) ? "open" : "closed", lines = table + "_lines",
                n = std::to_string(writer.below(2)), value = "'" + writer.value() + "'",
                line = std::to_string(writer.below(4)), at = " WHERE n = " + n;
    std::string extra = table == "closed" ? R"('{"closed":{"BOOL":true}}')" : "NULL";
    std::string order = "('7', " + n + ", " + value + ", " + extra + ")";
    switch (writer.below(12)) {
      case 0:
        return "UPDATE " + table + " SET v = " + value + at;
      case 1:
        return "UPDATE " + lines + " SET sku = " + value + at + " AND line_no <= " + line;
      case 2:
        return "INSERT OR REPLACE INTO " + lines + " (customer, n, line_no, sku) VALUES ('7', " +
               n + ", " + line + ", " + value + ")";
      case 3:
        return "DELETE FROM " + lines + at + " AND line_no >= " + line;
      case 4:
        return "DELETE FROM " + table + at;
      case 5:
        return "INSERT OR REPLACE INTO " + table + " (customer, n, v, extra) VALUES " + order;
      case 6:
        return "INSERT INTO " + table + " (customer, n, v, extra) VALUES " + order +
               " ON CONFLICT (customer, n) DO UPDATE SET v = v || 'x'";
      case 7:
        return "UPDATE OR REPLACE " + table + " SET n = 1 - n" + at;
      case 8:
        return "UPDATE OR REPLACE " + lines + " SET line_no = " + line + at + " AND line_no = 0";
      case 9:
        return "UPDATE OR IGNORE " + lines + " SET n = 1 - n" + at;
      case 10:
        return "INSERT OR REPLACE INTO other VALUES ('CUSTOMER#7', 'OTHER', '{\"v\":{\"S\":\"" +
               writer.value() + "\"}}')";
      default:
        return "DELETE FROM " + std::string(writer.chance(50) ? "other" : "offramp_overflow");
    }
  }
  static std::string statements(Writer& writer) {
    std::string out = "BEGIN IMMEDIATE; ";
    for (size_t i = 1 + writer.below(4); i > 0; --i) out += statement(writer) + "; ";
    return out + (writer.chance(85) ? "COMMIT" : "ROLLBACK");
  }
  using State = std::map<std::string, std::string>;  // items by their key
  State state(const ServedTable& table) {
    State out;
    ModelTable model(table);
    for (size_t n = 0; n < kItems; ++n)
      out[model.key_of(mapping::TestItem(key(n)).view())] = get(*session_, table, key(n));
    return out;
  }
  // Goes on from `now`, by one change after the other.
  void follow(const ServedTable& table, const std::vector<SeenChange>& changes, State& now) {
    ModelTable model(table);
    for (const SeenChange& change : changes) {
      const std::string& some = change.new_item.empty() ? change.old_item : change.new_item;
      std::string& known = now[model.key_of(mapping::TestItem(some).view())];
      EXPECT_EQ(change.old_item, known) << "change " << change.number;
      known = change.new_item;
    }
  }
  uint64_t last_of(const ChangeLogName& log) { return store_->log_range(log).value().next - 1; }
};

// One after the other, so that it is known what each has done.
TEST_P(SqlitePlanLog, EachWriteIsToldExactly) {
  ServedTable table = load_two_states();
  Writer writer{std::mt19937_64(seed_)};
  int label = 0;
  ChangeLogName log = begin(table, "0"), ended;
  std::vector<SeenChange> ended_told;
  uint64_t after = 0;
  State now = state(table);
  for (int round = 0; round < rounds_of(150) && !HasFailure(); ++round) {
    bool api = writer.chance(50), fails = writer.chance(10);
    Status status =
        api ? write(writer, *session_, table, fails) : database_->sql(statements(writer));
    if (!api || !fails) expect_ok(status);
    std::vector<SeenChange> changes;
    uint64_t until = last_of(log);
    read_on(*session_, table, log, after, until, changes, 1 + writer.below(4));
    after = until;
    std::erase_if(changes, [](const SeenChange& c) { return c.old_item == c.new_item; });
    State then = state(table);
    if (api) {
      size_t changed = 0;
      for (const auto& [k, json] : then) changed += json != now[k];
      EXPECT_EQ(changes.size(), changed) << "one change of each item";
    }
    follow(table, changes, now);
    EXPECT_EQ(now, then);
    if (ended_told.size() > 0 && writer.chance(20)) {
      EXPECT_EQ(told(read_all(table, ended)), told(ended_told));
    }
    if (!writer.chance(5)) continue;
    if (!ended.label.empty()) {
      expect_ok(store_->drop_log(ended));
    }
    std::vector<SeenChange> whole = read_all(table, log);
    end(table, log);
    ended = log;
    ended_told = std::move(whole);
    log = begin(table, std::to_string(++label));
    after = 0;
  }
  if (HasFailure()) std::cerr << "after " << label << " logs" << std::endl;
}

// Together, while somebody reads on and what is old is trimmed behind them.
TEST_P(SqlitePlanLog, WritersTogetherMakeChains) {
  constexpr int kApi = 3, kSql = 3;
  const int rounds = rounds_of(40);
  ServedTable table = load_two_states();
  ChangeLogName log = begin(table);
  std::atomic<int> running{kApi + kSql}, written{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kApi + kSql; ++t)
    threads.emplace_back([&, t] {
      Writer writer{std::mt19937_64(seed_ + static_cast<uint64_t>(t))};
      auto session = open_session(*store_);
      for (int round = 0; round < rounds; ++round) {
        Status status = t < kApi ? write(writer, *session, table, writer.chance(10))
                                 : database_->sql(statements(writer));
        written += status.ok();
      }
      --running;
    });
  std::vector<SeenChange> seen;
  auto reader = open_session(*store_);
  uint64_t after = 0;
  for (bool last = false; !last;) {
    last = running == 0;
    uint64_t until = last_of(log);
    read_on(*reader, table, log, after, until, seen, 1 + below(30));
    after = until;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GT(written, rounds);
  EXPECT_GT(seen.size(), static_cast<size_t>(rounds));
  State now;
  for (const auto& [k, json] : state(table)) now[k] = "";
  follow(table, seen, now);
  EXPECT_EQ(now, state(table));
  std::vector<SeenChange> again = read_all(table, log);
  EXPECT_EQ(numbers(again), numbers(seen));
  EXPECT_EQ(told(again), told(seen));
  end(table, log);
  EXPECT_EQ(told(read_all(table, log)), told(seen));
}

}  // namespace offramp::target
