// BatchWriteItem: up to 25 puts and deletes. All are done in one transaction of the store, so none
// is left unprocessed.
#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/write_action.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr size_t kWritesMax = 25;

constexpr Member kPutMembers[] = {{"Item", &kAttributeMap}};
constexpr Shape kPut = structure(kPutMembers, "PutRequest");
constexpr Member kDeleteMembers[] = {{"Key", &kAttributeMap}};
constexpr Shape kDelete = structure(kDeleteMembers, "DeleteRequest");
constexpr Member kRequestMembers[] = {{"PutRequest", &kPut}, {"DeleteRequest", &kDelete}};
constexpr Shape kRequest = structure(kRequestMembers, "WriteRequest");
constexpr Shape kRequests = list_of(kRequest);
constexpr Shape kTables = map_of(kRequests);
constexpr Member kMembers[] = {{"RequestItems", &kTables},
                               {"ReturnConsumedCapacity", &kString},
                               {"ReturnItemCollectionMetrics", &kString}};
constexpr Shape kShape = structure(kMembers, "BatchWriteItemInput");

struct Part {
  std::string_view name;
  TableRef table;
  size_t first = 0, count = 0;
};

class BatchWrite {
 public:
  explicit BatchWrite(Context& context)
      : context_(context),
        root_(context.request.root()),
        detail_(capacity_detail(root_["ReturnConsumedCapacity"])) {}

  Status run() {
    TRY(check_constraints());
    TRY(read_parts());
    TRY(bind_parts());
    if (detail_ == CapacityDetail::kNone) {
      TRY(context_.session->write_blind(refs_, decisions_));
    } else {
      TRY(context_.session->write(
          refs_, [this](std::span<const ddb::ItemView> old, auto decisions) -> Status {
            count(old);
            for (size_t i = 0; i < decisions.size(); ++i) decisions[i] = decisions_[i];
            return {};
          }));
    }
    answer();
    return {};
  }

 private:
  Status check_constraints() {
    Json items = root_["RequestItems"];
    if (!items) return validation("The requestItems parameter is required for BatchWriteItem");
    Constraints constraints;
    constraints.return_consumed_capacity(root_);
    constraints.one_of(root_["ReturnItemCollectionMetrics"], "returnItemCollectionMetrics",
                       {"SIZE", "NONE"});
    constraints.length(items, "requestItems", 1, kWritesMax);
    bool sizes_good = true;
    TRY(for_each_member(items, [&](std::string_view name, Json requests) -> Status {
      constraints.request_table(name);
      sizes_good = sizes_good && requests.size() >= 1 && requests.size() <= kWritesMax;
      size_t number = 0;
      return for_each_element(requests, [&](Json request) -> Status {
        std::string path = "requestItems." + std::string(name) + ".member." +
                           std::to_string(++number) + ".member.";
        if (Json put = request["PutRequest"])
          constraints.not_null(put["Item"], path + "putRequest.item");
        if (Json gone = request["DeleteRequest"])
          constraints.not_null(gone["Key"], path + "deleteRequest.key");
        return {};
      });
    }));
    if (!sizes_good)
      constraints.fail("'" + printed(items) + "'", "requestItems",
                       "Map value must satisfy constraint: [Member must have length less than or "
                       "equal to 25, Member "
                       "must have length greater than or equal to 1]");
    return constraints.done();
  }

  Status read_parts() {
    TRY(for_each_member(root_["RequestItems"], [&](std::string_view name, Json requests) -> Status {
      Part part{name, {}, keys_.size()};
      TRY(for_each_element(requests, [&](Json request) { return read_request(request); }));
      part.count = keys_.size() - part.first;
      parts_.push_back(std::move(part));
      return {};
    }));
    if (keys_.size() > kWritesMax)
      return validation("Too many items requested for the BatchWriteItem call");
    return {};
  }

  Status read_request(Json request) {
    Json put = request["PutRequest"], gone = request["DeleteRequest"];
    if (put && gone)
      return validation(
          "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
          "the supported datatypes");
    if (!put && !gone)
      return validation(
          "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    ddb::ItemView item = TRY(context_.request.item(put ? put["Item"] : gone["Key"]));
    if (put && ddb::item_size(item) > ddb::kItemBytesMax)
      return validation("Item size has exceeded the maximum allowed size");
    keys_.push_back(item);
    decisions_.push_back({put ? target::Decision::Kind::kPut : target::Decision::Kind::kDelete,
                          put ? item : ddb::ItemView()});
    return {};
  }

  Status bind_parts() {
    for (Part& part : parts_) part.table = TRY(context_.table(part.name));
    for (Part& part : parts_)
      for (size_t i = part.first; i < part.first + part.count; ++i) {
        bool put = decisions_[i].kind == target::Decision::Kind::kPut;
        TRY(put ? check_item_keys(*part.table, keys_[i]) : check_key(*part.table, keys_[i]));
        refs_.push_back({&part.table->served, keys_[i]});
        tables_.push_back(part.table.get());
      }
    if (names_item_twice(tables_, refs_))
      return validation("Provided list of item keys contains duplicates");
    return {};
  }

  void count(std::span<const ddb::ItemView> old) {
    consumed_.clear();
    for (const Part& part : parts_) {
      context_.capacity.reset(*part.table, ConsumedCapacity::Kind::kWrite);
      for (size_t i = part.first; i < part.first + part.count; ++i)
        context_.capacity.add_write(old[i], decisions_[i].item);
      if (!consumed_.empty()) consumed_.push_back(',');
      context_.capacity.append_json(detail_, consumed_);
    }
  }

  void answer() {
    JsonWriter write(context_.out);
    write.open('{');
    write.name("UnprocessedItems");
    write.open('{');
    write.close('}');
    bool sizes = root_["ReturnItemCollectionMetrics"].text() == "SIZE";
    if (sizes) {
      write.name("ItemCollectionMetrics");
      write.open('{');
      for (const Part& part : parts_) {
        if (!part.table->has_local_index()) continue;
        write.name(part.name);
        write.open('[');
        for (size_t i = part.first; i < part.first + part.count; ++i) {
          write.element();
          append_item_collection(*part.table, keys_[i], write.out());
        }
        write.close(']');
      }
      write.close('}');
    }
    if (detail_ != CapacityDetail::kNone) {
      write.name("ConsumedCapacity");
      write.out().append("[").append(consumed_).append("]");
    }
    write.close('}');
  }

  Context& context_;
  const Json root_;
  const CapacityDetail detail_;
  std::vector<Part> parts_;
  std::vector<ddb::ItemView> keys_;  // items of puts, keys of deletes
  std::vector<target::Decision> decisions_;
  std::vector<target::ItemRef> refs_;
  std::vector<const Table*> tables_;
  std::string consumed_;
};

}  // namespace

void register_batch_write(Dispatch& dispatch) {
  dispatch["BatchWriteItem"] = {&kShape,
                                [](Context& context) { return BatchWrite(context).run(); }};
}

}  // namespace offramp::engine
