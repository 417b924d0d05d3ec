// ExportWriter: an export folder as the service lays it out: gzip data files, manifests and their
// md5 files.
//
//   DIR/AWSDynamoDB/<ExportId>/{_started,manifest-summary.json,.md5,manifest-files.json,.md5,data/*.json.gz}
//   an incremental export's data files are in DIR/AWSDynamoDB/data, shared by all of them
// The manifests are written last, so a folder without them is not an export. Times and ids follow
// from the window number alone. DataFile may be used by one thread each; finish() joins what they
// have written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "generate/item_writer.h"

namespace offramp::generate {

// One gzip file of records, in one thread.
class DataFile {
 public:
  static Result<std::unique_ptr<DataFile>> create(const std::string& path, std::string key);
  ~DataFile();
  // The text that records are appended to; add_record() after each, with its line end written.
  std::string& text() { return text_; }
  Status add_record();
  Status close();

  const std::string& key() const { return key_; }
  uint64_t records() const { return records_; }
  const std::string& md5() const { return md5_; }  // base64, of the compressed bytes; after close()

 private:
  struct Stream;
  DataFile();
  Status write(bool last);
  std::unique_ptr<Stream> stream_;
  std::string text_, key_, md5_, path_;
  uint64_t records_ = 0;
};

struct ExportPlan {
  std::string directory;  // DIR
  std::string table;
  Format format = Format::kJson;
  int window = 0;  // 0: full; n: the n-th incremental export after it
  uint64_t seed = 1;
};

class ExportWriter {
 public:
  static Result<std::unique_ptr<ExportWriter>> create(const ExportPlan& plan);
  Result<std::unique_ptr<DataFile>> data_file(int number) const;
  // Writes the manifests.
  Status finish(const std::vector<std::unique_ptr<DataFile>>& files) const;
  const std::string& folder() const { return folder_; }

 private:
  ExportPlan plan_;
  std::string id_, folder_;
};

// Microseconds since 1970 at which change `number` of `window` was written: inside the window.
int64_t write_time_us(int window, uint64_t number);

}  // namespace offramp::generate
