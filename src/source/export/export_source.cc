#include "source/export/export_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "source/export/chain.h"
#include "source/export/data_file_reader.h"
#include "source/export/export_store.h"
#include "source/export/overlay.h"
#include "source/export/overlay_build.h"
#include "source/key_inference.h"

namespace offramp::source::exports {
namespace {

constexpr std::string_view kChanges = "changes";

class ExportSource : public ItemSource {
 public:
  static Result<std::unique_ptr<ItemSource>> open(ExportOptions options);

  Result<model::TableSpec> describe() override;
  Result<std::vector<Partition>> partitions() override;
  Result<std::unique_ptr<ItemReader>> open(const Partition& partition,
                                           const model::Position& resume) override;
  Result<std::string> fingerprint() override { return fingerprint_text(); }
  Result<std::optional<int64_t>> as_of_s() override {
    auto time = windows_.empty() ? full_.export_time : windows_.back().manifest.to_time;
    return std::optional<int64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
  }
  std::vector<std::string> remarks() override;

 private:
  // Builds or opens the overlay once; nullptr when there is no chain.
  Result<const Overlay*> overlay();
  std::string fingerprint_text() const;
  Status check_key(const KeyNames& names) const;

  ExportOptions options_;
  std::unique_ptr<ExportStore> store_;
  Manifest full_;
  std::vector<Window> windows_;  // oldest first
  std::vector<std::string> remarks_;

  std::mutex mutex_;
  std::unique_ptr<Overlay> overlay_;  // guarded by mutex_ until it is set, constant afterwards
};

Result<std::unique_ptr<ItemSource>> ExportSource::open(ExportOptions options) {
  auto source = std::make_unique<ExportSource>();
  S3Place s3{options.region, options.s3_endpoint, options.stop};
  source->store_ = TRY(ExportStore::open(options.location, options.stage_dir, s3));
  source->full_ = TRY(source->store_->manifest());
  std::vector<Manifest> manifests;
  std::vector<std::shared_ptr<ExportStore>> stores;
  for (const std::string& location : options.then) {
    stores.push_back(TRY(ExportStore::open(location, options.stage_dir, s3)));
    manifests.push_back(TRY(stores.back()->manifest()));
  }
  Chain chain = TRY(check_chain(source->full_, manifests));
  source->remarks_ = std::move(chain.remarks);
  auto keep = [&](const std::vector<std::string>& remarks) {
    source->remarks_.insert(source->remarks_.end(), remarks.begin(), remarks.end());
  };
  keep(source->full_.remarks);
  for (size_t index : chain.order) {
    keep(manifests[index].remarks);
    source->windows_.push_back({stores[index], std::move(manifests[index])});
  }
  bool in_bucket = options.location.starts_with("s3://") ||
                   std::any_of(options.then.begin(), options.then.end(),
                               [](const std::string& place) { return place.starts_with("s3://"); });
  if (options.stage_dir.empty() && (in_bucket || !source->windows_.empty())) {
    return Error(
        ErrorKind::kConfig, "export.no_stage_dir",
        "a folder for staged files is needed for exports in a bucket and for chains; name one");
  }
  source->options_ = std::move(options);
  return std::unique_ptr<ItemSource>(std::move(source));
}

std::string ExportSource::fingerprint_text() const {
  std::string text = fmt::format("export {} {} {}", full_.export_arn, full_.table_id, full_.items);
  for (const Window& window : windows_) text += fmt::format(" then {}", window.manifest.export_arn);
  return text;
}

Status ExportSource::check_key(const KeyNames& names) const {
  if (!options_.key || names.empty()) return {};
  std::vector<model::KeyAttribute> given{options_.key->partition};
  if (options_.key->sort) given.push_back(*options_.key->sort);
  std::sort(given.begin(), given.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  if (given == names) return {};
  std::string real;
  for (const auto& name : names)
    real += fmt::format(" {}({})", name.name, ddb::type_tag(name.type));
  return Error(ErrorKind::kConfig, "export.key_differs",
               fmt::format("the key that was given is not the table's: the incremental exports "
                           "name{}; correct the key",
                           real));
}

Result<const Overlay*> ExportSource::overlay() {
  if (windows_.empty()) return nullptr;
  std::lock_guard lock(mutex_);
  if (!overlay_) {
    std::unique_ptr<Overlay> built = TRY(open_or_build_overlay(
        options_.stage_dir + "/overlay.sqlite", fingerprint_text(), windows_));
    TRY(check_key(built->key_names()));
    overlay_ = std::move(built);
  }
  return overlay_.get();
}

Result<model::TableSpec> ExportSource::describe() {
  model::TableSpec table;
  table.name = full_.table_name();
  table.key = options_.key;
  const Overlay* overlay = TRY(this->overlay());
  if (!overlay) {
    table.item_count = full_.items;
    return table;
  }
  if (!table.key) table.key = key_from_names(overlay->key_names());
  return table;
}

Result<std::vector<Partition>> ExportSource::partitions() {
  std::vector<Partition> partitions;
  for (const DataFile& file : full_.files)
    partitions.push_back({file.key, file.items, store_->size_of(file)});
  if (const Overlay* overlay = TRY(this->overlay()))
    partitions.push_back({std::string(kChanges), overlay->images(), std::nullopt});
  return partitions;
}

Result<std::unique_ptr<ItemReader>> ExportSource::open(const Partition& partition,
                                                       const model::Position& resume) {
  const Overlay* overlay = TRY(this->overlay());
  if (overlay && partition.id == kChanges) return OverlayImages::open(*overlay, resume);
  auto file = std::find_if(full_.files.begin(), full_.files.end(),
                           [&](const DataFile& file) { return file.key == partition.id; });
  if (file == full_.files.end()) {
    return Error(ErrorKind::kConfig, "export.no_partition",
                 fmt::format("{} is not a data file of {}; is it another export?", partition.id,
                             full_.export_arn));
  }
  return DataFileReader::open(TRY(store_->fetch(full_, *file)), *file, full_.format, overlay,
                              resume);
}

std::vector<std::string> ExportSource::remarks() {
  std::vector<std::string> remarks = remarks_;
  remarks.push_back(fmt::format(
      "The export shows the table at {}, exact to a minute; items that had expired but were not "
      "deleted yet are in it.",
      format_time(windows_.empty() ? full_.export_time : windows_.back().manifest.to_time)));
  return remarks;
}

}  // namespace

Result<std::unique_ptr<ItemSource>> open_export(ExportOptions options) {
  return ExportSource::open(std::move(options));
}

}  // namespace offramp::source::exports
