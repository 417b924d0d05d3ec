// `offramp dump`: the items of one side as DynamoDB JSON, one a line; what `dump:` reads back.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/command.h"
#include "cli/signals.h"
#include "ddb/wire_json.h"
#include "io/file.h"
#include "migrate/migration.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan, side = "target", output;
};

constexpr size_t kWriteBytes = 1 << 20;

// Lines into a file, or to standard output when there is none.
class LineWriter {
 public:
  explicit LineWriter(io::OutputFile* file) : file_(file) {}
  Status item(ddb::ItemView item) {
    text_ += "{\"Item\":";
    ddb::append_item_json(item, text_);
    text_ += "}\n";
    ++items_;
    return text_.size() >= kWriteBytes ? flush() : Status();
  }
  Status flush() {
    if (file_) {
      TRY(file_->write(text_));
    } else if (std::fwrite(text_.data(), 1, text_.size(), stdout) != text_.size() ||
               std::fflush(stdout) != 0) {
      return Error(
          ErrorKind::kUnavailable, "dump.write",
          std::string("cannot write the dump to standard output: ") + std::strerror(errno));
    }
    text_.clear();
    return {};
  }
  uint64_t items() const { return items_; }

 private:
  io::OutputFile* const file_;
  std::string text_;
  uint64_t items_ = 0;
};

Status check_stop(const std::stop_token& stop) {
  if (!stop.stop_requested()) return {};
  return Error(ErrorKind::kCancelled, "dump.stopped",
               "stopped by a signal; the dump is not whole, run the same command again");
}

Status dump_source(migrate::Migration& migration, LineWriter& writer, const std::stop_token& stop,
                   uint64_t& unreadable) {
  migration.source = TRY(migrate::open_source(migration.plan, migration.folder, stop));
  ddb::ItemBatch batch;
  for (const source::Partition& partition : TRY(migration.source->partitions())) {
    auto reader = TRY(migration.source->open(partition, {}));
    model::Position after;
    bool more = true;
    while (more) {
      TRY(check_stop(stop));
      more = TRY(reader->next(batch, after));
      unreadable += batch.bad.size();
      for (size_t i = 0; i < batch.size(); ++i) TRY(writer.item(batch.item(i)));
    }
  }
  return {};
}

Status dump_target(migrate::Migration& migration, LineWriter& writer, const std::stop_token& stop) {
  ddb::ItemBatch batch;
  for (const target::ReadPartition& piece : TRY(migration.target->read_partitions(1))) {
    auto reader = TRY(migration.target->read(piece));
    while (TRY(reader->next(batch))) {
      TRY(check_stop(stop));
      for (size_t i = 0; i < batch.size(); ++i) TRY(writer.item(batch.item(i)));
    }
  }
  return {};
}

Result<int> dump_command(const Options& options) {
  StopOnSignal signals;
  auto migration = TRY(migrate::open_migration(
      options.plan, options.side == "source" ? migrate::Purpose::kWork : migrate::Purpose::kLook));
  std::unique_ptr<io::OutputFile> file;
  if (!options.output.empty()) file = TRY(io::OutputFile::open(options.output, 0600));
  LineWriter writer(file.get());
  uint64_t unreadable = 0;
  if (options.side == "source")
    TRY(dump_source(*migration, writer, signals.token(), unreadable));
  else
    TRY(dump_target(*migration, writer, signals.token()));
  TRY(writer.flush());
  if (file) TRY(file->commit());
  fmt::print(stderr, "{} items of the {}\n", with_commas(writer.items()), options.side);
  if (unreadable)
    fmt::print(stderr, "{} records of the source are not items; see `offramp letters {} list`\n",
               with_commas(unreadable), options.plan);
  return unreadable ? 1 : 0;
}

}  // namespace

void add_dump(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("dump", "Write the items of one side as DynamoDB JSON, one a line");
  command->footer(
      "The lines are what `dump:FILE` reads back; their order has no meaning.\n"
      "Example:\n  offramp dump plan.yaml --side target | gzip > archive.jsonl.gz");
  command->add_option("plan", options->plan, kPlanHelp)->required();
  command->add_option("--side", options->side, "which side")
      ->check(CLI::IsMember({"source", "target"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->output,
                      "a file (mode 0600) instead of standard output");
  command->callback([options, &action] { action = [options] { return dump_command(*options); }; });
}

}  // namespace offramp::cli
