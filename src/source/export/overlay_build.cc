#include "source/export/overlay_build.h"

#include <fmt/format.h>

#include <algorithm>

#include "ddb/wire_json.h"
#include "source/export/record_decoder.h"
#include "source/line_reader.h"

namespace offramp::source::exports {
namespace {

// The attributes of a record's Keys by name, in byte order.
Result<KeyNames> names_of(ddb::ItemView keys) {
  KeyNames names;
  for (ddb::ValueView value : keys) {
    if (value.type() != ddb::Type::kS && value.type() != ddb::Type::kN &&
        value.type() != ddb::Type::kB)
      return Error(ErrorKind::kCorrupt, "export.bad_keys", "a key attribute is not S, N or B");
    names.push_back({std::string(value.name()), value.type()});
  }
  if (names.empty() || names.size() > 2)
    return Error(ErrorKind::kCorrupt, "export.bad_keys",
                 fmt::format("Keys has {} attributes", names.size()));
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return names;
}

class OverlayBuild {
 public:
  explicit OverlayBuild(Overlay::Builder builder) : builder_(std::move(builder)) {}

  Status add_file(const Window& window, size_t window_index, const DataFile& file);
  Status finish() { return builder_.finish(names_); }

 private:
  Status add_line(std::string_view line, size_t window_index, RecordDecoder& decoder);

  Overlay::Builder builder_;
  KeyNames names_;
  ddb::ItemBatch batch_;
  std::string key_, image_;
};

Status OverlayBuild::add_line(std::string_view line, size_t window_index, RecordDecoder& decoder) {
  batch_.nodes().clear();
  batch_.arena.reset();
  ChangeRecord record = TRY(decoder.decode_change(line, batch_));
  ddb::ItemView keys(&batch_.nodes()[record.keys]);
  if (names_.empty()) names_ = TRY(names_of(keys));
  key_.clear();
  if (keys.size() != names_.size() || !append_key_json(keys, names_, key_))
    return Error(ErrorKind::kCorrupt, "export.bad_keys",
                 "its Keys are not of the kind that the first record had");
  Overlay::Change change{key_, window_index, record.write_micros, std::nullopt};
  if (record.image) {
    image_.clear();
    ddb::append_item_json(ddb::ItemView(&batch_.nodes()[*record.image]), image_);
    change.image = image_;
  }
  return builder_.add(change);
}

Status OverlayBuild::add_file(const Window& window, size_t window_index, const DataFile& file) {
  FetchedFile fetched = TRY(window.store->fetch(window.manifest, file));
  LineReader reader(TRY(GzReader::open(fetched.path())));
  RecordDecoder decoder(window.manifest.format);
  std::vector<char> buffer;
  uint64_t records = 0;
  while (true) {
    const std::vector<Line>* lines =
        TRY_CONTEXT(fmt::format("data file {}", file.key), reader.next(buffer));
    if (lines->empty()) break;
    for (const Line& line : *lines) {
      if (line.text.find_first_not_of(" \t") == line.text.npos) continue;
      ++records;
      Status added = line.oversized
                         ? Status(Error(ErrorKind::kCorrupt, "export.record_too_large",
                                        fmt::format("it has more than {} bytes", kLineBytesMax)))
                         : add_line(line.text, window_index, decoder);
      if (added.ok()) continue;
      Error error = added.error();
      if (error.kind() != ErrorKind::kBadItem && error.kind() != ErrorKind::kCorrupt) return error;
      // Without this change the item's older state would stand, so it cannot be left to the dead
      // letters.
      return Error(ErrorKind::kCorrupt, error.code(),
                   fmt::format("data file {}, record {}, byte {}: {}; export the window again",
                               file.key, records - 1, line.offset, error.message()));
    }
  }
  if (records == file.items) return {};
  return Error(
      ErrorKind::kCorrupt, "export.count_mismatch",
      fmt::format("data file {}: it holds {} records, the manifest says {}; copy the export again",
                  file.key, records, file.items));
}

}  // namespace

Result<std::unique_ptr<Overlay>> open_or_build_overlay(const std::string& path,
                                                       const std::string& fingerprint,
                                                       const std::vector<Window>& windows) {
  std::unique_ptr<Overlay> overlay = TRY(Overlay::open(path, fingerprint));
  if (overlay) return overlay;
  OverlayBuild build(TRY(Overlay::Builder::start(path, fingerprint)));
  for (size_t i = 0; i < windows.size(); ++i) {
    for (const DataFile& file : windows[i].manifest.files) TRY(build.add_file(windows[i], i, file));
  }
  TRY(build.finish());
  overlay = TRY(Overlay::open(path, fingerprint));
  if (!overlay) {
    return Error(
        ErrorKind::kUnavailable, "export.overlay",
        fmt::format("{}: the file that was just written cannot be read; check the disk", path));
  }
  return overlay;
}

}  // namespace offramp::source::exports
