// The spool's files: names, and reading and writing with errors that name the file.
//
//   FOLDER/gen-GENERATION/log-FIRST        a segment; FIRST is the number of the first batch that
//   it may hold
//                        /base-FIRST/      a base of the batches from FIRST on
//                        /base-FIRST.note  how far it goes (BaseNote)
//   *.part, *.gone                         leftovers of a kill
// Numbers have 20 digits, so names sort as numbers do. Files are 0600, folders 0700.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "migrate/spool/frame.h"

namespace offramp::migrate::spool {

// A file descriptor and its owner.
class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File();
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::string numbered(std::string_view prefix, uint64_t number);
// False when the name is not PREFIX and 20 digits.
bool parse_numbered(std::string_view name, std::string_view prefix, uint64_t& number);

// kUnavailable with errno's text.
Error io_error(std::string_view doing, const std::string& path);
Error damaged(const std::string& path, uint64_t offset, std::string_view what);
// A file that was there a moment ago is not: another process released it.
bool is_vanished(const Error& error);

Status make_folder(const std::string& path);
Status sync_folder(const std::string& path);
// Names, sorted; kUnavailable "spool.vanished" when the folder does not exist.
Result<std::vector<std::string>> list_folder(const std::string& path);
Status remove_all(const std::string& path);
Status remove_file(const std::string& path);
Status rename_file(const std::string& from, const std::string& to);
// Of everything below; what goes away meanwhile is not counted.
uint64_t bytes_below(const std::string& folder);

Result<File> open_file(const std::string& path);
Result<uint64_t> file_bytes(const File& file, const std::string& path);
// Fills `out` from `offset`; kCorrupt when the file is shorter.
Status read_at(const File& file, const std::string& path, uint64_t offset, std::span<char> out);

// Frames one after the other from a file that another thread or process may be appending to.
class FrameCursor {
 public:
  FrameCursor(File file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  uint64_t offset() const { return offset_; }
  const std::string& path() const { return path_; }
  // The frame at offset(), which must end at or before `limit`; kCorrupt otherwise. The payload
  // lives until the next call.
  Result<FrameHeader> peek_header(uint64_t limit);
  Result<std::string_view> payload(const FrameHeader& header, uint64_t limit);
  void skip(const FrameHeader& header) { offset_ += kHeaderBytes + header.length; }

 private:
  // Bytes [offset_, offset_ + size) as a view.
  Result<std::string_view> bytes(uint64_t size, uint64_t limit);

  File file_;
  std::string path_;
  uint64_t offset_ = 0;
  std::string buffer_;  // bytes from buffer_offset_
  uint64_t buffer_offset_ = 0;
};

// A new segment with its snapshot, durable under its name.
Result<File> create_segment(const std::string& folder, uint64_t first, uint64_t changes,
                            std::string_view snapshot, uint64_t& bytes);

// How far a base goes. While `intended` is beyond `last`, changes of the batches between may be in
// it or not.
struct BaseNote {
  uint64_t first = 0;
  uint64_t last = 0;  // 0: nothing is in it for certain
  uint64_t intended = 0;
  uint64_t keys = 0;            // about
  uint64_t changes_before = 0;  // of all batches before `first`
};
Status write_note(const std::string& folder, const BaseNote& note);
Result<BaseNote> read_note(const std::string& folder, uint64_t first);

}  // namespace offramp::migrate::spool
