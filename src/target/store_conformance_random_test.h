// Random writes and requests against the model: tables made here with keys of every type, and
// tables of a plan (key templates, child tables, an order that no column has, items in the overflow
// table). A store's own test says
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreRandom, testing::Values(&make_database));
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StorePlan, testing::Values(&make_database));
// OFFRAMP_TEST_ROUNDS=N makes it longer.
#pragma once

#include <thread>

#include "ddb/wire_json.h"
#include "target/conformance_fixture.h"
#include "target/store_conformance_test.h"

namespace offramp::target {

class StoreRandom : public StoreConformance {
 protected:
  static int rounds(int usual) {
    const char* given = std::getenv("OFFRAMP_TEST_ROUNDS");
    return given ? std::atoi(given) : usual;
  }

  // Few values, so that they meet; the awkward ones of each type among them.
  std::string key_json(Type type) {
    static const char* kTexts[] = {"a",
                                   "ab",
                                   "b",
                                   "A#1",
                                   "A#10",
                                   "A#2",
                                   "A",
                                   "~",
                                   "\xc3\xbc",
                                   "\xe6\x97\xa5",
                                   "\xf0\x9f\x98\x80",
                                   "aa",
                                   "a ",
                                   "a\x01"};
    static const char* kNumbers[] = {"0",
                                     "1",
                                     "-1",
                                     "2",
                                     "10",
                                     "9",
                                     "1.5",
                                     "-0.1",
                                     "0.1",
                                     "9223372036854775807",
                                     "9223372036854775808",
                                     "-9223372036854775808",
                                     "9007199254740993",
                                     "9007199254740992.5",
                                     "100000000000000000000",
                                     "100000000000000000001",
                                     "0.30000000000000004",
                                     "0.300000000000000041",
                                     "1e-130",
                                     "9e125",
                                     "-1e-130",
                                     "12345678901234567890123456789012345678"};
    static const char* kBlobs[] = {
        "AA==", "AAA=", "AP8=", "YQ==", "YWI=", "/w==", "//8=", "gA==", "fw=="};
    if (type == Type::kN) return number_json(kNumbers[below(chance(50) ? 9 : std::size(kNumbers))]);
    if (type == Type::kB)
      return std::string("{\"B\":\"") + kBlobs[below(std::size(kBlobs))] + "\"}";
    if (chance(8)) return string_json(std::string("a\0b", 1 + below(3)));
    return string_json(kTexts[below(std::size(kTexts))]);
  }
  Type key_type() {
    static constexpr Type kTypes[] = {Type::kS, Type::kN, Type::kB};
    return kTypes[below(3)];
  }

  // The state of one case: the table and what must be in it.
  struct Case {
    ModelTable model;
    std::function<std::string()> item;                             // a random item
    std::function<std::string(const model::KeyAttribute&)> value;  // a random value for a request
  };

  void write_some(Case& c) {
    const ServedTable& table = c.model.table();
    // Several different keys at once, decided after a look or not.
    std::vector<std::string> items;
    std::map<std::string, int> keys;
    for (size_t i = 1 + below(4); i > 0; --i) {
      std::string json = c.item();
      if (++keys[c.model.key_of(mapping::TestItem(json).view())] == 1) items.push_back(json);
    }
    std::vector<mapping::TestItem> alive;
    std::vector<ItemRef> refs;
    std::vector<Decision> decisions;
    for (const std::string& json : items) alive.emplace_back(json);
    bool blind = chance(50);
    for (const auto& item : alive) {
      refs.push_back({&table, item.view()});
      size_t kind = below(blind ? 5 : 6);
      decisions.push_back(kind == 5   ? Decision{}
                          : kind == 4 ? Decision{Decision::Kind::kDelete, {}}
                                      : Decision{Decision::Kind::kPut, item.view()});
    }
    Status status;
    if (blind) {
      status = session_->write_blind(refs, decisions);
    } else {
      status = session_->write(refs, [&](auto old, auto out) -> Status {
        for (size_t i = 0; i < refs.size(); ++i)
          EXPECT_EQ(old[i] ? ddb::canonical_item_json(old[i]) : "", c.model.get(refs[i].key));
        std::copy(decisions.begin(), decisions.end(), out.begin());
        return {};
      });
    }
    expect_ok(status);
    for (size_t i = 0; i < items.size(); ++i) {
      if (decisions[i].kind == Decision::Kind::kPut) c.model.put(items[i]);
      if (decisions[i].kind == Decision::Kind::kDelete) c.model.remove(alive[i].view());
      EXPECT_EQ(get(*session_, table, items[i]), c.model.get(alive[i].view()));
    }
  }

  void query_once(Case& c) {
    const ServedTable& table = c.model.table();
    PageRequest request = all_of(table);
    if (!table.indexes.empty() && chance(60))
      request.index = &table.indexes[below(table.indexes.size())];
    std::vector<model::KeyAttribute> partition =
        request.index ? request.index->partition : std::vector{table.key.partition};
    std::vector<model::KeyAttribute> sort = c.model.sort_of(request.index);
    std::vector<KeyValue> values;  // owns
    auto value = [&](const model::KeyAttribute& attribute) {
      values.emplace_back(c.value(attribute));
      return values.back().view();
    };
    for (const auto& attribute : partition) request.partition.push_back(value(attribute));
    request.forward = chance(50);
    size_t equal = sort.empty() ? 0 : below(sort.size() + 1);
    for (size_t i = 0; i < equal; ++i) request.sort_equal.push_back(value(sort[i]));
    if (equal < sort.size()) {
      const model::KeyAttribute& bounded = sort[equal];
      if (bounded.type != Type::kN && chance(25)) {
        request.prefix = value(bounded);
      } else {
        if (chance(45)) request.lower = SortBound{{value(bounded)}, chance(50)};
        if (chance(45)) request.upper = SortBound{{value(bounded)}, chance(50)};
      }
    }
    std::string what = "index " + (request.index ? request.index->name : "-") +
                       (request.forward ? " forward" : " backward");
    for (const auto& v : values) what += " " + value_json(v.view());
    std::vector<std::string> expected = texts(c.model.query(request));
    EXPECT_EQ(read_pages(*session_, request, chance(50) ? 0 : SIZE_MAX), expected)
        << what << " equal " << equal << (request.prefix ? " prefix" : "")
        << (request.lower ? " lower" : "") << (request.upper ? " upper" : "");
  }

  void scan_once(Case& c) {
    PageRequest request = all_of(c.model.table());
    EXPECT_EQ(read_sorted(*session_, request, chance(50) ? 0 : SIZE_MAX), c.model.all());
    for (const ServedIndex& index : c.model.table().indexes) {
      request.index = &index;
      std::vector<std::string> expected = texts(c.model.query(request));
      std::sort(expected.begin(), expected.end());
      EXPECT_EQ(read_sorted(*session_, request, chance(50) ? 0 : SIZE_MAX), expected) << index.name;
      std::vector<std::string> segments;
      for (uint32_t segment = 0; segment < 3; ++segment) {
        PageRequest part = request;
        part.segment = segment;
        part.segments = 3;
        auto read = read_pages(*session_, part, 0);
        segments.insert(segments.end(), read.begin(), read.end());
      }
      std::sort(segments.begin(), segments.end());
      EXPECT_EQ(segments, expected) << index.name;
    }
  }

  void run(Case& c, int steps) {
    for (int step = 0; step < steps && !HasFailure(); ++step) {
      write_some(c);
      if (step % 3 == 2) query_once(c);
      if (step % 60 == 59) scan_once(c);
    }
    for (int i = 0; i < steps && !HasFailure(); ++i) query_once(c);
    if (!HasFailure()) scan_once(c);
  }
};

TEST_P(StoreRandom, MadeHereAnswersAsTheModel) {
  for (int round = 0; round < rounds(6) && !HasFailure(); ++round) {
    model::KeySchema key =
        key_of(key_type(), chance(80) ? std::optional(key_type()) : std::nullopt);
    model::KeyAttribute g{"g", key_type()}, h{"h", key_type()}, i{"i", key_type()},
        j{"j", key_type()};
    std::vector<ServedIndex> indexes = {{"g", {g}, {}, false},
                                        {"gh", {g}, {h}, false},
                                        {"hpk", {h}, {key.partition}, false},
                                        {"ghij", {g, h}, {i, j}, false}};
    if (key.sort) {
      indexes.push_back({"inverted", {*key.sort}, {key.partition}, false});
      indexes.push_back({"local", {key.partition}, {i}, true});
    }
    Case c{ModelTable(create("t" + std::to_string(round), key, indexes)), {}, {}};
    c.value = [&](const model::KeyAttribute& attribute) { return key_json(attribute.type); };
    RandomItems random(seed_ + static_cast<uint64_t>(round));
    c.item = [&] {
      std::string out = "{\"pk\":" + key_json(key.partition.type);
      if (key.sort) out += ",\"sk\":" + key_json(key.sort->type);
      for (const auto& attribute : {g, h, i, j})
        if (chance(80)) out += ",\"" + attribute.name + "\":" + key_json(attribute.type);
      if (chance(50)) out += ",\"other\":" + random.value("any", 0);
      return out + "}";
    };
    run(c, 150);
  }
}

// Indexes that are added while the table is written, and removed: no row changes, and the answers
// are the model's.
TEST_P(StoreRandom, AddedIndexesAnswerAsTheModel) {
  for (int round = 0; round < rounds(4) && !HasFailure(); ++round) {
    model::KeySchema key =
        key_of(key_type(), chance(80) ? std::optional(key_type()) : std::nullopt);
    model::KeyAttribute g{"g", key_type()}, h{"h", key_type()}, i{"i'x", key_type()},
        j{"j", key_type()}, odd{"quote\"d", key_type()}, other_g{"g", key_type()};
    ServedTable table = create("t" + std::to_string(round), key,
                               {{"g", {g}, {}, false}, {"gone", {g}, {h}, false}});
    ModelTable before(table);
    auto random_item = [&] {
      std::string out = "{\"pk\":" + key_json(key.partition.type);
      if (key.sort) out += ",\"sk\":" + key_json(key.sort->type);
      for (const auto& attribute : {g, h, i, j, odd})
        if (chance(80))
          out += "," + ddb::json_quoted(attribute.name) + ":" +
                 key_json(chance(90) ? attribute.type : key_type());
      if (chance(5)) out += ",\"long\":" + string_json(std::string("\0", 1));
      return out + "}";
    };
    Case c{ModelTable(table), random_item, {}};
    c.value = [&](const model::KeyAttribute& attribute) { return key_json(attribute.type); };
    for (int n = 0; n < 40; ++n) write_some(c);
    std::vector<std::string> items = c.model.all();

    std::vector<ServedIndex> added = {{"h", {h}, {}, false},
                                      {"gh", {g}, {h}, false},
                                      {"hij", {h}, {i, j}, false},
                                      {"hpk", {h}, {key.partition}, false},
                                      {"other", {other_g}, {i}, false},
                                      {"odd", {odd}, {}, false}};
    if (key.sort) added.push_back({"inverted", {*key.sort}, {key.partition}, false});
    table.layout = table.indexes;
    for (size_t n = 0; n < added.size(); ++n) {
      added[n].into = index_name(table, added[n].name, std::to_string(n), store_->limits());
      table.indexes.push_back(added[n]);
    }
    expect_ok(make_mapping(table, store_->limits()));
    c.model = ModelTable(table);
    for (const std::string& item : items) c.model.put(item);
    // While it is written by somebody who does not know of it yet.
    std::thread builder([&] {
      for (size_t n = 2; n < table.indexes.size(); ++n) {
        auto built = store_->build_index(table, n, {});
        if (!built.ok()) ADD_FAILURE() << built.error().message();
      }
    });
    for (int n = 0; n < 40; ++n) write_some(c);
    builder.join();
    // Again: nothing is left to do.
    for (size_t n = 2; n < table.indexes.size(); ++n)
      EXPECT_TRUE(store_->build_index(table, n, {}).value());
    if (!HasFailure()) scan_once(c);
    run(c, 90);

    items = c.model.all();
    EXPECT_TRUE(store_->remove_index(table, 1).value());
    EXPECT_TRUE(store_->remove_index(table, 3).value());
    table.indexes.erase(table.indexes.begin() + 3);
    table.indexes.erase(table.indexes.begin() + 1);
    expect_ok(make_mapping(table, store_->limits()));
    c.model = ModelTable(table);
    for (const std::string& item : items) c.model.put(item);
    run(c, 30);
    expect_ok(store_->drop_table(table));
    // Nothing of it is in the way of a table that is made anew.
    ServedTable again = describe("t" + std::to_string(round), key, {{"g", {g}, {}, false}});
    expect_ok(store_->create_table(again, "{}"));
  }
}

// conformance_mapping() with two tables more whose key columns are not in the sort key's order.
inline model::MappingSpec conformance_plan() {
  model::MappingSpec spec = conformance_mapping();
  model::TableMapping invoices, parts;
  invoices.into = "invoices";
  invoices.key = {{"PK", "CUSTOMER#{customer}", {}}, {"SK", "INVOICE#{n}", {}}};
  invoices.columns = {{"n", {}, model::ColumnType::kBigint, {}, {}, {}},
                      {"note", {"c_text"}, model::ColumnType::kText, {}, {}, {}}};
  parts.into = "parts";
  parts.key = {{"PK", "{kind}#{id}", {}}, {"SK", "PART#{a}#{b}", {}}};
  spec.insert(spec.begin() + 1, {invoices, parts});
  return spec;
}

class StorePlan : public StoreRandom {
 protected:
  std::string sort_text() {
    static const char* kKinds[] = {"ORDER#", "INVOICE#", "PART#", "PROFILE#",
                                   "ORDER",  "INVOICE",  ""};
    std::string out = kKinds[below(chance(85) ? 4 : 7)];
    bool part = out == "PART#";
    out += std::to_string(below(chance(50) ? 12 : 120));
    if (part && chance(90)) out += (chance(20) ? " #" : "#") + std::to_string(below(12));
    if (chance(5)) out += std::string("\0x", 1 + below(2));
    return out;
  }
  std::string partition_text() {
    return (chance(80) ? "CUSTOMER#" : "USER#") + std::to_string(below(4));
  }
};

TEST_P(StorePlan, AnswersAsTheUnsplitTable) {
  for (int round = 0; round < rounds(2) && !HasFailure(); ++round) {
    if (round > 0) {
      session_.reset();
      store_.reset();
      database_ = GetParam()();
      store_ = open_store();
      session_ = open_session(*store_);
    }
    RandomItems random(seed_ + static_cast<uint64_t>(round));
    auto item = [&] {
      std::string out = random.item(3 * below(1000) + below(3));
      // The same attributes under a key of this test's kinds.
      size_t attributes = out.find(",\"SK\":");
      attributes = out.find('}', attributes);
      std::string rest = out.substr(attributes + 1);
      std::string text = ",\"label\":" + string_json(std::to_string(below(3)));
      if (chance(50))
        text += ",\"rank\":" + number_json(std::to_string(below(30)) + (chance(50) ? "" : ".25"));
      if (chance(10)) text = ",\"label\":{\"N\":\"1\"}";
      return "{\"PK\":" + string_json(partition_text()) + ",\"SK\":" + string_json(sort_text()) +
             text + rest;
    };
    model::KeySchema key = conformance_key();
    std::vector<ServedIndex> indexes = {
        {"inverted", {*key.sort}, {key.partition}, false},
        {"label", {{"label", Type::kS}}, {{"rank", Type::kN}}, false},
        {"text", {{"c_text", Type::kS}}, {*key.sort}, false},
        {"number", {{"c_numeric", Type::kN}}, {}, false},
        {"local", {key.partition}, {{"rank", Type::kN}}, true}};
    std::map<std::string, std::string> loaded;
    ModelTable names(ServedTable{"", "", "", key, {}, {}, nullptr, false});
    for (int i = 0; i < 60; ++i) {
      std::string json = item();
      loaded[names.key_of(mapping::TestItem(json).view())] = json;
    }
    std::vector<std::string> items;
    for (const auto& [_, json] : loaded) items.push_back(json);
    Case c{ModelTable(load_plan(conformance_plan(), key, items, indexes)), item, {}};
    for (const std::string& json : items) c.model.put(json);
    c.value = [&](const model::KeyAttribute& attribute) {
      if (attribute.name == "PK") return string_json(partition_text());
      if (attribute.name == "SK")
        return string_json(chance(30) ? sort_text().substr(0, 5) : sort_text());
      if (attribute.name == "label") return string_json(std::to_string(below(3)));
      if (attribute.name == "rank") return number_json(std::to_string(below(30)));
      // A value that some item has, so that something is found.
      for (int tries = 0; tries < 20; ++tries) {
        mapping::TestItem some(item());
        ddb::ValueView value = some.view().find(attribute.name);
        if (value && value.type() == attribute.type) return value_json(value);
      }
      return attribute.type == Type::kN ? number_json("0") : string_json("");
    };
    scan_once(c);
    run(c, 120);
  }
}

TEST_P(StorePlan, SqlUpdatesOfPlanTablesAreSeen) {
  ServedTable table = load_plan(
      conformance_plan(), conformance_key(),
      {R"({"PK":{"S":"CUSTOMER#7"},"SK":{"S":"ORDER#1"},"c_text":{"S":"old"},"lines":{"L":[{"M":{"sku":{"S":"a"}}},{"M":{"sku":{"S":"b"}}}]}})"},
      {{"text", {{"c_text", Type::kS}}, {}, false}});
  std::string key = R"({"PK":{"S":"CUSTOMER#7"},"SK":{"S":"ORDER#1"}})";
  expect_ok(database_->sql("UPDATE orders SET c_text = 'new'"));
  expect_ok(database_->sql("UPDATE order_lines SET sku = 'c' WHERE line_no = 1"));
  std::string changed = canonical(
      R"({"PK":{"S":"CUSTOMER#7"},"SK":{"S":"ORDER#1"},"c_text":{"S":"new"},"lines":{"L":[{"M":{"sku":{"S":"a"}}},{"M":{"sku":{"S":"c"}}}]}})");
  EXPECT_EQ(get(*session_, table, key), changed);
  KeyValue text(string_json("new"));
  PageRequest request = all_of(table);
  request.index = &table.indexes[0];
  request.partition = {text.view()};
  EXPECT_EQ(read_pages(*session_, request), std::vector{changed});
  expect_ok(database_->sql(
      "INSERT INTO order_lines (customer, order_no, line_no, sku) VALUES ('7', '1', 2, 'd')"));
  EXPECT_NE(get(*session_, table, key).find("\"d\""), std::string::npos);
  expect_ok(remove(*session_, table, key));
  EXPECT_TRUE(read_pages(*session_, all_of(table)).empty());
}

// An item whose attributes send it to another table is in that one only.
TEST_P(StorePlan, AnItemMovesBetweenTables) {
  model::TableMapping open, closed;
  open.match = "attribute_not_exists(closed)";
  open.into = "open_orders";
  closed.into = "closed_orders";
  ServedTable table = load_plan({open, closed}, conformance_key(), {});
  auto item = [](const char* more) {
    return std::string(R"({"PK":{"S":"p"},"SK":{"S":"s"})") + more + "}";
  };
  for (const char* more : {"", ",\"closed\":{\"BOOL\":true}", "", ",\"closed\":{\"S\":\"x\"}"}) {
    expect_ok(put(*session_, table, item(more)));
    EXPECT_EQ(read_pages(*session_, all_of(table)), std::vector{canonical(item(more))});
    EXPECT_EQ(get(*session_, table, item("")), canonical(item(more)));
  }
}

}  // namespace offramp::target
