// What the spool's tests share: a folder of their own, changes made from numbers, and reading back
// to numbers.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "migrate/spool/spool.h"

namespace offramp::migrate::spool {

inline ddb::Digest digest_of(uint64_t key) {
  return {.low = key * 0x9E3779B97F4A7C15ull, .high = (key ^ 0x5555) * 0xC2B2AE3D27D4EB4Full};
}
inline std::string key_json(uint64_t key) {
  return "{\"pk\":{\"N\":\"" + std::to_string(key) + "\"}}";
}
inline uint64_t key_of(std::string_view json) { return std::stoull(std::string(json.substr(12))); }

struct TestChanges {
  std::vector<model::Change> list;
  void put(uint64_t key, std::string image) {
    model::Change change;
    change.key = digest_of(key);
    change.key_json = texts_.emplace_back(key_json(key));
    change.image_json = texts_.emplace_back(std::move(image));
    list.push_back(change);
  }
  void remove(uint64_t key) { put(key, ""); }
  std::span<const model::Change> span() const { return list; }

 private:
  std::deque<std::string> texts_;
};

struct Seen {
  uint64_t key;
  std::string image;
  bool operator==(const Seen&) const = default;
};

struct Read {
  bool any = false;
  std::vector<Seen> changes;
  Place after;
  void into(std::map<uint64_t, std::string>& state) const {
    for (const Seen& seen : changes) state[seen.key] = seen.image;
  }
  std::map<uint64_t, std::string> state() const {
    std::map<uint64_t, std::string> out;
    into(out);
    return out;
  }
};

inline Read read_some(Spool& spool, size_t changes_max) {
  Read out;
  model::ChangeBatch batch;
  auto any = spool.read(batch, out.after, changes_max);
  EXPECT_TRUE(any.ok()) << any.error().message();
  out.any = any.ok() && *any;
  for (const model::Change& change : batch.changes) {
    out.changes.push_back({key_of(change.key_json), std::string(change.image_json)});
    EXPECT_EQ(change.key, digest_of(out.changes.back().key));
  }
  return out;
}

// A temporary folder with a spool of small segments in it.
struct Folder {
  std::string path;
  Options options{.segment_bytes = 4000, .fold_bytes = 10'000};
  std::map<uint64_t, std::string> expected;  // by fill()

  Folder() {
    // In memory where there is such a place: a sync of a disk takes milliseconds.
    std::string where = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string name = where + "/offramp-spool-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;

  std::string spool() const { return path + "/spool"; }
  std::unique_ptr<Spool> open() const {
    auto spool = Spool::open(this->spool(), Spool::Open::kCreate, options);
    EXPECT_TRUE(spool.ok()) << spool.error().message();
    return std::move(spool).value();
  }
  std::unique_ptr<Spool> begun(uint64_t generation) const {
    auto spool = open();
    auto begun =
        spool->begin({.generation = generation, .stream = "arn:stream", .began_ms = 5}, {});
    EXPECT_TRUE(begun.ok()) << begun.error().message();
    return spool;
  }
  // Batches for a little over three segments' worth of folding: 100 keys, 5 a batch.
  void fill(Spool& spool) {
    for (int i = 0; i < 60; ++i) {
      TestChanges changes;
      for (int j = 0; j < 5; ++j) {
        uint64_t key = static_cast<uint64_t>(count_++ * 7 % 101);
        std::string image =
            key % 10 == 0 ? "" : "image " + std::to_string(count_) + std::string(30, '.');
        changes.put(key, image);
        expected[key] = image;
      }
      EXPECT_TRUE(spool.append(changes.span(), {}).ok());
    }
  }
  // Sorted names below `below` of the spool's folder.
  std::vector<std::string> names(const std::string& below) const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(spool() + "/" + below))
      out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string newest_segment(uint64_t generation) const {
    std::string folder = spool() + "/gen-" + std::string(19, '0') + std::to_string(generation),
                newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().filename().string().starts_with("log-"))
        newest = std::max(newest, entry.path().string());
    return newest;
  }

 private:
  int count_ = 0;
};

}  // namespace offramp::migrate::spool
