// C8 as a property: random items through random mappings come back identical.
//
// Names and paths come from a small pool, so that mappings and items meet; values are of every
// type, with NUL bytes, 38 digits, empty containers and nesting. A failing case prints its seed;
// OFFRAMP_SEED=N runs that seed alone.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "ddb/number.h"
#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

using ddb::Type;
using model::ColumnType;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t below(size_t n) { return random_() % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  const std::string& name() {
    static const std::vector<std::string> kNames = {"a",
                                                    "b",
                                                    "c",
                                                    "d",
                                                    "a.b",
                                                    "quote\"",
                                                    "😀",
                                                    "$M64",
                                                    "$ABSENT",
                                                    "S",
                                                    std::string("n\0l", 3),
                                                    "lines",
                                                    "long name with blanks"};
    return kNames[below(kNames.size())];
  }

  std::string_view keep(std::string text) {
    char* to = batch_.arena.allocate(text.size());
    text.copy(to, text.size());
    return {to, text.size()};
  }

  std::string text() {
    switch (below(12)) {
      case 0:
        return "";
      case 1:
        return std::string("n\0l", 3);
      case 2:
        return "2024-02-29";
      case 3:
        return "2024-01-02T03:04:05Z";
      case 4:
        return "2024-01-02T03:04:05.120Z";
      case 5:
        return "123e4567-e89b-12d3-a456-426614174000";
      case 6:
        return "tab\tquote\"back\\slash\x01 €😀";
      case 7:
        return "X#1#2";
      case 8:
        return std::string(below(300), 'y');
      case 9:
        return number();
      default:
        return std::string(1, static_cast<char>('a' + below(26))) + std::to_string(below(1000));
    }
  }
  std::string number() {
    unsigned __int128 coefficient = random_() % 1000;
    int exponent = 0;
    if (one_in(3)) {
      coefficient = 1;
      for (size_t i = below(38); i > 0 && coefficient; --i)
        coefficient = coefficient * 10 + below(10);
      exponent = static_cast<int>(below(160)) - 80;
    } else if (one_in(3)) {
      exponent = -static_cast<int>(below(4));
    }
    auto number = ddb::Number::from_parts(one_in(3), coefficient, exponent);
    return number.ok() ? number->to_string() : "0";
  }
  std::string bytes() {
    std::string out(below(5), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  void value(ddb::ItemBuilder& out, std::string_view name, int depth) {
    if (name == "lines" && depth > 0 && !one_in(4)) return maps(out, name, depth);
    switch (below(depth > 0 ? 13 : 9)) {
      case 0:
      case 1:
        return out.scalar(Type::kS, keep(text()), name);
      case 2:
      case 3:
        return out.scalar(Type::kN, keep(number()), name);
      case 4:
        return out.scalar(Type::kB, keep(bytes()), name);
      case 5:
        return out.boolean(one_in(2), name);
      case 6:
        return out.null(name);
      case 7:
      case 8:
        return set(out, name);
      case 9:
        return list(out, name, depth);
      case 10:
        return maps(out, name, depth);
      default:
        return map(out, name, depth);
    }
  }
  void set(ddb::ItemBuilder& out, std::string_view name) {
    Type type = std::vector{Type::kSS, Type::kNS, Type::kBS}[below(3)];
    std::set<std::string> members;
    for (size_t i = below(4) + 1; i > 0; --i)
      members.insert(type == Type::kSS ? text() : type == Type::kNS ? number() : bytes());
    std::vector<std::string> order(members.begin(), members.end());
    std::shuffle(order.begin(), order.end(), random_);
    uint32_t index = out.open(type, name);
    for (const std::string& member : order) out.scalar(ddb::member_type(type), keep(member));
    out.close(index, static_cast<uint32_t>(order.size()));
  }
  void list(ddb::ItemBuilder& out, std::string_view name, int depth) {
    uint32_t index = out.open(Type::kL, name), count = static_cast<uint32_t>(below(4));
    for (uint32_t i = 0; i < count; ++i) value(out, {}, depth - 1);
    out.close(index, count);
  }
  // What child tables take.
  void maps(ddb::ItemBuilder& out, std::string_view name, int depth) {
    uint32_t index = out.open(Type::kL, name), count = static_cast<uint32_t>(below(4));
    for (uint32_t i = 0; i < count; ++i) map(out, {}, depth - 1);
    out.close(index, count);
  }
  uint32_t members(ddb::ItemBuilder& out, int depth) {
    std::set<std::string> names;
    for (size_t i = below(6); i > 0; --i) names.insert(name());
    std::vector<std::string> order(names.begin(), names.end());
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::string& member : order) value(out, keep(member), depth - 1);
    return static_cast<uint32_t>(order.size());
  }
  void map(ddb::ItemBuilder& out, std::string_view name, int depth) {
    uint32_t index = out.open(Type::kM, name);
    uint32_t count = members(out, depth);
    out.close(index, count);
  }

  ddb::ItemView item(const model::KeySchema& key) {
    batch_.reset();
    ddb::ItemBuilder out(batch_.nodes());
    uint32_t root = out.open(Type::kM);
    auto put_key = [&](const model::KeyAttribute& attribute) {
      std::string bytes = attribute.type == Type::kN   ? number()
                          : attribute.type == Type::kB ? this->bytes()
                                                       : text();
      out.scalar(attribute.type, keep(bytes), attribute.name);
    };
    uint32_t count = 1;
    bool key_first = one_in(2);
    if (key_first) put_key(key.partition);
    count += members(out, 4);
    if (!key_first) put_key(key.partition);
    if (key.sort) {
      put_key(*key.sort);
      ++count;
    }
    out.close(root, count);
    return ddb::ItemView(batch_.nodes().data() + root);
  }

  model::ColumnSpec column(std::string name) {
    model::ColumnSpec spec;
    spec.name = std::move(name);
    spec.type = static_cast<ColumnType>(below(14));
    if (spec.type == ColumnType::kTimestamptz)
      spec.time_format = static_cast<model::TimeFormat>(below(6));
    spec.from = path();
    if (spec.from.size() == 1 && one_in(3)) spec.null_means = model::NullMeans::kNullValue;
    return spec;
  }
  std::vector<std::string> path() {
    std::vector<std::string> out{name()};
    while (one_in(2) && out.size() < 3) out.push_back(name());
    return out;
  }
  // A mapping as it comes, conflicts and all; the caller takes those that compile.
  model::MappingSpec mapping() {
    model::MappingSpec spec;
    for (size_t tables = one_in(2); tables > 0; --tables) {
      model::TableMapping first = table(std::string("first"));
      first.key = {{"pk", "{x}#{y}", {}}, {"sk", "{sk}", {}}};
      fill(first);
      spec.push_back(first);
    }
    model::TableMapping rest = table(std::string("rest"));
    fill(rest);
    spec.push_back(rest);
    return spec;
  }
  void fill(model::TableMapping& mapping) {
    for (size_t i = below(7); i > 0; --i)
      mapping.columns.push_back(column("column" + std::to_string(i)));
    for (size_t i = below(3); i > 0; --i) {
      model::ChildSpec child;
      child.name = mapping.into + "_child" + std::to_string(i);
      child.from = path();
      if (one_in(2)) child.from.back() = "lines";
      for (size_t j = below(4); j > 0; --j)
        child.columns.push_back(column("column" + std::to_string(j)));
      mapping.children.push_back(child);
    }
  }

 private:
  std::mt19937_64 random_;
  ddb::ItemBatch batch_;
};

void run_seed(uint64_t seed, int& compiled_count, int& rows, int& children) {
  SCOPED_TRACE("OFFRAMP_SEED=" + std::to_string(seed));
  Generator generate(seed);
  std::vector<Type> types{Type::kS, Type::kS, Type::kN, Type::kB};
  model::KeySchema key = key_schema(types[generate.below(2)], types[generate.below(4)]);
  model::MappingSpec spec = generate.mapping();
  Limits limits;
  limits.text_allows_nul = generate.one_in(4);
  limits.key_bytes_max = generate.one_in(3) ? 40 : 2600;
  auto mapping = CompiledMapping::compile(spec, key, limits);
  if (!mapping.ok()) {
    ASSERT_EQ(mapping.error().kind(), ErrorKind::kConfig);
    return;
  }
  ++compiled_count;
  RoundTrip trip(*mapping);
  for (int i = 0; i < 20 && !testing::Test::HasFailure(); ++i) {
    ddb::ItemView item = generate.item(key);
    Outcome outcome = expect_identity(trip, item);
    ASSERT_TRUE(outcome == Outcome::kRow || outcome == Outcome::kOverflow) << trip.why;
    rows += outcome == Outcome::kRow;
    for (size_t t = 0; t < trip.rows.tables.size(); ++t)
      if ((*mapping)->tables()[t].role == TableRole::kChild)
        children += trip.rows.tables[t].rows > 0;
  }
}

TEST(RoundTrip, C8_RandomItemsThroughRandomMappings) {
  int compiled_count = 0, rows = 0, children = 0;
  if (const char* seed = std::getenv("OFFRAMP_SEED")) {
    run_seed(std::strtoull(seed, nullptr, 10), compiled_count, rows, children);
    return;
  }
  const char* count = std::getenv("OFFRAMP_SEEDS");
  uint64_t seeds = count ? std::strtoull(count, nullptr, 10) : 3000;
  for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed)
    run_seed(seed, compiled_count, rows, children);
  // The property must have been put to the test.
  EXPECT_GT(compiled_count, static_cast<int>(seeds / 4));
  EXPECT_GT(rows, static_cast<int>(seeds));
  EXPECT_GT(children, static_cast<int>(seeds / 20));
}

// Shared material stands beside the repository.
std::filesystem::path shared_data(const std::string& name) {
  std::filesystem::path root = std::filesystem::current_path();
  while (!std::filesystem::exists(root / "../shared/data" / name) && root.has_relative_path())
    root = root.parent_path();
  return root / "../shared/data" / name;
}

TEST(RoundTrip, C8_RealGameItemsComeBack) {
  model::KeySchema key;
  key.partition = {"PK", Type::kS};
  key.sort = model::KeyAttribute{"SK", Type::kS};
  model::TableMapping users =
      table("users", {model::ColumnSpec{"born", {"birthdate"}, ColumnType::kDate},
                      model::ColumnSpec{"email", {"email"}, ColumnType::kText}});
  users.key = {{"PK", "USER#{user}", {}}, {"SK", "#METADATA#{user}", {}}};
  RoundTrip trip(compiled({users, table("other")}, key));
  std::ifstream file(shared_data("dumps/game-player-items.plain.jsonl"));
  std::string line;
  int user_rows = 0, other_rows = 0;
  while (std::getline(file, line) && !HasFailure()) {
    TestItem item(line, ddb::JsonForm::kPlain);
    ASSERT_EQ(expect_identity(trip, item.view()), Outcome::kRow) << trip.why;
    (trip.splitter.table() == 0 ? user_rows : other_rows) += 1;
  }
  EXPECT_EQ(user_rows + other_rows, 835);
  EXPECT_GT(user_rows, 100);
  EXPECT_GT(other_rows, 100);
}

}  // namespace
}  // namespace offramp::mapping
