// The shop: one table holding customers, their orders (with nested lines) and products, keyed
// PK/SK, as people build them: GSI attributes, a TTL, sets, binary, NULLs, big numbers, attributes
// that only some items have.
//
// Of ten items in a row one is a customer, seven are orders of that customer, two are products.
#include <cstdio>

#include "generate/rng.h"
#include "generate/table.h"

namespace offramp::generate {
namespace {

constexpr std::string_view kCities[] = {"København", "São Paulo", "東京",
                                        "Lagos",     "Reykjavík", "Zürich"};
constexpr std::string_view kFirst[] = {"Ada",   "Björn",  "Chidi", "Dörte",
                                       "Élise", "Fatima", "Göran", "Hana"};
constexpr std::string_view kLast[] = {"O'Neill",   "Nguyễn", "Smith",
                                      "Østergård", "García", "Иванов"};
constexpr std::string_view kStatus[] = {"NEW", "PAID", "SHIPPED", "DELIVERED", "RETURNED"};
constexpr std::string_view kTags[] = {"new", "sale", "eco", "fragile", "bulky", "gift"};
constexpr std::string_view kKinds[] = {"Mug", "Lamp", "Chair", "Notebook", "Bicycle", "Rucksack"};

std::string format(const char* pattern, long long a, long long b = 0, long long c = 0) {
  char text[128];
  std::snprintf(text, sizeof(text), pattern, a, b, c);
  return text;
}

std::string iso_time(Rng& rng) {
  char text[40];
  std::snprintf(text, sizeof(text), "2024-%02d-%02dT%02d:%02d:%02dZ",
                static_cast<int>(rng.between(1, 12)), static_cast<int>(rng.between(1, 28)),
                static_cast<int>(rng.between(0, 23)), static_cast<int>(rng.between(0, 59)),
                static_cast<int>(rng.between(0, 59)));
  return text;
}

std::string money(Rng& rng, int64_t most) {
  return format("%lld.%lld%lld", rng.between(1, most), rng.between(0, 9), rng.between(1, 9));
}

class ShopTable : public Table {
 public:
  explicit ShopTable(uint64_t seed) : seed_(seed) {}
  std::string name() const override { return "Shop"; }

  void key(uint64_t index, ItemWriter& out) const override {
    long long group = static_cast<long long>(index / 10);
    long long place = static_cast<long long>(index % 10);
    if (place < 8) {
      out.text("PK", format("CUSTOMER#%08lld", group));
      out.text("SK", place == 0 ? std::string("PROFILE") : order_key(index));
    } else {
      out.text("PK", format("PRODUCT#%08lld", group * 2 + place - 8));
      out.text("SK", "DETAILS");
    }
  }

  void item(uint64_t index, uint64_t version, ItemWriter& out) const override {
    Rng rng = Rng::of(seed_, index, version);
    key(index, out);
    uint64_t place = index % 10;
    if (place == 0)
      customer(index, rng, out);
    else if (place < 8)
      order(index, rng, out);
    else
      product(index, rng, out);
  }

 private:
  std::string order_key(uint64_t index) const {
    Rng rng = Rng::of(seed_ + 7, index, 0);
    return "ORDER#" + format("2024-%02lld-%02lld#%09lld", rng.between(1, 12), rng.between(1, 28),
                             static_cast<long long>(index));
  }

  static void address(Rng& rng, ItemWriter& out) {
    out.open_map("address");
    out.text("street", format("Main street %lld", rng.between(1, 400)));
    out.text("city", rng.pick(kCities));
    if (rng.one_in(3)) out.text("line2", "");
    out.open_map("geo");
    out.number("lat",
               format("%lld.%lld%lld", rng.between(1, 89), rng.between(0, 999), rng.between(1, 9)));
    out.number("lon", format("-%lld.%lld%lld", rng.between(1, 179), rng.between(0, 999),
                             rng.between(1, 9)));
    out.close();
    out.close();
  }

  static void customer(uint64_t index, Rng& rng, ItemWriter& out) {
    out.text("type", "customer");
    std::string name(rng.pick(kFirst));
    name += ' ';
    name += rng.pick(kLast);
    out.text("name", name);
    out.text("email", format("c%lld@example.com", static_cast<long long>(index)));
    out.text("GSI1PK", format("EMAIL#c%lld@example.com", static_cast<long long>(index)));
    out.text("GSI1SK", "PROFILE");
    out.text("joined_at", iso_time(rng));
    out.number("loyalty_points", rng.between(-500, 1000000));
    out.boolean("newsletter", rng.one_in(2));
    if (rng.one_in(4))
      out.null("phone");
    else if (rng.one_in(2))
      out.text("phone", format("+45 %lld %lld", rng.between(1000, 9999), rng.between(1000, 9999)));
    address(rng, out);
    if (rng.one_in(2))
      out.number_set("favourite_numbers",
                     {std::to_string(rng.between(0, 9)), "3.14159265358979323846", "-12"});
    // A counter of 38 digits: what a double would ruin.
    if (rng.one_in(3)) {
      std::string digits = std::to_string(rng.between(1000000000000000000, 9000000000000000000));
      digits += std::to_string(rng.between(1000000000000000000, 9000000000000000000));
      out.number("account_hash", digits);
    }
  }

  static void order(uint64_t index, Rng& rng, ItemWriter& out) {
    out.text("type", "order");
    out.number("order_number", static_cast<int64_t>(index));
    std::string_view status = rng.pick(kStatus);
    out.text("status", status);
    out.text("placed_at", iso_time(rng));
    out.number("total", money(rng, 5000));
    out.text("GSI1PK", "STATUS#" + std::string(status));
    out.text("GSI1SK", format("%lld", static_cast<long long>(index)));
    out.open_list("lines");
    int lines = static_cast<int>(rng.between(1, 4));
    for (int line = 0; line < lines; ++line) {
      out.open_map({});
      out.text("sku", format("SKU-%06lld", rng.between(0, 999999)));
      out.number("qty", rng.between(1, 12));
      out.number("price", money(rng, 900));
      if (rng.one_in(5)) out.text("note", "leave at the \"back\" door,\nplease");
      out.close();
    }
    out.close();
    if (rng.one_in(3)) address(rng, out);
    if (rng.one_in(4)) out.number("expires_at", rng.between(1700000000, 1900000000));
    if (rng.one_in(6)) out.null("coupon");
  }

  static void product(uint64_t index, Rng& rng, ItemWriter& out) {
    out.text("type", "product");
    out.text("sku", format("SKU-%06lld", static_cast<long long>(index % 1000000)));
    out.text("title", std::string(rng.pick(kKinds)) + format(" no. %lld 🚲", rng.between(1, 999)));
    out.number("price", money(rng, 900));
    out.number("stock", rng.between(0, 5000));
    std::vector<std::string> tags;
    for (std::string_view tag : kTags)
      if (rng.one_in(3)) tags.emplace_back(tag);
    // There is no empty set: the attribute is absent then.
    if (!tags.empty()) out.text_set("tags", tags);
    std::string image;
    rng.bytes(static_cast<size_t>(rng.between(0, 48)), image);
    out.binary("thumbnail", image);
    if (rng.one_in(3)) out.binary_set("signatures", {image + "a", image + "b"});
    // The same attribute with another type now and then, as it happens in real tables.
    if (rng.one_in(20))
      out.text("weight_grams", "unknown");
    else
      out.number("weight_grams", rng.between(1, 30000));
    out.open_map("attributes");
    out.text("colour", rng.one_in(2) ? "red" : "blue");
    if (rng.one_in(3)) out.null("size");
    out.close();
  }

  uint64_t seed_;
};

}  // namespace

std::unique_ptr<Table> shop_table(uint64_t seed) { return std::make_unique<ShopTable>(seed); }

}  // namespace offramp::generate
