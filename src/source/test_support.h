// For the tests of the sources: scratch folders, gzip made in memory, and all items of a reader as
// text.
#pragma once

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "ddb/wire_json.h"
#include "source/item_source.h"

namespace offramp::source {
namespace fs = std::filesystem;
}

namespace offramp::source::testing {

class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "offramp-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const fs::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

// The folder of real data: $SHARED_DATA, or ../shared/data seen from a folder above the working
// one.
inline fs::path shared_data() {
  if (const char* given = std::getenv("SHARED_DATA")) return given;
  for (fs::path at = fs::current_path();; at = at.parent_path()) {
    if (fs::exists(at / "shared/data/README.md")) return at / "shared/data";
    if (!at.has_relative_path()) break;
  }
  throw std::runtime_error("no shared/data above the working folder; set SHARED_DATA");
}

inline void write_file(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One gzip member.
inline std::string gzip(std::string_view text) {
  std::string out(text.size() + text.size() / 8 + 4096, '\0');
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uint32_t>(text.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) throw std::runtime_error("gzip failed");
  out.resize(stream.total_out);
  return out;
}

// What a reader gives: canonical JSON of each item, then its error or the end.
struct ReadAll {
  std::vector<std::string> items;
  std::vector<uint64_t> ordinals;
  std::vector<ddb::BadRecord> bad;
  std::vector<model::Position> positions;  // after each batch, the end's included
  std::vector<size_t> items_at;            // items given out up to each position
  std::optional<Error> error;
};

inline ReadAll read_all(ItemReader& reader) {
  ReadAll all;
  ddb::ItemBatch batch;
  while (true) {
    model::Position after;
    Result<bool> more = reader.next(batch, after);
    if (!more.ok()) {
      all.error = more.error();
      return all;
    }
    all.positions.push_back(after);
    if (!*more) {
      EXPECT_TRUE(after.done);
      EXPECT_TRUE(batch.empty());
      all.items_at.push_back(all.items.size());
      return all;
    }
    EXPECT_FALSE(batch.empty());
    EXPECT_FALSE(after.done);
    for (size_t i = 0; i < batch.size(); ++i) {
      all.items.push_back(ddb::canonical_item_json(batch.item(i)));
      all.ordinals.push_back(batch.ordinal(i));
    }
    for (ddb::BadRecord& record : batch.bad) all.bad.push_back(std::move(record));
    all.items_at.push_back(all.items.size());
  }
}

inline ReadAll read_partition(ItemSource& source, const Partition& partition,
                              const model::Position& resume = {}) {
  Result<std::unique_ptr<ItemReader>> reader = source.open(partition, resume);
  if (!reader.ok()) {
    ReadAll all;
    all.error = reader.error();
    return all;
  }
  return read_all(**reader);
}

// Every partition of a source, one after the other; stops at the first error.
inline ReadAll read_source(ItemSource& source) {
  ReadAll all;
  Result<std::vector<Partition>> partitions = source.partitions();
  if (!partitions.ok()) {
    all.error = partitions.error();
    return all;
  }
  for (const Partition& partition : *partitions) {
    ReadAll one = read_partition(source, partition);
    all.items.insert(all.items.end(), one.items.begin(), one.items.end());
    for (ddb::BadRecord& record : one.bad) all.bad.push_back(std::move(record));
    if (one.error) {
      all.error = one.error;
      return all;
    }
  }
  return all;
}

}  // namespace offramp::source::testing
