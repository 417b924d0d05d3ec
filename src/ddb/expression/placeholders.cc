// Looking placeholders up, and the service's complaint about those that nothing used.
#include "ddb/expression/placeholders.h"

#include <algorithm>
#include <functional>

#include "ddb/expression/lexer.h"

namespace offramp::ddb::expression {
namespace {

constexpr size_t kSearchedMax = 16;  // entries; above this the hash table is used
// Shown in one error; the service's answer has no bound, ours has.
constexpr size_t kShownBytesMax = 64 * 1024;

size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

// java.lang.String's hash as java.util.HashMap spreads it: the service lists unused keys in the
// order of such a table (placeholders are ASCII).
uint32_t java_hash(std::string_view text) {
  uint32_t hash = 0;
  for (char c : text) hash = hash * 31 + static_cast<unsigned char>(c);
  return hash ^ (hash >> 16);
}

}  // namespace

void Placeholders::add_name(std::string_view placeholder, std::string_view name) {
  names_.add({placeholder, name, {}, false});
}

void Placeholders::add_value(std::string_view placeholder, ValueView value) {
  values_.add({placeholder, {}, value, false});
}

void Placeholders::clear() {
  for (Table* table : {&names_, &values_}) {
    table->entries.clear();
    table->slots.clear();
  }
}

const std::string_view* Placeholders::name(std::string_view placeholder) {
  Entry* entry = names_.find(placeholder);
  if (entry == nullptr) return nullptr;
  entry->used = true;
  return &entry->name;
}

ValueView Placeholders::value(std::string_view placeholder) {
  Entry* entry = values_.find(placeholder);
  if (entry == nullptr) return {};
  entry->used = true;
  return entry->value;
}

void Placeholders::Table::add(const Entry& entry) {
  entries.push_back(entry);
  if (entries.size() <= kSearchedMax) return;
  if (entries.size() * 2 > slots.size()) return rebuild(entries.size() * 4);
  size_t slot = hash_of(entry.placeholder) & (slots.size() - 1);
  while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
  slots[slot] = static_cast<uint32_t>(entries.size());
}

void Placeholders::Table::rebuild(size_t slot_count) {
  size_t size = 64;
  while (size < slot_count) size *= 2;
  slots.assign(size, 0);
  for (size_t i = 0; i < entries.size(); ++i) {
    size_t slot = hash_of(entries[i].placeholder) & (size - 1);
    while (slots[slot] != 0) slot = (slot + 1) & (size - 1);
    slots[slot] = static_cast<uint32_t>(i + 1);
  }
}

Placeholders::Entry* Placeholders::Table::find(std::string_view placeholder) {
  if (slots.empty()) {
    for (Entry& entry : entries)
      if (entry.placeholder == placeholder) return &entry;
    return nullptr;
  }
  size_t slot = hash_of(placeholder) & (slots.size() - 1);
  for (; slots[slot] != 0; slot = (slot + 1) & (slots.size() - 1))
    if (entries[slots[slot] - 1].placeholder == placeholder) return &entries[slots[slot] - 1];
  return nullptr;
}

Status Placeholders::Table::check_used(std::string_view member) const {
  if (std::all_of(entries.begin(), entries.end(), [](const Entry& e) { return e.used; })) return {};
  size_t capacity = 16;
  while (entries.size() >= capacity * 3 / 4) capacity *= 2;
  std::vector<const Entry*> unused;
  for (const Entry& entry : entries)
    if (!entry.used) unused.push_back(&entry);
  std::stable_sort(unused.begin(), unused.end(), [&](const Entry* a, const Entry* b) {
    return (java_hash(a->placeholder) & (capacity - 1)) <
           (java_hash(b->placeholder) & (capacity - 1));
  });
  std::string message =
      "Value provided in " + std::string(member) + " unused in expressions: keys: {";
  for (size_t i = 0; i < unused.size() && message.size() < kShownBytesMax; ++i)
    message.append(i == 0 ? "" : ", ").append(unused[i]->placeholder);
  return invalid_request(message + "}");
}

Status Placeholders::check_all_used() const {
  TRY(names_.check_used("ExpressionAttributeNames"));
  return values_.check_used("ExpressionAttributeValues");
}

}  // namespace offramp::ddb::expression
