// The limit of serving items from PostgreSQL: bare prepared statements through libpq with binary
// parameters, and beside them the store's get, put and update of the same items; per thread one
// connection.
//
//   bench_pg_serve_limit URL THREADS SECONDS ITEMS
// Makes a table of its own in the database, fills it, and drops it at the end. Prints JSON:
// operations per second of each kind, and the store's ratio to the bare statements; then the
// store's puts with a change log, which change every item, and their ratio to the same ones
// without.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "ddb/wire_json.h"
#include "program.h"
#include "target/served_mapping.h"
#include "target/stores.h"

namespace offramp::bench {
namespace {

using target::Decision;
using target::ItemRef;
using Clock = std::chrono::steady_clock;

constexpr int kTurns = 3;

std::string item_json(size_t number) {
  return fmt::format(
      R"({{"pk":{{"S":"user#{:08}"}},"sk":{{"S":"profile"}},"name":{{"S":"Somebody {}"}},"age":{{"N":"{}"}},)"
      R"("tags":{{"SS":["a","b","c"]}},"address":{{"M":{{"street":{{"S":"Main Street {}"}},"zip":{{"S":"12345"}}}}}},)"
      R"("count":{{"N":"0"}},"note":{{"S":"{}"}}}})",
      number, number, number % 90, number, std::string(120, 'x'));
}
std::string key_text(size_t number) { return fmt::format("user#{:08}", number); }

struct Item {
  explicit Item(std::string json) : text(std::move(json)) {
    size_t size = text.size();
    text.resize(size + ddb::kJsonPadding);
    ddb::JsonDecoder decoder;
    auto decoded = decoder.decode_item({text.data(), size}, "", ddb::JsonForm::kTyped, batch);
    if (!decoded.ok()) die(decoded.error().message());
    batch.add_root(*decoded, 0);
  }
  ddb::ItemView view() const { return batch.item(0); }
  std::string text;
  ddb::ItemBatch batch;
};

void check(const Status& status) {
  if (!status.ok()) die(status.error().message());
}

// Operations per second of `threads` threads, each of which gets its number and makes what it then
// repeats.
using Operation = std::function<void(size_t number)>;
double measure(size_t threads, double seconds, size_t items,
               const std::function<Operation(size_t)>& make) {
  std::vector<Operation> operations;
  for (size_t i = 0; i < threads; ++i) operations.push_back(make(i));
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> done = 0;
  std::vector<std::thread> running;
  auto start = Clock::now();
  for (size_t i = 0; i < threads; ++i)
    running.emplace_back([&, i] {
      std::mt19937_64 random(i);
      uint64_t mine = 0;
      for (; !stop.load(std::memory_order_relaxed); ++mine) operations[i](random() % items);
      done += mine;
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& thread : running) thread.join();
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - start).count();
}

class Bare {
 public:
  explicit Bare(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) die(PQerrorMessage(connection_));
    prepare("get", "SELECT pk, sk, extra FROM bench_serve WHERE pk = $1 AND sk = $2", {25, 25});
    prepare("put",
            "INSERT INTO bench_serve (pk, sk, extra) VALUES ($1, $2, $3) ON CONFLICT (pk, sk) DO "
            "UPDATE SET extra = EXCLUDED.extra",
            {25, 25, 3802});
    prepare("update", "UPDATE bench_serve SET extra = $3 WHERE pk = $1 AND sk = $2",
            {25, 25, 3802});
  }
  ~Bare() { PQfinish(connection_); }
  void run(const char* name, size_t number, const std::string* extra) {
    std::string key = key_text(number);
    const char* values[] = {key.data(), "profile", extra ? extra->data() : nullptr};
    int lengths[] = {static_cast<int>(key.size()), 7, extra ? static_cast<int>(extra->size()) : 0};
    int formats[] = {1, 1, 1};
    PGresult* result =
        PQexecPrepared(connection_, name, extra ? 3 : 2, values, lengths, formats, 1);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && (status != PGRES_TUPLES_OK || PQntuples(result) != 1))
      die(PQerrorMessage(connection_));
    PQclear(result);
  }

 private:
  void prepare(const char* name, const char* sql, std::vector<Oid> types) {
    PGresult* result =
        PQprepare(connection_, name, sql, static_cast<int>(types.size()), types.data());
    if (PQresultStatus(result) != PGRES_COMMAND_OK) die(PQerrorMessage(connection_));
    PQclear(result);
  }
  PGconn* connection_;
};

// What the store writes into `extra` for the item: all but the key.
std::string bare_extra(size_t number) {
  std::string json = item_json(number);
  size_t name = json.find("\"name\"");
  return "\1{" + json.substr(name);
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp;
  using namespace offramp::bench;
  if (argc != 5) die("bench_pg_serve_limit URL THREADS SECONDS ITEMS");
  const std::string url = argv[1];
  const size_t threads = std::stoul(argv[2]), items = std::stoul(argv[4]);
  const double seconds = std::stod(argv[3]);
  auto opened = target::open_store(url);
  if (!opened.ok()) die(opened.error().message());
  target::Store& store = **opened;
  target::ServedTable table;
  table.name = table.into = table.id = "bench_serve";
  table.key = {.partition = {"pk", ddb::Type::kS},
               .sort = model::KeyAttribute{"sk", ddb::Type::kS}};
  check(target::make_mapping(table, store.limits()));
  check(store.create_table(table, "{}"));

  std::vector<std::unique_ptr<Item>> all;
  for (size_t i = 0; i < items; ++i) all.push_back(std::make_unique<Item>(item_json(i)));
  auto session = [&] {
    auto made = store.session();
    if (!made.ok()) die(made.error().message());
    return std::shared_ptr<target::StoreSession>(std::move(*made));
  };
  auto put = [&](target::StoreSession& with, size_t number) {
    ItemRef ref{&table, all[number]->view()};
    Decision decision{Decision::Kind::kPut, all[number]->view()};
    check(with.write_blind({&ref, 1}, {&decision, 1}));
  };
  auto filler = session();
  for (size_t i = 0; i < items; ++i) put(*filler, i);

  auto bare = [&](const char* name, bool writes) {
    return measure(threads, seconds, items, [&](size_t) -> Operation {
      auto connection = std::make_shared<Bare>(url);
      return [connection, name, writes, extra = std::string()](size_t number) mutable {
        if (writes) extra = bare_extra(number);
        connection->run(name, number, writes ? &extra : nullptr);
      };
    });
  };
  auto ours = [&](const std::function<void(target::StoreSession&, size_t)>& operation) {
    return measure(threads, seconds, items, [&](size_t) -> Operation {
      return [with = session(), operation](size_t number) { operation(*with, number); };
    });
  };
  auto get = [&](target::StoreSession& with, size_t number) {
    thread_local ddb::ItemBatch batch;
    thread_local std::vector<ddb::ItemView> found;
    ItemRef ref{&table, all[number]->view()};
    check(with.get({&ref, 1}, batch, found));
    if (!found[0]) die("an item is missing");
  };
  auto update = [&](target::StoreSession& with, size_t number) {
    ItemRef ref{&table, all[number]->view()};
    check(with.write({&ref, 1}, [&](auto, std::span<Decision> out) -> Status {
      out[0] = {Decision::Kind::kPut, all[number]->view()};
      return {};
    }));
  };
  // Every put changes the item: one that changes nothing is not logged.
  std::vector<std::unique_ptr<Item>> others;
  for (size_t i = 0; i < items; ++i) {
    std::string json = item_json(i);
    json.replace(json.find("\"count\":{\"N\":\"0\""), 16, "\"count\":{\"N\":\"1\"");
    others.push_back(std::make_unique<Item>(std::move(json)));
  }
  std::vector<std::atomic<uint8_t>> turns(items);
  auto change = [&](target::StoreSession& with, size_t number) {
    const Item& item = *(turns[number].fetch_add(1) % 2 ? all : others)[number];
    ItemRef ref{&table, item.view()};
    Decision decision{Decision::Kind::kPut, item.view()};
    check(with.write_blind({&ref, 1}, {&decision, 1}));
  };
  double bare_get = bare("get", false), our_get = ours(get);
  double bare_put = bare("put", true), our_put = ours(put);
  double bare_update = bare("update", true), our_update = ours(update);
  // By turns, the best of each: whatever else runs on the machine is no part of the ratio.
  double plain_put = 0, logged_put = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    plain_put = std::max(plain_put, ours(change));
    target::ChangeLogName log{table.id, fmt::format("bench {}", turn)};
    check(store.begin_log(table, {log, "{}", true}, "{}", "{}"));
    logged_put = std::max(logged_put, ours(change));
    check(store.end_log(table, log, "{}", "{}"));
    check(store.drop_log(log));
  }
  fmt::print(
      R"({{"threads": {}, "bare_get": {:.0f}, "get": {:.0f}, "get_ratio": {:.2f}, "bare_put": {:.0f}, "put": {:.0f}, )"
      R"("put_ratio": {:.2f}, "bare_update": {:.0f}, "update": {:.0f}, "update_ratio": {:.2f}, "changing_put": {:.0f}, )"
      R"("logged_put": {:.0f}, "logged_ratio": {:.2f}}})"
      "\n",
      threads, bare_get, our_get, our_get / bare_get, bare_put, our_put, our_put / bare_put,
      bare_update, our_update, our_update / bare_update, plain_put, logged_put,
      logged_put / plain_put);
  check(store.drop_table(table));
}
