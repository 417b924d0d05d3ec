// What the SQLite store costs per operation, beside the bare prepared statement on the same rows.
//
//   bench_sqlite_store URL ITEMS SECONDS
// URL: sqlite:FILE (a new one) or sqlite::memory:. Items of ten attributes and about 400 bytes
// under a string and a number. Prints JSON: per operation and number of threads the operations per
// second and the CPU microseconds of each; the bare SELECT steps over the row and touches every
// column.
#include <sys/resource.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "ddb/wire_json.h"
#include "program.h"
#include "sqlite.h"
#include "target/served_mapping.h"
#include "target/sqlite/serve/open.h"

namespace offramp::bench {
namespace {

using target::Decision;
using target::ItemRef;
using target::ServedTable;
using target::StoreSession;

constexpr int kPerPartition = 10;

void check(const Status& status) {
  if (!status.ok()) die(status.error().message());
}

std::string key_json(uint64_t n) {
  return "{\"pk\":{\"S\":\"customer-" + std::to_string(n / kPerPartition) + "\"},\"sk\":{\"N\":\"" +
         std::to_string(n % kPerPartition) + "\"}}";
}

std::string item_json(uint64_t n) {
  std::string out = key_json(n);
  out.pop_back();
  for (int i = 0; i < 6; ++i)
    out += ",\"text" + std::to_string(i) + "\":{\"S\":\"" +
           std::string(40, static_cast<char>('a' + i)) + "\"}";
  return out + ",\"count\":{\"N\":\"" + std::to_string(n) +
         "\"},\"flags\":{\"M\":{\"new\":{\"BOOL\":true}}}}";
}

// Decodes into memory that is used again and again.
class Item {
 public:
  ddb::ItemView parse(const std::string& json) {
    batch_.reset();
    batch_.buffer.assign(json.begin(), json.end());
    batch_.buffer.resize(json.size() + ddb::kJsonPadding);
    auto root = decoder_.decode_item({batch_.buffer.data(), json.size()}, {}, ddb::JsonForm::kTyped,
                                     batch_);
    if (!root.ok()) die(root.error().message());
    return ddb::ItemView(&batch_.nodes()[*root]);
  }

 private:
  ddb::JsonDecoder decoder_;
  ddb::ItemBatch batch_;
};

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

using Operation = std::function<void(uint64_t)>;
// `make()` gives each thread its operation on the item of a number.
void measure(const std::string& name, int threads, uint64_t items, double seconds,
             const std::function<Operation()>& make) {
  std::vector<Operation> operations;
  for (int t = 0; t < threads; ++t) operations.push_back(make());
  for (int t = 0; t < threads; ++t) operations[static_cast<size_t>(t)](0);
  std::atomic<uint64_t> done{0};
  Stopwatch watch;
  double cpu = cpu_seconds();
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      uint64_t count = 0;
      for (; (count & 15) != 0 || watch.seconds() < seconds; ++count)
        operations[static_cast<size_t>(t)](random() % items);
      done += count;
    });
  for (auto& thread : running) thread.join();
  double wall = watch.seconds(), used = cpu_seconds() - cpu;
  std::printf("{\"operation\": \"%s\", \"threads\": %d, \"per_second\": %.0f, \"cpu_us\": %.2f}\n",
              name.c_str(), threads, static_cast<double>(done) / wall,
              used / static_cast<double>(done) * 1e6);
  std::fflush(stdout);
}

struct Session {
  std::unique_ptr<StoreSession> session;
  Item item;
  ddb::ItemBatch batch;
  std::vector<ddb::ItemView> found;
  target::Page page;
};

std::shared_ptr<Session> open_session(target::Store& store) {
  auto out = std::make_shared<Session>();
  auto session = store.session();
  check(session.ok() ? Status() : Status(session.error()));
  out->session = std::move(*session);
  return out;
}

Operation decode_only(target::Store& store, bool item) {
  auto s = open_session(store);
  return [s, item](uint64_t n) { s->item.parse(item ? item_json(n) : key_json(n)); };
}

Operation get(target::Store& store, const ServedTable& table) {
  auto s = open_session(store);
  return [s, &table](uint64_t n) {
    ItemRef ref{&table, s->item.parse(key_json(n))};
    check(s->session->get({&ref, 1}, s->batch, s->found));
    if (!s->found[0]) die("an item is missing");
  };
}

Operation put(target::Store& store, const ServedTable& table) {
  auto s = open_session(store);
  return [s, &table](uint64_t n) {
    ddb::ItemView item = s->item.parse(item_json(n));
    ItemRef ref{&table, item};
    Decision decision{Decision::Kind::kPut, item};
    check(s->session->write_blind({&ref, 1}, {&decision, 1}));
  };
}

Operation conditional_put(target::Store& store, const ServedTable& table) {
  auto s = open_session(store);
  return [s, &table](uint64_t n) {
    ddb::ItemView item = s->item.parse(item_json(n));
    ItemRef ref{&table, item};
    check(s->session->write({&ref, 1}, [&](auto, auto decisions) -> Status {
      decisions[0] = {Decision::Kind::kPut, item};
      return {};
    }));
  };
}

Operation query(target::Store& store, const ServedTable& table) {
  auto s = open_session(store);
  return [s, &table](uint64_t n) {
    target::PageRequest request;
    request.table = &table;
    request.partition = {s->item.parse(key_json(n)).find("pk")};
    check(s->session->read(request, s->page));
    if (s->page.items.size() != kPerPartition) die("items are missing");
  };
}

Operation bare_select(const std::string& path) {
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr) !=
      SQLITE_OK)
    die("cannot open " + path);
  sqlite3_stmt* select = prepare(db, "SELECT * FROM bench WHERE pk = ?1 AND sk = ?2");
  return [select](uint64_t n) {
    std::string pk = "customer-" + std::to_string(n / kPerPartition);
    sqlite3_bind_text(select, 1, pk.data(), static_cast<int>(pk.size()), SQLITE_STATIC);
    sqlite3_bind_int64(select, 2, static_cast<int64_t>(n % kPerPartition));
    if (sqlite3_step(select) != SQLITE_ROW) die("a row is missing");
    for (int i = 0; i < sqlite3_column_count(select); ++i) sqlite3_column_blob(select, i);
    sqlite3_reset(select);
  };
}

void fill(StoreSession& session, const ServedTable& table, uint64_t items) {
  constexpr uint64_t kAtOnce = 500;
  for (uint64_t at = 0; at < items; at += kAtOnce) {
    std::vector<Item> alive(kAtOnce);
    std::vector<ItemRef> refs;
    std::vector<Decision> decisions;
    for (uint64_t n = at; n < std::min(items, at + kAtOnce); ++n) {
      ddb::ItemView item = alive[n - at].parse(item_json(n));
      refs.push_back({&table, item});
      decisions.push_back({Decision::Kind::kPut, item});
    }
    check(session.write_blind(refs, decisions));
  }
}

int run(const std::string& url, uint64_t items, double seconds) {
  auto store = target::sqlite::store_entry().open(url);
  if (!store.ok()) die(store.error().message());
  ServedTable table;
  table.name = table.into = "bench";
  table.id = "1";
  table.key = {{"pk", ddb::Type::kS}, model::KeyAttribute{"sk", ddb::Type::kN}};
  check(target::make_mapping(table, (*store)->limits()));
  check((*store)->create_table(table, "{}"));
  fill(*open_session(**store)->session, table, items);
  for (int threads : {1, 8}) {
    measure("decode key", threads, items, seconds, [&] { return decode_only(**store, false); });
    measure("decode item", threads, items, seconds, [&] { return decode_only(**store, true); });
    if (!url.ends_with(":memory:"))
      measure("bare select", threads, items, seconds,
              [&] { return bare_select(url.substr(url.find(':') + 1)); });
    measure("get", threads, items, seconds, [&] { return get(**store, table); });
    measure("query 10", threads, items, seconds, [&] { return query(**store, table); });
    measure("put", threads, items, seconds, [&] { return put(**store, table); });
    measure("conditional put", threads, items, seconds,
            [&] { return conditional_put(**store, table); });
    measure("catalog version", threads, items, seconds, [&]() -> Operation {
      return [&](uint64_t) {
        check((*store)->catalog_version().ok()
                  ? Status()
                  : Status(Error(ErrorKind::kInternal, "", "version")));
      };
    });
  }
  return 0;
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  if (argc != 4) offramp::bench::die("usage: bench_sqlite_store URL ITEMS SECONDS");
  return offramp::bench::run(argv[1], std::strtoull(argv[2], nullptr, 10), std::atof(argv[3]));
}
