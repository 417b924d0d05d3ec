#include "source/dump/dump_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "source/dump/dump_reader.h"
#include "source/json_cut.h"

namespace offramp::source::dump {
namespace {

constexpr size_t kHeadBytes = 64 * 1024;  // of both ends, for the fingerprint and the first look

Error io_error(const std::string& path, std::string_view doing) {
  return Error(ErrorKind::kUnavailable, "dump.io",
               fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno)));
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status write_all(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error(path, "write");
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

// Copies standard input to a file that stays; an empty input means the copy that is there already.
Result<std::string> stage_stdin(const std::string& stage_dir) {
  if (stage_dir.empty())
    return Error(ErrorKind::kConfig, "dump.no_stage_dir",
                 "a folder to keep standard input in is needed; name one");
  std::string path = stage_dir + "/stdin.dump";
  std::string part = path + ".part";
  Fd out(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (out.get() < 0) return io_error(part, "create");
  std::vector<char> buffer(256 * 1024);
  uint64_t size = 0;
  while (true) {
    ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("standard input", "read");
    if (got == 0) break;
    TRY(write_all(out.get(), part, {buffer.data(), static_cast<size_t>(got)}));
    size += static_cast<uint64_t>(got);
  }
  std::error_code ignored;
  if (size == 0) {
    ::unlink(part.c_str());
    if (std::filesystem::exists(path, ignored)) return path;
    return Error(ErrorKind::kConfig, "dump.empty_stdin",
                 "standard input is empty; pipe the dump in, or name its file");
  }
  if (::fsync(out.get()) != 0) return io_error(part, "sync");
  if (::rename(part.c_str(), path.c_str()) != 0) return io_error(part, "rename");
  return path;
}

// Hash of the file's head and tail; with the size it tells another file from this one.
Result<std::string> fingerprint_of(const std::string& path) {
  Fd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (in.get() < 0 || ::fstat(in.get(), &info) != 0) return io_error(path, "open");
  std::vector<char> bytes(2 * kHeadBytes);
  size_t filled = 0;
  off_t tail = std::max<off_t>(0, info.st_size - static_cast<off_t>(kHeadBytes));
  for (off_t start : {off_t{0}, tail}) {
    ssize_t got = ::pread(in.get(), bytes.data() + filled, kHeadBytes, start);
    if (got < 0) return io_error(path, "read");
    filled += static_cast<size_t>(got);
  }
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), filled);
  return fmt::format("{} bytes, head and tail {:016x}{:016x}", info.st_size, hash.high64,
                     hash.low64);
}

class DumpSource : public ItemSource {
 public:
  static Result<std::unique_ptr<ItemSource>> open(DumpOptions options);

  Result<model::TableSpec> describe() override {
    model::TableSpec table;
    table.name = table_;
    return table;
  }
  Result<std::vector<Partition>> partitions() override {
    return std::vector<Partition>{{id_, std::nullopt, bytes_}};
  }
  Result<std::unique_ptr<ItemReader>> open(const Partition& partition,
                                           const model::Position& resume) override {
    if (partition.id != id_) {
      return Error(
          ErrorKind::kConfig, "dump.no_partition",
          fmt::format("{} is not the dump {}; was it another file before?", partition.id, id_));
    }
    return std::unique_ptr<ItemReader>(
        std::make_unique<DumpReader>(TRY(GzReader::open(path_)), options_.form, resume));
  }
  Result<std::string> fingerprint() override { return fingerprint_; }
  bool may_repeat_keys() const override { return true; }
  std::vector<std::string> remarks() override { return remarks_; }

 private:
  Status look_at_head();

  DumpOptions options_;
  std::string path_, id_, table_, fingerprint_;
  uint64_t bytes_ = 0;
  std::vector<std::string> remarks_;
};

// The first record tells a wrong form before anything is begun.
Status DumpSource::look_at_head() {
  std::unique_ptr<GzReader> gz = TRY(GzReader::open(path_));
  bytes_ = gz->file_size();
  TextWindow window(std::move(gz));
  std::vector<char> buffer;
  window.begin(buffer, kHeadBytes);
  RecordScanner scanner(options_.form);
  FoundRecord record;
  size_t at = 0;
  std::string_view text = window.text(buffer);
  Step step = scanner.next(text, at, window.at_end() && !window.error(), record);
  table_ = scanner.table();
  if (step == Step::kEnd) remarks_.push_back(fmt::format("The dump {} holds no items.", id_));
  // Something that never was a dump is wrong use; damage further on is found when it is reached.
  if (step == Step::kError && scanner.error().code() == "dump.not_json") {
    return Error(ErrorKind::kConfig, scanner.error().code(), scanner.error().message())
        .with_context(path_);
  }
  if (step != Step::kRecord) return {};
  std::string_view item = text.substr(record.start, record.size);
  Member first = read_member(item, 1);
  if (first.state != CutState::kDone || first.end) return {};
  bool typed = item[first.value] == '{';
  if (options_.form == ddb::JsonForm::kTyped && !typed) {
    return Error(
        ErrorKind::kConfig, "dump.plain_json",
        fmt::format(
            "{}: the first item's attributes have no type tags such as {{\"S\":…}}; it looks like "
            "plain JSON: read it with --plain",
            path_));
  }
  Cut value = cut_json_value(item, first.value);
  if (options_.form == ddb::JsonForm::kPlain && value.state == CutState::kDone &&
      looks_like_attribute_value(item.substr(first.value, value.end - first.value))) {
    remarks_.push_back(
        fmt::format("The items of {} look like DynamoDB JSON, but are read as plain JSON; without "
                    "--plain the types are kept.",
                    id_));
  }
  return {};
}

Result<std::unique_ptr<ItemSource>> DumpSource::open(DumpOptions options) {
  auto source = std::make_unique<DumpSource>();
  bool from_stdin = options.path == "-";
  source->path_ = from_stdin ? TRY(stage_stdin(options.stage_dir)) : options.path;
  source->id_ = from_stdin ? "stdin" : std::filesystem::path(options.path).filename().string();
  source->options_ = std::move(options);
  TRY(source->look_at_head());
  source->fingerprint_ = fmt::format("dump {} {}", from_stdin ? "-" : source->path_,
                                     TRY(fingerprint_of(source->path_)));
  return std::unique_ptr<ItemSource>(std::move(source));
}

}  // namespace

Result<std::unique_ptr<ItemSource>> open_dump(DumpOptions options) {
  return DumpSource::open(std::move(options));
}

}  // namespace offramp::source::dump
