// `offramp dump`: the items of one side as DynamoDB JSON, one a line; what `dump:` reads back.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/command.h"
#include "ddb/wire_json.h"
#include "migrate/migration.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan, side = "target", output;
};

constexpr size_t kWriteBytes = 1 << 20;

class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}
  Status item(ddb::ItemView item) {
    text_ += "{\"Item\":";
    ddb::append_item_json(item, text_);
    text_ += "}\n";
    ++items_;
    return text_.size() >= kWriteBytes ? flush() : Status();
  }
  Status flush() {
    size_t done = 0;
    while (done < text_.size()) {
      ssize_t size = ::write(fd_, text_.data() + done, text_.size() - done);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return Error(ErrorKind::kUnavailable, "dump.write", std::string("cannot write the dump: ") + std::strerror(errno));
      done += static_cast<size_t>(size);
    }
    text_.clear();
    return {};
  }
  uint64_t items() const { return items_; }

 private:
  const int fd_;
  std::string text_;
  uint64_t items_ = 0;
};

Status dump_source(migrate::Migration& migration, LineWriter& writer, uint64_t& unreadable) {
  migration.source = TRY(migrate::open_source(migration.plan, migration.folder));
  ddb::ItemBatch batch;
  for (const source::Partition& partition : TRY(migration.source->partitions())) {
    auto reader = TRY(migration.source->open(partition, {}));
    model::Position after;
    bool more = true;
    while (more) {
      more = TRY(reader->next(batch, after));
      unreadable += batch.bad.size();
      for (size_t i = 0; i < batch.size(); ++i) TRY(writer.item(batch.item(i)));
    }
  }
  return {};
}

Status dump_target(migrate::Migration& migration, LineWriter& writer) {
  ddb::ItemBatch batch;
  for (const target::ReadPartition& piece : TRY(migration.target->read_partitions(1))) {
    auto reader = TRY(migration.target->read(piece));
    while (TRY(reader->next(batch)))
      for (size_t i = 0; i < batch.size(); ++i) TRY(writer.item(batch.item(i)));
  }
  return {};
}

Result<int> dump_command(const Options& options) {
  auto migration = TRY(migrate::open_migration(
      options.plan, options.side == "source" ? migrate::Purpose::kWork : migrate::Purpose::kLook));
  int fd = 1;
  std::string partial = options.output + ".part";
  if (!options.output.empty()) {
    fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
      return Error(ErrorKind::kConfig, "dump.open", "cannot create " + partial + ": " + std::strerror(errno));
  }
  LineWriter writer(fd);
  uint64_t unreadable = 0;
  if (options.side == "source")
    TRY(dump_source(*migration, writer, unreadable));
  else
    TRY(dump_target(*migration, writer));
  TRY(writer.flush());
  if (fd != 1 && (::fsync(fd) != 0 || ::close(fd) != 0 || ::rename(partial.c_str(), options.output.c_str()) != 0))
    return Error(ErrorKind::kUnavailable, "dump.write", "cannot finish " + options.output + ": " + std::strerror(errno));
  fmt::print(stderr, "{} items of the {}\n", with_commas(writer.items()), options.side);
  if (unreadable)
    fmt::print(stderr, "{} records of the source are not items; see `offramp letters {} list`\n", with_commas(unreadable), options.plan);
  return unreadable ? 1 : 0;
}

}  // namespace

void add_dump(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("dump", "Write the items of one side as DynamoDB JSON, one a line");
  command->footer("The lines are what `dump:FILE` reads back; their order has no meaning.\n"
                  "Example:\n  offramp dump plan.yaml --side target | gzip > archive.jsonl.gz");
  command->add_option("plan", options->plan, "the plan file")->required();
  command->add_option("--side", options->side, "which side")->check(CLI::IsMember({"source", "target"}))->capture_default_str();
  command->add_option("-o,--output", options->output, "a file (mode 0600) instead of standard output");
  command->callback([options, &action] { action = [options] { return dump_command(*options); }; });
}

}  // namespace offramp::cli
