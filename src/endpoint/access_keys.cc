#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "endpoint/endpoint.h"

namespace offramp::endpoint {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr std::string_view kBlanks = " \t\r";

Error config(const std::string& file, std::string_view what) {
  return Error(ErrorKind::kConfig, "keys.file", fmt::format("{}: {}", file, what));
}

Result<std::string> read_private(const std::string& file, int fd) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return config(file, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return config(file, "is no regular file");
  if (info.st_mode & 077)
    return config(file, fmt::format("others can read the secrets in it; run: chmod 600 {}", file));
  std::string text;
  char piece[4096];
  for (ssize_t got; (got = ::read(fd, piece, sizeof piece)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return config(file, std::strerror(errno));
    text.append(piece, static_cast<size_t>(got));
    if (text.size() > kFileBytesMax) return config(file, "is larger than 1 MiB; is it a key file?");
  }
  return text;
}

// The next word of `line`, cut off from it.
std::string_view word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view found = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(found.size());
  return found;
}

}  // namespace

const std::string* AccessKeys::secret(std::string_view id) const {
  auto at = secrets_.find(id);
  return at == secrets_.end() ? nullptr : &at->second;
}

Result<AccessKeys> AccessKeys::read(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return config(file, fmt::format("cannot be read: {}; give a file with lines \"ACCESS_KEY_ID "
                                    "SECRET\"",
                                    std::strerror(errno)));
  auto text = read_private(file, fd);
  ::close(fd);
  if (!text) return std::move(text).error();
  AccessKeys keys;
  std::string_view rest = *text;
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string_view id = word(line);
    if (id.empty() || id.starts_with('#')) continue;
    const std::string_view secret = word(line);
    if (secret.empty() || !word(line).empty())
      return config(file, fmt::format("line {}: is not \"ACCESS_KEY_ID SECRET\"", number));
    if (keys.secret(id))
      return config(file, fmt::format("line {}: {} is there a second time", number, id));
    keys.add(std::string(id), std::string(secret));
  }
  if (keys.empty()) return config(file, "holds no key; add a line \"ACCESS_KEY_ID SECRET\"");
  return keys;
}

}  // namespace offramp::endpoint
