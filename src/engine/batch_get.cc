// BatchGetItem: up to 100 keys, up to 16 MB of items; what does not fit comes back as
// UnprocessedKeys.
#include <algorithm>

#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/read_plan.h"
#include "engine/register.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr size_t kKeysMax = 100;
constexpr size_t kAnswerBytesMax = 16 << 20;
// Read at once, so that memory is bounded by what an answer may hold.
constexpr size_t kKeysAtOnce = 40;

constexpr Member kTableMembers[] = {{"Keys", &kAttributeMaps},
                                    {"AttributesToGet", &kStrings},
                                    {"ConsistentRead", &kBoolean},
                                    {"ProjectionExpression", &kString},
                                    {"ExpressionAttributeNames", &kStringMap}};
constexpr Shape kTable = structure(kTableMembers, "KeysAndAttributes");
constexpr Shape kTables = map_of(kTable);
constexpr Member kMembers[] = {{"RequestItems", &kTables}, {"ReturnConsumedCapacity", &kString}};
constexpr Shape kShape = structure(kMembers, "BatchGetItemInput");

// What is asked of one table.
struct Part {
  std::string_view name;  // as the request names it
  Json body;
  ReadPlan plan;
  TableRef table;
  size_t first = 0, count = 0;  // of the keys
};

class BatchGet {
 public:
  explicit BatchGet(Context& context) : context_(context), root_(context.request.root()) {}

  Status run() {
    TRY(check_constraints());
    TRY(read_parts());
    TRY(bind_parts());
    return answer();
  }

 private:
  Status check_constraints() {
    Json items = root_["RequestItems"];
    Constraints constraints;
    if (!items) return validation("The requestItems parameter is required for BatchGetItem");
    constraints.return_consumed_capacity(root_);
    constraints.length(items, "requestItems", 1, kKeysMax);
    TRY(for_each_member(items, [&](std::string_view name, Json part) -> Status {
      constraints.request_table(name);
      std::string path = "requestItems." + std::string(name) + ".member.";
      if (!part)
        return validation("The list of keys in RequestItems for BatchGetItem is required: " +
                          std::string(name) + " has empty list");
      if (!constraints.not_null(part["Keys"], path + "keys")) return {};
      if (part["Keys"].size() > kKeysMax)
        constraints.fail("", "RequestItems." + std::string(name) + ".member.Keys",
                         "Member must have length less than or equal to 100");
      else
        constraints.length(part["Keys"], path + "keys", 1, kKeysMax);
      constraints.length(part["AttributesToGet"], path + "attributesToGet", 1, SIZE_MAX);
      return {};
    }));
    return constraints.done();
  }

  Status read_parts() {
    TRY(for_each_member(root_["RequestItems"], [&](std::string_view name, Json body) -> Status {
      Part part{name, body};
      TRY(part.plan.read(context_, body, ReadPlan::Legacy::kAllowed));
      part.first = keys_.size();
      TRY(for_each_element(body["Keys"], [&](Json key) -> Status {
        keys_.push_back(TRY(context_.request.item(key)));
        return {};
      }));
      part.count = keys_.size() - part.first;
      TRY(part.plan.read_projection(context_, body, ReadPlan::Legacy::kAllowed));
      parts_.push_back(std::move(part));
      return {};
    }));
    if (keys_.size() > kKeysMax)
      return validation("Too many items requested for the BatchGetItem call");
    return {};
  }

  Status bind_parts() {
    for (Part& part : parts_) part.table = TRY(context_.table(part.name));
    for (Part& part : parts_) {
      TRY(part.plan.bind(*part.table));
      for (size_t i = part.first; i < part.first + part.count; ++i) {
        TRY(check_key(*part.table, keys_[i]));
        refs_.push_back({&part.table->served, keys_[i]});
        tables_.push_back(part.table.get());
      }
    }
    if (names_item_twice(tables_, refs_))
      return validation("Provided list of item keys contains duplicates");
    return {};
  }

  Status answer() {
    JsonWriter write(context_.out);
    write.open('{');
    write.name("Responses");
    write.open('{');
    for (Part& part : parts_) {
      write.name(part.name);
      write.open('[');
      TRY(read_part(part, write));
      write.close(']');
    }
    write.close('}');
    write_unprocessed(write);
    if (capacity_detail(root_["ReturnConsumedCapacity"]) != CapacityDetail::kNone) {
      write.name("ConsumedCapacity");
      write.out().append("[").append(consumed_).append("]");
    }
    write.close('}');
    return {};
  }

  Status read_part(Part& part, JsonWriter& write) {
    context_.capacity.reset(*part.table, ConsumedCapacity::Kind::kRead);
    size_t end = part.first + part.count;
    for (size_t at = part.first; at < end && !full(); at += kKeysAtOnce) {
      std::span<const target::ItemRef> refs(&refs_[at], std::min(kKeysAtOnce, end - at));
      TRY(context_.session->get(refs, context_.read, context_.found));
      for (size_t i = 0; i < refs.size(); ++i) {
        ddb::ItemView item = context_.found[i];
        size_t bytes = item ? ddb::item_size(item) : 0;
        // The first item that does not fit and all behind it.
        if (full() || (bytes_ > 0 && bytes_ + bytes > kAnswerBytesMax)) {
          done_ = at + i;
          full_ = true;
          break;
        }
        context_.capacity.add_read(bytes, part.plan.consistent());
        bytes_ += bytes;
        if (!item) continue;
        write.element();
        part.plan.append(context_, item);
      }
    }
    if (!full()) done_ = end;
    CapacityDetail detail = capacity_detail(root_["ReturnConsumedCapacity"]);
    if (detail != CapacityDetail::kNone && done_ > part.first) {
      if (!consumed_.empty()) consumed_.push_back(',');
      context_.capacity.append_json(detail, consumed_);
    }
    return {};
  }

  bool full() const { return full_; }

  void write_unprocessed(JsonWriter& write) {
    write.name("UnprocessedKeys");
    write.open('{');
    for (const Part& part : parts_) {
      size_t end = part.first + part.count;
      if (done_ >= end) continue;
      write.name(part.name);
      write.open('{');
      write.name("Keys");
      write.open('[');
      for (size_t i = std::max(done_, part.first); i < end; ++i) {
        write.element();
        ddb::append_item_json(keys_[i], write.out());
      }
      write.close(']');
      for (std::string_view member : {"AttributesToGet", "ConsistentRead", "ProjectionExpression",
                                      "ExpressionAttributeNames"})
        if (Json json = part.body[member]) {
          write.name(member);
          write.out().append(simdjson::minify(json.element()));
        }
      write.close('}');
    }
    write.close('}');
  }

  Context& context_;
  const Json root_;
  std::vector<Part> parts_;
  std::vector<ddb::ItemView> keys_;
  std::vector<target::ItemRef> refs_;
  std::vector<const Table*> tables_;
  size_t done_ = 0;   // keys that were processed
  size_t bytes_ = 0;  // of their items
  bool full_ = false;
  std::string consumed_;
};

}  // namespace

void register_batch_get(Dispatch& dispatch) {
  dispatch["BatchGetItem"] = {&kShape, [](Context& context) { return BatchGet(context).run(); }};
}

}  // namespace offramp::engine
