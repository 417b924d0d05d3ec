// Operation: one operation of the API as a function over a worker's context; and the table of all
// of them.
//
// A file that adds operations has a register_… function (see dispatch.cc). What is true of run():
// - The request is parsed and has the shape; run() appends the answer's JSON to context.out, or
// returns an error.
// - It may be called twice for one request (the store's tables were changed under it), each time
// with an empty out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/item_batch.h"
#include "engine/capacity.h"
#include "engine/catalog.h"
#include "engine/engine.h"
#include "engine/json_writer.h"
#include "engine/request.h"
#include "engine/streams.h"
#include "engine/tokens.h"

namespace offramp::engine {

// A worker's; one thread at a time. Everything is kept between requests for its memory.
struct Context {
  Context(const EngineOptions& options, target::Store& store, Catalog& catalog, Streams& streams)
      : options(options),
        store(store),
        catalog(catalog),
        streams(streams),
        arns{options.region, options.account} {}

  const EngineOptions& options;
  target::Store& store;
  Catalog& catalog;
  Streams& streams;
  const Arns arns;
  std::unique_ptr<target::StoreSession> session;
  Request request;
  ddb::expression::Placeholders placeholders;
  std::string out;          // the answer's JSON
  std::string error_extra;  // further members of an error's JSON: ",\"Item\":{…}"
  // Items that were read, made, and made for the answer.
  ddb::ItemBatch read, made, shown;
  std::vector<ddb::ItemView> found;
  target::Page page;           // of Query and Scan
  target::ChangePage changes;  // of GetRecords
  ConsumedCapacity capacity;
  TokenSweep token_sweep;

  // ResourceNotFoundException when there is none.
  Result<TableRef> table(std::string_view name_or_arn) {
    TableRef found = TRY(catalog.find(name_or_arn));
    if (!found) return table_missing();
    return found;
  }
  static Error table_missing();
};

struct Operation {
  const Shape* shape = nullptr;
  Status (*run)(Context& context) = nullptr;
};

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};
using Dispatch = std::unordered_map<std::string, Operation, NameHash, std::equal_to<>>;

// All operations of this build; constant.
const Dispatch& dispatch();

}  // namespace offramp::engine
