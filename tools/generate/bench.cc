// The benchmark's item: 29 attribute values in about 687 bytes of DynamoDB JSON, keys in hash
// order, four sort keys per partition key. Its shape is fixed: figures of different versions are to
// be comparable.
#include <cstdio>

#include "generate/rng.h"
#include "generate/table.h"

namespace offramp::generate {
namespace {

constexpr std::string_view kStatus[] = {"NEW", "PAID", "SHIPPED", "DELIVERED"};

class BenchTable : public Table {
 public:
  explicit BenchTable(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "Bench"; }

  void key(uint64_t index, ItemWriter& out) const override {
    char text[64];
    Rng rng = Rng::of(seed_, index / 4, 0);
    std::snprintf(text, sizeof(text), "CUSTOMER#%016llx",
                  static_cast<unsigned long long>(rng.next()));
    out.text("pk", text);
    std::snprintf(text, sizeof(text), "ORDER#%04llu", static_cast<unsigned long long>(index % 4));
    out.text("sk", text);
  }

  void item(uint64_t index, uint64_t version, ItemWriter& out) const override {
    Rng rng = Rng::of(seed_ + 1, index, version);
    char text[96];
    key(index, out);
    out.text("status", rng.pick(kStatus));
    std::snprintf(text, sizeof(text), "%lld.%02lld", static_cast<long long>(rng.between(1, 99999)),
                  static_cast<long long>(rng.between(1, 9) * 10 + rng.between(1, 9)));
    out.number("amount", text);
    out.number("qty", rng.between(1, 500));
    std::snprintf(text, sizeof(text), "2024-%02d-%02dT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(rng.between(1, 12)), static_cast<int>(rng.between(1, 28)),
                  static_cast<int>(rng.between(0, 23)), static_cast<int>(rng.between(0, 59)),
                  static_cast<int>(rng.between(0, 59)), static_cast<int>(rng.between(0, 999)));
    out.text("created_at", text);
    std::snprintf(text, sizeof(text), "user%07lld@example.com",
                  static_cast<long long>(rng.between(0, 9999999)));
    out.text("email", text);
    out.boolean("active", rng.one_in(2));
    out.number("ttl", rng.between(1700000000, 1900000000));
    std::string bytes;
    rng.bytes(15, bytes);
    out.binary("payload", bytes);
    out.null("deleted_by");
    out.open_map("address");
    std::string word;
    rng.letters(8, word);
    out.text("street", word);
    out.text("city", rng.one_in(2) ? "Springfield" : "Shelbyville");
    out.text("zip", std::to_string(rng.between(10000, 99999)));
    out.open_map("geo");
    std::snprintf(text, sizeof(text), "%lld.%04lld1", static_cast<long long>(rng.between(-89, 89)),
                  static_cast<long long>(rng.between(0, 9999)));
    out.number("lat", text);
    std::snprintf(text, sizeof(text), "%lld.%04lld1", static_cast<long long>(rng.between(1, 179)),
                  static_cast<long long>(rng.between(0, 9999)));
    out.number("lon", text);
    out.close();
    out.close();
    out.open_list("lines");
    for (int line = 0; line < 3; ++line) {
      out.open_map({});
      std::snprintf(text, sizeof(text), "SKU-%06lld",
                    static_cast<long long>(rng.between(0, 999999)));
      out.text("sku", text);
      out.number("qty", rng.between(1, 9));
      out.close();
    }
    out.close();
    std::snprintf(text, sizeof(text), "t%lld", static_cast<long long>(rng.between(100, 199)));
    std::string second = "u" + std::to_string(rng.between(100, 199));
    out.text_set("tags", {text, second, "vip"});
  }

 private:
  uint64_t seed_;
};

}  // namespace

std::unique_ptr<Table> bench_table(uint64_t seed) { return std::make_unique<BenchTable>(seed); }

}  // namespace offramp::generate
