// A change stream in memory, and a clock whose wall can be moved on: for the tests of capture.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/clock.h"
#include "source/change_source.h"

namespace offramp::migrate::capture {

class ShiftedClock : public io::Clock {
 public:
  Steady now() override { return io::system_clock().now(); }
  Wall wall() override {
    return io::system_clock().wall() + std::chrono::nanoseconds(shift_.load());
  }
  bool sleep(std::chrono::nanoseconds duration, std::stop_token stop) override {
    return io::system_clock().sleep(
        std::min<std::chrono::nanoseconds>(duration, std::chrono::milliseconds(5)), stop);
  }
  void shift(std::chrono::nanoseconds by) { shift_ += by.count(); }

 private:
  std::atomic<int64_t> shift_{0};
};

// All but overlaps_ is guarded by mutex_.
class MemoryStream : public source::ChangeSource {
 public:
  void add_shard(const std::string& id, const std::string& parent = "") {
    std::lock_guard lock(mutex_);
    shards_[id].listed = {.id = id, .parent = parent, .starting_sequence = "0", .closed = false};
  }
  void close(const std::string& id) {
    std::lock_guard lock(mutex_);
    shards_[id].listed.closed = true;
  }
  void remove(const std::string& id) {
    std::lock_guard lock(mutex_);
    shards_.erase(id);
  }
  void write(const std::string& shard, int sequence) {
    add(shard, sequence, R"({"pk":{"S":"k"},"v":{"N":"1"}})", false);
  }
  void remove_item(const std::string& shard, int sequence, bool by_ttl) {
    add(shard, sequence, "", by_ttl);
  }
  // Records up to `sequence` are no longer there.
  void trim(const std::string& shard, int sequence) {
    std::lock_guard lock(mutex_);
    auto& records = shards_[shard].records;
    std::erase_if(records, [&](const Record& record) { return record.sequence <= sequence; });
    shards_[shard].trimmed = sequence;
  }
  // Changes of the last so many milliseconds are held back by the server.
  void hold_back(int64_t ms) {
    std::lock_guard lock(mutex_);
    behind_ms_ = ms;
  }
  // How often a reader was called while another thread was still in it.
  int overlaps() const { return overlaps_; }
  void recreate(const std::string& id) {
    std::lock_guard lock(mutex_);
    id_ = id;
  }
  void disable() {
    std::lock_guard lock(mutex_);
    enabled_ = false;
  }

  Result<source::StreamDescription> describe() override {
    std::lock_guard lock(mutex_);
    source::StreamDescription out;
    out.id = id_;
    out.key.partition.name = "pk";
    out.enabled = enabled_;
    return out;
  }
  Result<std::vector<source::Shard>> shards(const std::string&) override {
    std::lock_guard lock(mutex_);
    std::vector<source::Shard> out;
    for (const auto& [id, shard] : shards_) out.push_back(shard.listed);
    return out;
  }
  Result<std::unique_ptr<source::ShardReader>> open(const std::string&, const std::string& shard,
                                                    const std::string& after) override {
    return std::unique_ptr<source::ShardReader>(
        std::make_unique<Reader>(*this, shard, after.empty() ? 0 : std::stoi(after)));
  }

 private:
  struct Record {
    int sequence;
    std::string image;
    bool by_ttl;
  };
  struct ShardContent {
    source::Shard listed;
    std::deque<Record> records;
    int trimmed = 0;
  };
  class Reader : public source::ShardReader {
   public:
    Reader(MemoryStream& stream, std::string shard, int after)
        : stream_(stream), shard_(std::move(shard)), after_(after) {}
    Result<source::ShardAnswer> next(model::ChangeBatch& batch) override {
      // A reader is of one thread at a time.
      if (inside_.exchange(true)) ++stream_.overlaps_;
      auto answer = read(batch);
      std::this_thread::yield();
      inside_ = false;
      return answer;
    }

   private:
    Result<source::ShardAnswer> read(model::ChangeBatch& batch) {
      batch.reset();
      std::lock_guard lock(stream_.mutex_);
      auto found = stream_.shards_.find(shard_);
      if (found == stream_.shards_.end())
        return Error(ErrorKind::kGap, "streams.shard_gone", "gone");
      ShardContent& shard = found->second;
      if (after_ != 0 && after_ <= shard.trimmed)
        return Error(ErrorKind::kGap, "streams.trimmed", "trimmed");
      source::ShardAnswer answer;
      answer.behind_ms = stream_.behind_ms_;
      for (const Record& record : shard.records) {
        if (record.sequence <= after_) continue;
        if (batch.changes.size() == 7) {
          answer.more = true;
          return answer;
        }
        std::string sequence = std::to_string(record.sequence);
        model::Change change;
        change.key = {.low = 1, .high = 1};
        change.key_json = R"({"pk":{"S":"k"}})";
        change.image_json = record.image;
        change.sequence = sequence;
        change.by_ttl = record.by_ttl;
        batch.add(change);
        after_ = record.sequence;
      }
      answer.end = shard.listed.closed;
      return answer;
    }

    MemoryStream& stream_;
    const std::string shard_;
    int after_;
    std::atomic<bool> inside_{false};
  };
  void add(const std::string& shard, int sequence, std::string image, bool by_ttl) {
    std::lock_guard lock(mutex_);
    shards_[shard].records.push_back({sequence, std::move(image), by_ttl});
  }

  std::atomic<int> overlaps_{0};
  std::mutex mutex_;
  std::string id_ = "arn:one";
  int64_t behind_ms_ = 0;
  bool enabled_ = true;
  std::map<std::string, ShardContent> shards_;
};

}  // namespace offramp::migrate::capture
