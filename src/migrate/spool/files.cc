// The only place of the spool that calls the OS, but for the log's own writes (log_writer.cc).
#include "migrate/spool/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "io/file.h"

namespace offramp::migrate::spool {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kBufferKeptBytes = 16u << 20;
constexpr size_t kNoteBytesMax = 256;

}  // namespace

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

std::string numbered(std::string_view prefix, uint64_t number) {
  return fmt::format("{}{:020}", prefix, number);
}

bool parse_numbered(std::string_view name, std::string_view prefix, uint64_t& number) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + 20) return false;
  auto [end, error] =
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size();
}

Error io_error(std::string_view doing, const std::string& path) {
  int code = errno;
  std::string next = code == ENOSPC || code == EDQUOT
                         ? "make room on its disk and run again; what was captured is kept"
                         : "see to the disk and run again; what was captured is kept";
  return Error(ErrorKind::kUnavailable, code == ENOENT ? "spool.vanished" : "spool.io",
               fmt::format("cannot {} {}: {}; {}", doing, path, std::strerror(code), next));
}

Error damaged(const std::string& path, uint64_t offset, std::string_view what) {
  return Error(
      ErrorKind::kCorrupt, "spool.damaged",
      fmt::format(
          "{} is damaged at byte {}: {}; captured changes may be missing, so capture anew with "
          "`offramp run --repair-gap`",
          path, offset, what));
}

bool is_vanished(const Error& error) { return error.code() == "spool.vanished"; }

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("create", path);
  return {};
}

Status sync_folder(const std::string& path) {
  File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return io_error("open", path);
  // Some file systems cannot sync a folder and say so.
  if (::fsync(folder.fd()) != 0 && errno != EINVAL) return io_error("sync", path);
  return {};
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return io_error("list", path);
  std::vector<std::string> names;
  while (dirent* entry = ::readdir(folder)) names.emplace_back(entry->d_name);
  ::closedir(folder);
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  std::sort(names.begin(), names.end());
  return names;
}

Status remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (!error) return {};
  errno = error.value();
  return io_error("remove", path);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error("remove", path);
  return {};
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename", from);
  return {};
}

uint64_t bytes_below(const std::string& folder) {
  uint64_t sum = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  while (!error && at != end) {
    std::error_code gone;
    if (at->is_regular_file(gone)) {
      uint64_t bytes = at->file_size(gone);
      if (!gone) sum += bytes;
    }
    at.increment(error);
  }
  return sum;
}

Result<File> open_file(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return io_error("open", path);
  return file;
}

Result<uint64_t> file_bytes(const File& file, const std::string& path) {
  struct stat info;
  if (::fstat(file.fd(), &info) != 0) return io_error("look at", path);
  return static_cast<uint64_t>(info.st_size);
}

Status read_at(const File& file, const std::string& path, uint64_t offset, std::span<char> out) {
  while (!out.empty()) {
    ssize_t size = ::pread(file.fd(), out.data(), out.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return io_error("read", path);
    if (size == 0) return damaged(path, offset, "the file is too short");
    out = out.subspan(static_cast<size_t>(size));
    offset += static_cast<uint64_t>(size);
  }
  return {};
}

Result<std::string_view> FrameCursor::bytes(uint64_t size, uint64_t limit) {
  if (offset_ > limit || size > limit - offset_)
    return damaged(path_, offset_, "a record is cut off");
  if (offset_ < buffer_offset_ || offset_ + size > buffer_offset_ + buffer_.size()) {
    if (buffer_.capacity() > kBufferKeptBytes) std::string().swap(buffer_);
    buffer_.resize(std::min<uint64_t>(std::max<uint64_t>(size, kReadBytes), limit - offset_));
    buffer_offset_ = offset_;
    TRY(read_at(file_, path_, offset_, std::span(buffer_.data(), buffer_.size())));
  }
  return std::string_view(buffer_).substr(offset_ - buffer_offset_, size);
}

Result<FrameHeader> FrameCursor::peek_header(uint64_t limit) {
  auto header = parse_header(TRY(bytes(kHeaderBytes, limit)));
  if (!header) return damaged(path_, offset_, "a record's head does not match its checksum");
  return *header;
}

Result<std::string_view> FrameCursor::payload(const FrameHeader& header, uint64_t limit) {
  std::string_view frame = TRY(bytes(kHeaderBytes + header.length, limit));
  std::string_view payload = frame.substr(kHeaderBytes);
  if (payload_hash(payload) != header.payload_hash)
    return damaged(path_, offset_, "a record does not match its checksum");
  return payload;
}

Result<File> create_segment(const std::string& folder, uint64_t first, uint64_t changes,
                            std::string_view snapshot, uint64_t& bytes) {
  std::string path = folder + "/" + numbered("log-", first), partial = path + ".part";
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT) return io_error("remove", partial);
  File file(::open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return io_error("create", partial);
  FrameHeader header{.kind = FrameKind::kSnapshot,
                     .length = static_cast<uint32_t>(snapshot.size()),
                     .number = first,
                     .changes = changes,
                     .payload_hash = payload_hash(snapshot)};
  std::string frame(kHeaderBytes, '\0');
  write_header(header, frame.data());
  frame += snapshot;
  for (std::string_view rest = frame; !rest.empty();) {
    ssize_t size = ::write(file.fd(), rest.data(), rest.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      Error error = io_error("write", partial);
      ::unlink(partial.c_str());
      return error;
    }
    rest.remove_prefix(static_cast<size_t>(size));
  }
  if (::fsync(file.fd()) != 0) return io_error("sync", partial);
  TRY(rename_file(partial, path));
  TRY(sync_folder(folder));
  bytes = frame.size();
  return file;
}

Status write_note(const std::string& folder, const BaseNote& note) {
  std::string text = fmt::format("base 1 {} {} {} {} {}", note.first, note.last, note.intended,
                                 note.keys, note.changes_before);
  return io::write_file(folder + "/" + numbered("base-", note.first) + ".note",
                        fmt::format("{} {:016x}\n", text, payload_hash(text)), 0600);
}

Result<BaseNote> read_note(const std::string& folder, uint64_t first) {
  std::string path = folder + "/" + numbered("base-", first) + ".note";
  File file = TRY(open_file(path));
  uint64_t size = TRY(file_bytes(file, path));
  if (size > kNoteBytesMax) return damaged(path, 0, "it is too long");
  std::string text(size, '\0');
  TRY(read_at(file, path, 0, std::span(text.data(), text.size())));
  size_t hash_at = text.rfind(' ');
  if (hash_at == text.npos ||
      text.substr(hash_at + 1) !=
          fmt::format("{:016x}\n", payload_hash(std::string_view(text).substr(0, hash_at))))
    return damaged(path, 0, "it does not match its checksum");
  BaseNote note;
  unsigned version = 0;
  if (std::sscanf(text.c_str(), "base %u %lu %lu %lu %lu %lu", &version, &note.first, &note.last,
                  &note.intended, &note.keys, &note.changes_before) != 6 ||
      version != 1 || note.first != first)
    return damaged(path, 0, "it cannot be read");
  return note;
}

}  // namespace offramp::migrate::spool
