// Writing beside, syncing and renaming.
#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace offramp::io {
namespace {

// Where a chain of links ends; the path itself when there is nothing yet.
std::string followed(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

Error open_error(const std::string& path) {
  std::string why = std::strerror(errno);
  if (errno == ENOENT) why = "its folder does not exist";
  return Error(
      ErrorKind::kConfig, "file.create",
      "cannot write " + path + ": " + why + "; name a file in a folder that can be written to");
}

Error write_error(const std::string& path) {
  return Error(ErrorKind::kUnavailable, "file.write",
               "cannot write " + path + ": " + std::strerror(errno));
}

// So that the new name survives a power cut. Folders of some file systems cannot be synced; the
// file itself is.
void sync_folder_of(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

bool is_written_through(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

Result<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& path, mode_t mode) {
  struct stat info {};
  bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return open_error(path);
  }
  if (exists && !S_ISREG(info.st_mode)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return open_error(path);
    return std::unique_ptr<OutputFile>(new OutputFile(path, "", fd));
  }
  std::string real = followed(path);
  std::string partial = real + ".part";
  // What an interrupted process left behind goes; what stands there as a link or device is not
  // written into.
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT) return open_error(partial);
  int fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return open_error(path);
  if (exists && ::fchmod(fd, info.st_mode & 07777) != 0) {
    Error error = open_error(path);
    ::close(fd);
    ::unlink(partial.c_str());
    return error;
  }
  return std::unique_ptr<OutputFile>(new OutputFile(real, partial, fd));
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

Status OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t size = ::write(fd_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return write_error(path_);
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

Status OutputFile::commit() {
  if (!partial_.empty() && ::fsync(fd_) != 0) return write_error(path_);
  int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) return write_error(path_);
  if (partial_.empty()) return {};
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return write_error(path_);
  partial_.clear();
  sync_folder_of(path_);
  return {};
}

Status write_file(const std::string& path, std::string_view text, mode_t mode) {
  auto file = TRY(OutputFile::open(path, mode));
  TRY(file->write(text));
  return file->commit();
}

}  // namespace offramp::io
