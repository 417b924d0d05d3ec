#include "source/export/overlay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "ddb/wire_json.h"

namespace offramp::source::exports {
namespace {

constexpr int kBloomBits = 6;  // bits set in a key's block

Error stage_error(const std::string& path, std::string_view doing) {
  return Error(ErrorKind::kUnavailable, "export.overlay",
               fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno)));
}

// Six bits of one 64-bit block, chosen by the hash's low bits.
uint64_t bloom_mask(uint64_t hash) {
  uint64_t mask = 0;
  for (int i = 0; i < kBloomBits; ++i) mask |= uint64_t{1} << ((hash >> (6 * i)) & 63);
  return mask;
}

// The block comes from the high bits, which the mask does not use.
size_t bloom_block(uint64_t hash, size_t blocks) { return (hash >> 37) & (blocks - 1); }

char type_letter(ddb::Type type) { return ddb::type_tag(type)[0]; }

}  // namespace

bool append_key_json(ddb::ItemView item, const KeyNames& names, std::string& out) {
  char separator = '{';
  for (const model::KeyAttribute& key : names) {
    ddb::ValueView value = item.find(key.name);
    if (!value || value.type() != key.type) return false;
    out.push_back(separator);
    separator = ',';
    ddb::append_json_string(key.name, out);
    out.push_back(':');
    ddb::append_value_json(value, out);
  }
  out.push_back('}');
  return true;
}

Result<Overlay::Builder> Overlay::Builder::start(const std::string& path,
                                                 const std::string& fingerprint) {
  Builder builder;
  builder.path_ = path;
  builder.fingerprint_ = fingerprint;
  std::string building = path + ".building";
  if (::unlink(building.c_str()) != 0 && errno != ENOENT) return stage_error(building, "remove");
  builder.db_ = std::make_unique<io::SqliteDb>(
      TRY(io::SqliteDb::open(building, io::SqliteDb::Mode::kReadWriteCreate)));
  // Nothing here is worth a journal: a crash leaves a file that is never looked at.
  TRY(builder.db_->execute(
      "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
      "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
      "CREATE TABLE change(key BLOB PRIMARY KEY, win INTEGER NOT NULL, micros INTEGER NOT NULL,"
      " image BLOB) WITHOUT ROWID; BEGIN"));
  builder.insert_ =
      TRY(builder.db_->prepare("INSERT INTO change(key, win, micros, image) VALUES(?1, ?2, ?3, ?4) "
                               "ON CONFLICT(key) DO UPDATE SET"
                               " win=excluded.win, micros=excluded.micros, image=excluded.image"
                               " WHERE (excluded.win, excluded.micros) >= (win, micros)"));
  return builder;
}

Status Overlay::Builder::add(const Change& change) {
  insert_.bind_blob(1, change.key);
  insert_.bind(2, static_cast<int64_t>(change.window));
  insert_.bind(3, static_cast<int64_t>(change.write_micros));
  if (change.image) {
    insert_.bind_blob(4, *change.image);
  } else {
    insert_.bind_null(4);
  }
  return insert_.run();
}

Status Overlay::Builder::finish(const KeyNames& names) {
  insert_ = {};
  io::SqliteStatement meta = TRY(db_->prepare("INSERT INTO meta VALUES(?1, ?2)"));
  auto put = [&](std::string_view name, std::string_view value) {
    meta.bind(1, name);
    meta.bind_blob(2, value);
    return meta.run();
  };
  TRY(put("version", std::to_string(kOverlayVersion)));
  TRY(put("fingerprint", fingerprint_));
  for (size_t i = 0; i < names.size(); ++i)
    TRY(put(fmt::format("key{}", i),
            fmt::format("{}{}", type_letter(names[i].type), names[i].name)));
  meta = {};
  TRY(db_->execute("COMMIT"));
  db_.reset();
  std::string building = path_ + ".building";
  int fd = ::open(building.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) {
    Error error = stage_error(building, "sync");
    if (fd >= 0) ::close(fd);
    return error;
  }
  ::close(fd);
  if (::rename(building.c_str(), path_.c_str()) != 0) return stage_error(building, "rename");
  return {};
}

Result<std::unique_ptr<Overlay>> Overlay::open(const std::string& path,
                                               const std::string& fingerprint) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::unique_ptr<Overlay>();
  Result<io::SqliteDb> opened = io::SqliteDb::open(path, io::SqliteDb::Mode::kReadOnly);
  if (!opened.ok()) return std::unique_ptr<Overlay>();
  io::SqliteDb db = std::move(*opened);
  Result<io::SqliteStatement> prepared = db.prepare("SELECT name, value FROM meta ORDER BY name");
  // Not an overlay that we wrote: it is built anew.
  if (!prepared.ok()) return std::unique_ptr<Overlay>();
  std::unique_ptr<Overlay> overlay(new Overlay());
  overlay->path_ = path;
  bool same_chain = false, same_version = false;
  while (TRY(prepared->step())) {
    std::string_view name = prepared->text(0), value = prepared->text(1);
    if (name == "fingerprint") same_chain = value == fingerprint;
    if (name == "version") same_version = value == std::to_string(kOverlayVersion);
    if (name.starts_with("key") && !value.empty()) {
      ddb::Type type = value[0] == 'S'   ? ddb::Type::kS
                       : value[0] == 'N' ? ddb::Type::kN
                                         : ddb::Type::kB;
      overlay->key_names_.push_back({std::string(value.substr(1)), type});
    }
  }
  if (!same_chain || !same_version) return std::unique_ptr<Overlay>();
  TRY(overlay->load_filter(db));
  return overlay;
}

Status Overlay::load_filter(io::SqliteDb& db) {
  keys_ = static_cast<uint64_t>(TRY(db.query_int64("SELECT count(*) FROM change")));
  images_ = static_cast<uint64_t>(TRY(db.query_int64("SELECT count(image) FROM change")));
  if (keys_ == 0) return {};
  // Sixteen bits a key keep false hits below one in a hundred; above the bound they only become
  // more frequent.
  size_t blocks =
      std::bit_ceil(std::clamp<size_t>(keys_ / 4, 1, kFilterBytesMax / sizeof(uint64_t)));
  filter_.assign(blocks, 0);
  io::SqliteStatement all = TRY(db.prepare("SELECT key FROM change"));
  while (TRY(all.step())) filter_add(XXH3_64bits(all.text(0).data(), all.text(0).size()));
  return {};
}

void Overlay::filter_add(uint64_t hash) {
  filter_[bloom_block(hash, filter_.size())] |= bloom_mask(hash);
}

bool Overlay::may_hold(std::string_view key) const {
  if (filter_.empty()) return false;
  uint64_t hash = XXH3_64bits(key.data(), key.size());
  uint64_t mask = bloom_mask(hash);
  return (filter_[bloom_block(hash, filter_.size())] & mask) == mask;
}

Result<std::unique_ptr<OverlayReader>> OverlayReader::open(const Overlay& overlay) {
  std::unique_ptr<OverlayReader> reader(new OverlayReader(overlay));
  reader->db_ = std::make_unique<io::SqliteDb>(
      TRY(io::SqliteDb::open(overlay.path(), io::SqliteDb::Mode::kReadOnly)));
  reader->find_ = TRY(reader->db_->prepare("SELECT 1 FROM change WHERE key = ?1"));
  reader->scan_ = TRY(reader->db_->prepare(
      "SELECT key, image FROM change WHERE key > ?1 AND image IS NOT NULL ORDER BY key"));
  return reader;
}

Result<bool> OverlayReader::holds(std::string_view key) {
  if (!overlay_.may_hold(key)) return false;
  find_.bind_blob(1, key);
  bool found = TRY(find_.step());
  find_.reset();
  return found;
}

void OverlayReader::seek(std::string_view key) {
  scan_.reset();
  from_ = key;
  scan_.bind_blob(1, from_);
}

Result<std::optional<OverlayReader::Image>> OverlayReader::next() {
  if (!TRY(scan_.step())) return std::optional<Image>();
  return std::optional<Image>(Image{scan_.text(0), scan_.text(1)});
}

}  // namespace offramp::source::exports
