// Engine and Worker: parse, look the operation up, run it, write the answer or the error.
#include "engine/engine.h"

#include "engine/error.h"
#include "engine/expiry.h"
#include "engine/index_builds.h"
#include "engine/operation.h"
#include "engine/table_changes.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

// What is kept of an answer's memory between requests.
constexpr size_t kAnswerBytesKept = 4 << 20;
// And of items' nodes: 400 KB of tiny values are 200,000 of them, and there may be 100 such items.
constexpr size_t kNodesKept = 1 << 18;

void trim(ddb::ItemBatch& batch) {
  if (batch.nodes().capacity() > kNodesKept) batch = ddb::ItemBatch();
}

}  // namespace

Error Context::table_missing() { return table_not_found(); }

struct Engine::Impl {
  Impl(target::Store& store, EngineOptions given)
      : store(store),
        options(std::move(given)),
        catalog(store, *options.clock),
        streams(store, catalog, options) {}
  target::Store& store;
  const EngineOptions options;
  Catalog catalog;
  Streams streams;

  // attach() ends the log of tables that were dropped and made anew; then the table has no stream.
  Status end_lost_stream(const std::string& name) {
    TableRef served = TRY(catalog.find(name));
    if (!served || !served->stream.on) return {};
    StreamRef stream = TRY(streams.find(served->stream_path()));
    if (stream && stream->on) return {};
    TRY(change_table(
        store, catalog, [&] { return catalog.find(name); },
        [](Table& table) -> Status {
          table.stream.on = false;
          table.stream.view.clear();
          return {};
        }));
    if (options.log)
      options.log(Error(ErrorKind::kGap, "engine.stream_lost",
                        "table " + name +
                            ": its tables were made anew in the database, which has ended its "
                            "stream; switch it on again"));
    return {};
  }
};

struct Worker::Impl {
  Impl(const EngineOptions& options, target::Store& store, Catalog& catalog, Streams& streams)
      : context(options, store, catalog, streams) {}
  Context context;

  Status run(std::string_view operation, std::string_view body) {
    // First of all: an error must never carry what belongs to the request before.
    context.out.clear();
    context.error_extra.clear();
    auto found = dispatch().find(operation);
    if (found == dispatch().end())
      return service_error("UnknownOperationException", "The operation " + std::string(operation) +
                                                            " is not served at this endpoint");
    TRY(context.request.parse(body, *found->second.shape));
    Status status = found->second.run(context);
    // Another process dropped the table (and may have made it again): look once more.
    if (status.ok() || status.error().code() != "store.no_table") return status;
    TRY(context.catalog.refresh());
    context.out.clear();
    context.error_extra.clear();
    return found->second.run(context);
  }
};

Result<std::unique_ptr<Engine>> Engine::open(target::Store& store, EngineOptions options) {
  std::unique_ptr<Engine> engine(new Engine(std::make_unique<Impl>(store, std::move(options))));
  TRY(engine->impl_->catalog.refresh());
  return engine;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Status Engine::serve_plan_table(target::ServedTable served,
                                const std::vector<model::SecondaryIndex>& indexes) {
  Table table;
  table.served = std::move(served);
  table.served.made_here = false;
  table.on_demand = true;
  table.created_ms = io::wall_ms(*impl_->options.clock);
  table.on_demand_since_ms = table.created_ms;
  for (const target::ServedIndex& index : table.served.indexes) {
    IndexInfo info;
    for (const model::SecondaryIndex& known : indexes)
      if (known.name == index.name) {
        info.projection = known.projection;
        info.included = known.included;
      }
    table.indexes.push_back(std::move(info));
  }
  auto add = [&](const model::KeyAttribute& attribute) {
    for (const model::KeyAttribute& known : table.attributes)
      if (known.name == attribute.name) return;
    table.attributes.push_back(attribute);
  };
  add(table.partition());
  if (table.sort()) add(*table.sort());
  for (const target::ServedIndex& index : table.served.indexes)
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) add(attribute);
  const std::string name = table.served.name;
  TRY(impl_->store.attach(table.served));
  TRY(impl_->catalog.add_plan_table(std::make_shared<const Table>(std::move(table))));
  return impl_->end_lost_stream(name);
}

Result<std::unique_ptr<Worker>> Engine::worker() {
  auto session = TRY(impl_->store.session());
  auto impl =
      std::make_unique<Worker::Impl>(impl_->options, impl_->store, impl_->catalog, impl_->streams);
  impl->context.session = std::move(session);
  return std::unique_ptr<Worker>(new Worker(std::move(impl)));
}

Status Engine::maintain_streams() { return impl_->streams.maintain(); }

std::unique_ptr<Expiry> Engine::expiry() {
  return std::make_unique<Expiry>(impl_->options, impl_->store, impl_->catalog);
}

std::unique_ptr<IndexBuilds> Engine::index_builds() {
  return std::make_unique<IndexBuilds>(impl_->options, impl_->store, impl_->catalog);
}

Worker::Worker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Worker::~Worker() = default;

void Worker::execute(std::string_view operation, std::string_view body, Reply& reply) {
  Context& context = impl_->context;
  Status status = impl_->run(operation, body);
  for (ddb::ItemBatch* batch :
       {&context.read, &context.made, &context.shown, &context.page.items, &context.changes.items})
    trim(*batch);
  if (status.ok()) {
    reply.status = 200;
    reply.error_type.clear();
    // The answer's memory goes back and forth, so that neither side allocates.
    std::swap(reply.body, context.out);
    if (context.out.capacity() > kAnswerBytesKept) std::string().swap(context.out);
    return;
  }
  if (!is_service_error(status.error()) && context.options.log) context.options.log(status.error());
  write_error(status.error(), context.error_extra, reply);
  if (context.out.capacity() > kAnswerBytesKept) std::string().swap(context.out);
}

}  // namespace offramp::engine
