// A proposal as a plan file: written, read again, compiled, and every sampled item finds its table.
// Real data from
// ../shared/data (relative to the repository root).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "ddb/wire_json.h"
#include "mapping/compiled_mapping.h"
#include "mapping/profile/propose.h"
#include "migrate/plan/plan.h"

namespace offramp::migrate::plan {
namespace {

using mapping::profile::Profile;
using mapping::profile::Proposal;
using ::testing::HasSubstr;

std::filesystem::path data(const std::string& name) {
  std::filesystem::path here = std::filesystem::path(__FILE__);
  for (std::filesystem::path root :
       {std::filesystem::current_path(), std::filesystem::current_path().parent_path()})
    if (std::filesystem::exists(root / "../shared/data" / name))
      return root / "../shared/data" / name;
  return here.parent_path() / "../../../../shared/data" / name;
}

void add(mapping::profile::Profiler& profiler, std::string text, std::string_view wrapper,
         ddb::JsonForm form) {
  size_t size = text.size();
  text.append(ddb::kJsonPadding, ' ');
  ddb::JsonDecoder decoder;
  ddb::ItemBatch batch;
  auto root = decoder.decode_item({text.data(), size}, wrapper, form, batch);
  ASSERT_TRUE(root.ok()) << root.error().message();
  batch.add_root(*root, 0);
  profiler.add(batch.item(0));
}

Profile lines(const std::string& file, std::string_view wrapper, ddb::JsonForm form) {
  mapping::profile::Profiler profiler;
  std::ifstream in(data(file));
  EXPECT_TRUE(in) << data(file);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) add(profiler, line, wrapper, form);
  return profiler.finish();
}

struct Outcome {
  std::string text;
  std::map<std::string, int> rows;  // table → items
  uint64_t through_extra = 0;       // of attributes that have a column
};

// The whole way; checks what must hold for every proposal.
Outcome go(const Profile& profile, const model::TableSpec& table) {
  Outcome out;
  auto proposal = mapping::profile::propose(profile, table, {});
  EXPECT_TRUE(proposal.ok()) << proposal.error().message();
  if (!proposal.ok()) return out;
  Plan plan;
  plan.source.table = table.name;
  plan.source.key = *table.key;
  plan.source.indexes = table.indexes;
  plan.target = "sqlite:out.db";
  plan.tables = proposal->tables;
  out.text = write_plan(plan, proposal->comments);
  auto back = parse_plan(out.text, "plan.yaml");
  EXPECT_TRUE(back.ok()) << back.error().message() << out.text;
  if (!back.ok()) return out;
  EXPECT_EQ(write_plan(*back, proposal->comments), out.text);
  auto compiled = mapping::CompiledMapping::compile(back->tables, *table.key, {});
  EXPECT_TRUE(compiled.ok()) << compiled.error().message() << out.text;
  if (!compiled.ok()) return out;
  mapping::Splitter splitter(*compiled);
  mapping::RowBatch rows;
  rows.reset((*compiled)->tables().size());
  for (size_t i = 0; i < profile.sample.size(); ++i) {
    std::string why;
    EXPECT_EQ(splitter.split(profile.sample.item(i), rows, why), mapping::Outcome::kRow) << why;
    ++out.rows[(*compiled)->tables()[splitter.table()].name];
  }
  // What the report expects is what the mapping does.
  std::map<std::pair<std::string, std::string>, uint64_t> expected;
  for (const auto& fate : proposal->fidelity.attributes)
    if (!fate.column.empty()) expected[{fate.table, fate.attribute}] = fate.through_extra;
  for (const auto& fate : splitter.fates()) {
    if (fate.column.empty()) continue;
    out.through_extra += fate.through_extra;
    if (auto found = expected.find({fate.table, fate.attribute}); found != expected.end()) {
      EXPECT_EQ(fate.through_extra, found->second) << fate.table << "." << fate.attribute;
    }
  }
  return out;
}

model::TableSpec guessed(const Profile& profile, const std::string& name) {
  model::TableSpec table;
  table.name = name;
  table.key = mapping::profile::guess_key(profile);
  EXPECT_TRUE(table.key) << "no key guessed";
  return table;
}

TEST(ProposalPlan, SingleTableDesignBecomesItsEntities) {
  Profile profile = lines("dumps/game-player-items.plain.jsonl", "", ddb::JsonForm::kPlain);
  model::TableSpec table = guessed(profile, "battle-royale");
  EXPECT_EQ(table.key->partition.name, "PK");
  EXPECT_EQ(table.key->sort->name, "SK");
  table.indexes = {{"InvertedIndex", {{"SK"}}, {{"PK"}}},
                   {"OpenGames", {{"map"}}, {{"open_timestamp"}}}};
  Outcome out = go(profile, table);
  EXPECT_EQ(out.rows,
            (std::map<std::string, int>{{"users", 300}, {"games", 15}, {"game_users", 520}}));
  EXPECT_EQ(out.through_extra, 0u);
  for (const char* expected :
       {"key: {PK: \"USER#{user_id}\", SK: \"#METADATA#{user_id}\"}",
        "key: {PK: \"GAME#{game_id}\", SK: \"USER#{user_id}\"}", "- {columns: [user_id, game_id]}",
        "- {columns: [map, open_timestamp]}", "birthdate: {from: birthdate, type: date}",
        "people:            {from: people, type: bigint}", "- into: other_items"})
    EXPECT_THAT(out.text, HasSubstr(expected));
}

TEST(ProposalPlan, PlainTableStaysOneTable) {
  std::ifstream in(data("dumps/persons.ddb-array.json"));
  std::string all((std::istreambuf_iterator<char>(in)), {});
  mapping::profile::Profiler profiler;
  // The file is one array of flat items: cut it at "\n  {" … "\n  }".
  for (size_t at = all.find("\n  {"); at != std::string::npos; at = all.find("\n  {", at + 1)) {
    size_t end = all.find("\n  }", at);
    ASSERT_NE(end, std::string::npos);
    add(profiler, all.substr(at + 3, end + 4 - at - 3), "", ddb::JsonForm::kTyped);
  }
  Profile profile = profiler.finish();
  EXPECT_EQ(profile.items_seen, 500u);
  Outcome out = go(profile, guessed(profile, "persons"));
  EXPECT_EQ(out.rows, (std::map<std::string, int>{{"persons", 500}}));
  EXPECT_EQ(out.through_extra, 0u);
  EXPECT_THAT(out.text, HasSubstr("hobby:      {from: hobby, type: text, sql_null: null}"));
  EXPECT_THAT(out.text, HasSubstr("id:         {type: uuid}"));
}

TEST(ProposalPlan, EveryTypeFindsItsColumn) {
  Profile users = lines("dumps/users-dynamodb.jsonl", "Item", ddb::JsonForm::kTyped);
  Outcome out = go(users, guessed(users, "users"));
  for (const char* expected :
       {"{userId: \"{user_id}\"}", "is_active:                 {from: isActive, type: boolean}",
        "{from: profile.location.zipCode, type: text}", "{from: roles, type: \"text[]\"}",
        "{from: createdAt, type: timestamptz, format: iso}", "{from: score, type: numeric}"})
    EXPECT_THAT(out.text, HasSubstr(expected));
  Profile products = lines("dumps/products-dynamodb.jsonl", "Item", ddb::JsonForm::kTyped);
  out = go(products, guessed(products, "products"));
  EXPECT_THAT(out.text, HasSubstr("{from: images, type: \"bytea[]\"}"));
  EXPECT_THAT(out.text, HasSubstr("{from: specs.warranty, type: bigint}"));

  std::ifstream in(data("dumps/all-types-dynamodb.json"));
  mapping::profile::Profiler profiler;
  add(profiler, std::string((std::istreambuf_iterator<char>(in)), {}), "Item",
      ddb::JsonForm::kTyped);
  Profile all = profiler.finish();
  out = go(all, guessed(all, "all-types"));
  EXPECT_THAT(out.text, HasSubstr("from: complexObject.items"));
  EXPECT_THAT(out.text, HasSubstr("{from: nestedMap.level1.level2, type: jsonb}"));
}

}  // namespace
}  // namespace offramp::migrate::plan
