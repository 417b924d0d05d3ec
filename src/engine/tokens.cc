// The tokens' table, its rows and their removal.
#include "engine/tokens.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <charconv>

#include "engine/operation.h"
#include "io/wall_ms.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

constexpr int64_t kValidMs = 10 * 60 * 1000;
constexpr uint32_t kWritesPerSweep = 100;
constexpr size_t kRowsPerSweep = 300;
constexpr std::string_view kSqlTable = "_offramp_tokens";

struct Hash {
  uint64_t low = 0, high = 0;
};
Hash hash_of(std::string_view text, uint64_t seed) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  return {hash.low64, hash.high64};
}
Hash hash_of(const Hash& a, const Hash& b, uint64_t seed) {
  uint64_t parts[] = {a.low, a.high, b.low, b.high};
  return hash_of({reinterpret_cast<const char*>(parts), sizeof parts}, seed);
}

// Depth is bounded by the parser's and the shape's.
Hash hash_of(simdjson::dom::element value) {
  Json json(value);
  Hash sum;
  if (json.is_object()) {
    // Members in any order: their hashes are added.
    for (simdjson::dom::key_value_pair field : json.object()) {
      if (field.value.is_null()) continue;
      Hash member = hash_of(hash_of(field.key, 1), hash_of(field.value), 2);
      sum.low += member.low;
      sum.high += member.high;
    }
    return hash_of(sum, {}, 3);
  }
  if (json.is_array()) {
    for (simdjson::dom::element element : json.array()) sum = hash_of(sum, hash_of(element), 4);
    return hash_of(sum, {}, 5);
  }
  if (value.is_string()) return hash_of(json.text(), 6);
  return hash_of(simdjson::minify(value), 7);
}

Result<TableRef> token_table(Context& context) {
  TableRef known = TRY(context.catalog.find(kTokenTable));
  if (known) return known;
  Table table;
  table.served.name = kTokenTable;
  table.served.id = kTokenTable;
  table.served.into = kSqlTable;
  table.served.key.partition = {"token", ddb::Type::kS};
  table.attributes = {table.served.key.partition};
  table.on_demand = true;
  TRY(target::make_mapping(table.served, context.store.limits()));
  Status made = context.store.create_table(table.served, table_entry(table));
  if (!made.ok() && made.error().code() != "store.table_exists") return std::move(made).error();
  TRY(context.catalog.refresh());
  known = TRY(context.catalog.find(kTokenTable));
  if (!known)
    return Error(ErrorKind::kInternal, "engine.no_tokens",
                 "the table of request tokens cannot be made");
  return known;
}

int64_t number(ddb::ValueView value) {
  int64_t out = 0;
  if (value && value.type() == ddb::Type::kN)
    std::from_chars(value.bytes().data(), value.bytes().data() + value.bytes().size(), out);
  return out;
}

bool is_old(ddb::ItemView row, int64_t now_ms) {
  return now_ms - number(row.find("at")) >= kValidMs;
}

// Appends {"token": token} as a new root.
void append_key(std::string_view token, ddb::ItemBatch& batch) {
  uint32_t at = static_cast<uint32_t>(batch.nodes().size());
  ddb::ItemBuilder build(batch.nodes());
  uint32_t root = build.open(ddb::Type::kM);
  build.scalar(ddb::Type::kS, {batch.arena.copy(token), token.size()}, "token");
  build.close(root, 1);
  batch.add_root(at, batch.size());
}

Status sweep(Context& context) {
  TableRef table = TRY(token_table(context));
  TokenSweep& sweep = context.token_sweep;
  target::PageRequest request{.table = &table->served};
  ddb::ItemBatch after;
  if (!sweep.after.empty()) {
    append_key(sweep.after, after);
    request.after = after.item(0);
  }
  request.items_max = kRowsPerSweep;
  TRY(context.session->read(request, context.page));
  const ddb::ItemBatch& rows = context.page.items;
  sweep.after.clear();
  if (context.page.more && rows.size() > 0)
    sweep.after = rows.item(rows.size() - 1).find("token").bytes();

  int64_t now = io::wall_ms(*context.options.clock);
  ddb::ItemBatch keys;
  for (size_t i = 0; i < rows.size(); ++i)
    if (is_old(rows.item(i), now)) append_key(rows.item(i).find("token").bytes(), keys);
  if (keys.size() == 0) return {};
  std::vector<target::ItemRef> refs;
  for (size_t i = 0; i < keys.size(); ++i) refs.push_back({&table->served, keys.item(i)});
  // Only while it is still old: another transaction may use the token anew.
  return context.session->write(refs,
                                [&](std::span<const ddb::ItemView> old, auto decisions) -> Status {
                                  for (size_t i = 0; i < old.size(); ++i)
                                    if (old[i] && is_old(old[i], now))
                                      decisions[i].kind = target::Decision::Kind::kDelete;
                                  return {};
                                });
}

}  // namespace

std::string content_hash(Json json) {
  Hash hash = json ? hash_of(json.element()) : Hash{};
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

Result<Token> Token::make(Context& context, std::string_view text, Json actions) {
  Token token;
  token.table_ = TRY(token_table(context));
  token.now_ms_ = io::wall_ms(*context.options.clock);
  base::Arena& arena = token.row_.arena;
  auto keep = [&](std::string_view bytes) {
    return std::string_view(arena.copy(bytes), bytes.size());
  };
  ddb::ItemBuilder build(token.row_.nodes());
  uint32_t root = build.open(ddb::Type::kM);
  build.scalar(ddb::Type::kS, keep(text), "token");
  build.scalar(ddb::Type::kS, keep(content_hash(actions)), "actions");
  // A canonical number: milliseconds since 1970 are never negative.
  build.scalar(ddb::Type::kN, keep(std::to_string(token.now_ms_)), "at");
  build.close(root, 3);
  token.row_.add_root(root, 0);
  return token;
}

Token::Use Token::judge(ddb::ItemView row) const {
  if (!row || is_old(row, now_ms_)) return Use::kFirst;
  ddb::ValueView before = row.find("actions"), now = row_.item(0).find("actions");
  return before && ddb::equal(before, now) ? Use::kRepeated : Use::kMismatch;
}

void sweep_tokens(Context& context) {
  if (++context.token_sweep.writes < kWritesPerSweep) return;
  context.token_sweep.writes = 0;
  Status status = sweep(context);
  if (!status.ok() && context.options.log) context.options.log(status.error());
}

}  // namespace offramp::engine
