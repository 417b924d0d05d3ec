#include "source/gz_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

namespace offramp::source {

struct GzReader::Impl {
  std::string path;
  int fd = -1;
  uint64_t size = 0;
  uint64_t taken = 0;  // bytes read from the file, those still waiting in `input` included
  bool gzip = false;
  bool file_ended = false;
  bool finished = false;
  bool member_open = true;  // a member has begun and its end has not been seen
  std::vector<uint8_t> input = std::vector<uint8_t>(kInputBytes);
  uint8_t* next = input.data();
  size_t available = 0;
  inflate_state state;

  ~Impl() {
    if (fd >= 0) ::close(fd);
  }

  uint64_t offset() const { return taken - available; }

  Status refill() {
    if (file_ended) return {};
    ssize_t got;
    do {
      got = ::read(fd, input.data(), input.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      return Error(ErrorKind::kUnavailable, "file.read_failed",
                   fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
    }
    file_ended = got == 0;
    next = input.data();
    available = static_cast<size_t>(got);
    taken += available;
    return {};
  }

  Error corrupt(std::string_view what) const {
    return Error(
        ErrorKind::kCorrupt, "gz.corrupt",
        fmt::format("{}: {} near compressed byte {}; copy the file again from where it came from",
                    path, what, offset()));
  }

  void begin_member() {
    isal_inflate_reset(&state);
    state.crc_flag = ISAL_GZIP;
    member_open = true;
  }

  Result<size_t> read_plain(char* out, size_t capacity) {
    if (available == 0) TRY(refill());
    size_t size = std::min(available, capacity);
    std::memcpy(out, next, size);
    next += size;
    available -= size;
    return size;
  }

  // Between members: begins the next one, or sets `finished` at the end of the file.
  Status next_member() {
    if (available == 0) TRY(refill());
    if (available == 0) {
      finished = true;
      return {};
    }
    if (*next == 0x1f) {
      begin_member();
      return {};
    }
    while (available > 0) {
      for (size_t i = 0; i < available; ++i) {
        if (next[i] != 0) return corrupt("bytes that are not gzip follow the end of the stream");
      }
      available = 0;
      TRY(refill());
    }
    finished = true;
    return {};
  }

  Result<size_t> read_gzip(char* out, size_t capacity) {
    capacity = std::min<size_t>(capacity, std::numeric_limits<int32_t>::max());
    state.next_out = reinterpret_cast<uint8_t*>(out);
    state.avail_out = static_cast<uint32_t>(capacity);
    while (state.avail_out > 0 && !finished) {
      if (!member_open) {
        TRY(next_member());
        continue;
      }
      if (available == 0) TRY(refill());
      state.next_in = next;
      state.avail_in = static_cast<uint32_t>(available);
      uint32_t out_before = state.avail_out;
      int code = isal_inflate(&state);
      bool progress = state.avail_in != available || state.avail_out != out_before;
      next = state.next_in;
      available = state.avail_in;
      if (code == ISAL_INCORRECT_CHECKSUM)
        return corrupt("the gzip checksum does not match the content");
      if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT && code != ISAL_OUT_OVERFLOW)
        return corrupt("the gzip stream is damaged");
      if (state.block_state == ISAL_BLOCK_FINISH) {
        member_open = false;
      } else if (file_ended && !progress) {
        // What was inflated is given out first; the next call comes here again.
        if (state.avail_out < capacity) break;
        return Error(ErrorKind::kCorrupt, "gz.truncated",
                     fmt::format("{}: the gzip stream ends in its middle, at compressed byte {}; "
                                 "copy the file again "
                                 "from where it came from",
                                 path, taken));
      }
    }
    return capacity - state.avail_out;
  }
};

GzReader::GzReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GzReader::~GzReader() = default;

Result<std::unique_ptr<GzReader>> GzReader::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (impl->fd < 0 || ::fstat(impl->fd, &info) != 0) {
    ErrorKind kind = errno == ENOENT || errno == ENOTDIR || errno == EACCES
                         ? ErrorKind::kConfig
                         : ErrorKind::kUnavailable;
    return Error(kind, "file.open_failed",
                 fmt::format("{}: cannot open: {}; check the path", path, std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return Error(ErrorKind::kConfig, "file.is_folder",
                 fmt::format("{}: is a folder; name the file in it", path));
  }
  impl->size = static_cast<uint64_t>(info.st_size);
  ::posix_fadvise(impl->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  TRY(impl->refill());
  impl->gzip = impl->available >= 2 && impl->next[0] == 0x1f && impl->next[1] == 0x8b;
  isal_inflate_init(&impl->state);
  if (impl->gzip) impl->begin_member();
  return std::unique_ptr<GzReader>(new GzReader(std::move(impl)));
}

Result<size_t> GzReader::read(char* out, size_t capacity) {
  return impl_->gzip ? impl_->read_gzip(out, capacity) : impl_->read_plain(out, capacity);
}

uint64_t GzReader::file_offset() const { return impl_->offset(); }
uint64_t GzReader::file_size() const { return impl_->size; }
bool GzReader::compressed() const { return impl_->gzip; }
const std::string& GzReader::path() const { return impl_->path; }

}  // namespace offramp::source
