#include "source/scan/scan_source.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "ddb/client/client.h"
#include "source/scan/scan_reader.h"
#include "source/scan/table_description.h"

namespace offramp::source::scan {
namespace {

constexpr size_t kTokenMax = 64 * 1024;

class ScanSource : public ItemSource {
 public:
  ScanSource(ScanOptions options, std::unique_ptr<ddb::client::Client> client)
      : options_(std::move(options)), client_(std::move(client)) {}

  Result<model::TableSpec> describe() override { return TRY(description()).spec; }

  Result<std::vector<Partition>> partitions() override {
    TRY(description());
    std::vector<Partition> out;
    // Sizes of segments are not known: DynamoDB cuts by hash range, and its counts are hours old.
    for (int segment = 0; segment < options_.segments; ++segment)
      out.push_back({partition_id(segment), {}, {}});
    return out;
  }

  Result<std::unique_ptr<ItemReader>> open(const Partition& partition,
                                           const model::Position& resume) override {
    int segment = -1;
    for (int i = 0; i < options_.segments && segment < 0; ++i)
      if (partition_id(i) == partition.id) segment = i;
    if (segment < 0)
      return Error(ErrorKind::kConflict, "scan.segments",
                   fmt::format("\"{}\" is not one of this scan's {} segments; keep `segments` of "
                               "the plan as it was when "
                               "the load began",
                               partition.id, options_.segments));
    if (!resume.token.empty() &&
        (resume.token.size() > kTokenMax || !nlohmann::json::accept(resume.token) ||
         resume.token.front() != '{'))
      return Error(
          ErrorKind::kCorrupt, "scan.position",
          fmt::format("the stored position of {} is no key; begin the load again", partition.id));
    TableDescription table = TRY(description());
    SegmentRequest request{options_.table, *table.spec.key, segment, options_.segments,
                           options_.stop};
    return std::unique_ptr<ItemReader>(
        new ScanReader(*client_, *options_.budget, std::move(request), resume));
  }

  Result<std::string> fingerprint() override {
    TableDescription table = TRY(description());
    return fmt::format("scan of {} ({}) in {} segments",
                       table.arn.empty() ? options_.table : table.arn, table.id, options_.segments);
  }

  std::vector<std::string> remarks() override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    if (description_) out = description_->remarks;
    if (description_ && description_->spec.ttl_attribute)
      out.push_back(
          fmt::format("Items whose TTL ({}) has passed but which DynamoDB has not deleted yet are "
                      "read like all "
                      "others.",
                      *description_->spec.ttl_attribute));
    return out;
  }

 private:
  std::string partition_id(int segment) const {
    return fmt::format("segment {}/{}", segment, options_.segments);
  }

  Result<TableDescription> description() {
    std::lock_guard lock(mutex_);
    if (!description_) description_ = TRY(describe_table(*client_, options_.table));
    return *description_;
  }

  const ScanOptions options_;
  const std::unique_ptr<ddb::client::Client> client_;
  std::mutex mutex_;
  std::optional<TableDescription> description_;  // guarded by mutex_; asked for once
};

}  // namespace

Status check_table_name(const std::string& table) {
  bool arn = table.starts_with("arn:");
  bool good = table.size() >= 3 && table.size() <= (arn ? 1024 : 255);
  for (unsigned char c : table)
    good = good &&
           (std::isalnum(c) || c == '_' || c == '.' || c == '-' || (arn && (c == ':' || c == '/')));
  if (good) return {};
  return Error(
      ErrorKind::kConfig, "scan.table_name",
      fmt::format("\"{}\" is no table name: 3 to 255 of a-z A-Z 0-9 _ . - (or a table's ARN)",
                  table));
}

Result<std::shared_ptr<ReadBudget>> open_read_budget(const ScanOptions& options) {
  if (!std::isfinite(options.read_units_per_second) || options.read_units_per_second < 0)
    return Error(ErrorKind::kConfig, "scan.read_units",
                 "read_units_per_second must be 0 (no limit) or more");
  std::optional<DailyWindow> window;
  if (!options.window.empty()) window = TRY(DailyWindow::parse(options.window));
  return std::make_shared<ReadBudget>(options.read_units_per_second, options.items_per_hour,
                                      std::move(window), *options.clock);
}

Result<std::unique_ptr<ddb::client::Client>> open_client(const ScanOptions& options) {
  return ddb::client::Client::open({.region = options.region,
                                    .endpoint = options.endpoint,
                                    .credentials = options.credentials,
                                    .retry = options.retry,
                                    .clock = options.clock,
                                    .stop = options.stop,
                                    .counts = options.counts});
}

Result<std::unique_ptr<ItemSource>> open_scan(ScanOptions options) {
  TRY(check_table_name(options.table));
  if (options.segments == 0) options.segments = kSegmentsDefault;
  if (options.segments < 1 || options.segments > kSegmentsMax)
    return Error(ErrorKind::kConfig, "scan.segments",
                 fmt::format("segments must be 1 to {}, not {}", kSegmentsMax, options.segments));
  if (!options.budget) options.budget = TRY(open_read_budget(options));
  auto client = TRY(open_client(options));
  return std::unique_ptr<ItemSource>(new ScanSource(std::move(options), std::move(client)));
}

}  // namespace offramp::source::scan
