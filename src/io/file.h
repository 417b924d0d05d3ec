// OutputFile: a file that is there whole or not at all.
//
// - A path that does not exist, or is a regular file, is written beside itself as PATH.part,
// synced, renamed over, and the
//   folder synced. Without commit() the partial file is removed and the old file stays. A link is
//   followed first, and an existing file's permissions are kept.
// - A path that exists and is no regular file (a pipe, a terminal, /dev/null, /dev/stdout) is
// written through as it is:
//   never replaced, never synced.
// One thread. Errors: kConfig when the path cannot be opened (it was the caller's choice),
// kUnavailable when writing fails.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace offramp::io {

// True when `path` exists and is neither a regular file nor a folder.
bool is_written_through(const std::string& path);

class OutputFile {
 public:
  // `mode` is what a new file gets. Opening a pipe waits for its reader.
  static Result<std::unique_ptr<OutputFile>> open(const std::string& path, mode_t mode);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status write(std::string_view bytes);
  // Makes the file be what was written; nothing may be written afterwards.
  Status commit();

 private:
  OutputFile(std::string path, std::string partial, int fd)
      : path_(std::move(path)), partial_(std::move(partial)), fd_(fd) {}

  const std::string path_;
  std::string partial_;  // empty: written through, or committed
  int fd_;
};

// The whole file at once.
Status write_file(const std::string& path, std::string_view text, mode_t mode);

}  // namespace offramp::io
