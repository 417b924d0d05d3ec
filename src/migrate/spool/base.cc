// RocksDB without its own log: the spool's log is the log. Universal compaction, since nearly all
// that happens here is writing, and the base is read once.
#include "migrate/spool/base.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <cstring>

#include "migrate/spool/frame.h"

namespace offramp::migrate::spool {
namespace {

constexpr size_t kWriteBufferBytes = 32u << 20;
constexpr size_t kCacheBytes = 4u << 20;
constexpr size_t kBatchBytes = 256u << 10;
constexpr int kOpenFilesMax = 64;
constexpr size_t kKeyBytes = 16;

// Keys come in the order of (high, low), as place_before() has it; bytes compare from the first.
void pack_key(const ddb::Digest& key, char* out) {
  uint64_t high = __builtin_bswap64(key.high), low = __builtin_bswap64(key.low);
  std::memcpy(out, &high, 8);
  std::memcpy(out + 8, &low, 8);
}

ddb::Digest unpack_key(const char* in) {
  ddb::Digest key;
  std::memcpy(&key.high, in, 8);
  std::memcpy(&key.low, in + 8, 8);
  key.low = __builtin_bswap64(key.low);
  key.high = __builtin_bswap64(key.high);
  return key;
}

// Files hold items, so they are for their owner's eyes only; this version's own switch for that is
// not implemented.
class PrivateFiles : public rocksdb::FileSystemWrapper {
 public:
  PrivateFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "PrivateFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    auto status = target()->NewWritableFile(path, options, file, debug);
    return status.ok() ? close_to_others(path) : status;
  }
  rocksdb::IOStatus NewLogger(const std::string& path, const rocksdb::IOOptions& options,
                              std::shared_ptr<rocksdb::Logger>* logger,
                              rocksdb::IODebugContext* debug) override {
    auto status = target()->NewLogger(path, options, logger, debug);
    return status.ok() ? close_to_others(path) : status;
  }

 private:
  static rocksdb::IOStatus close_to_others(const std::string& path) {
    if (::chmod(path.c_str(), 0600) == 0) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError(path, std::strerror(errno));
  }
};

rocksdb::Options base_options(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compaction_options_universal.max_size_amplification_percent = 100;
  options.compaction_options_universal.size_ratio = 20;
  options.level0_file_num_compaction_trigger = 8;
  options.level0_slowdown_writes_trigger = 40;
  options.level0_stop_writes_trigger = 60;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = 2;
  options.max_background_jobs = 2;
  options.max_open_files = kOpenFilesMax;
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
  options.keep_log_file_num = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 32u << 10;
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
  table.checksum = rocksdb::kXXH3;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Status check(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) return {};
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsNotFound())
    return Error(ErrorKind::kCorrupt, "spool.base",
                 "the spool's base " + folder + " is damaged (" + status.ToString() +
                     "); capture anew with `offramp run --repair-gap`");
  return Error(ErrorKind::kUnavailable, "spool.base_io",
               "the spool's base " + folder + " cannot be used (" + status.ToString() +
                   "); see that the disk has room and run again");
}

}  // namespace

struct Base::State {
  std::string folder;
  // Destroyed from the last to the first: an iterator goes before its database, and that before its
  // environment.
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<PrivateFiles>());
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb::Iterator> iterator;
  rocksdb::WriteBatch batch;

  Status write() {
    if (batch.Count() == 0) return {};
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    auto status = db->Write(options, &batch);
    batch.Clear();
    return check(status, folder);
  }
};

Base::Base(std::unique_ptr<State> state) : state_(std::move(state)) {}
Base::~Base() = default;

Result<std::unique_ptr<Base>> Base::open(const std::string& folder) {
  auto state = std::make_unique<State>();
  state->folder = folder;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return Error(ErrorKind::kUnavailable, "spool.io",
                 "cannot create " + folder + ": " + std::strerror(errno));
  rocksdb::DB* db = nullptr;
  TRY(check(rocksdb::DB::Open(base_options(state->env.get()), folder, &db), folder));
  state->db.reset(db);
  return std::unique_ptr<Base>(new Base(std::move(state)));
}

Status Base::add(const ddb::Digest& key, std::string_view body) {
  char packed[kKeyBytes];
  pack_key(key, packed);
  TRY(check(state_->batch.Put(rocksdb::Slice(packed, kKeyBytes),
                              rocksdb::Slice(body.data(), body.size())),
            state_->folder));
  if (state_->batch.GetDataSize() >= kBatchBytes) TRY(state_->write());
  return {};
}

Status Base::flush() {
  TRY(state_->write());
  return check(state_->db->Flush(rocksdb::FlushOptions()), state_->folder);
}

uint64_t Base::keys_about() const {
  uint64_t keys = 0;
  state_->db->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &keys);
  return keys;
}

Status Base::seek(const ddb::Digest* after) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  state_->iterator.reset(state_->db->NewIterator(options));
  if (!after) {
    state_->iterator->SeekToFirst();
    return check(state_->iterator->status(), state_->folder);
  }
  char packed[kKeyBytes];
  pack_key(*after, packed);
  rocksdb::Slice wanted(packed, kKeyBytes);
  state_->iterator->Seek(wanted);
  if (state_->iterator->Valid() && state_->iterator->key() == wanted) state_->iterator->Next();
  return check(state_->iterator->status(), state_->folder);
}

Result<bool> Base::current(model::Change& change) {
  ASSERT(state_->iterator);
  if (!state_->iterator->Valid()) {
    TRY(check(state_->iterator->status(), state_->folder));
    return false;
  }
  rocksdb::Slice key = state_->iterator->key(), body = state_->iterator->value();
  if (key.size() != kKeyBytes)
    return check(rocksdb::Status::Corruption("a key of another length"), state_->folder).error();
  change.key = unpack_key(key.data());
  TRY_CONTEXT(state_->folder, decode_body({body.data(), body.size()}, change));
  return true;
}

void Base::advance() { state_->iterator->Next(); }

}  // namespace offramp::migrate::spool
