#include "io/aws/config_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace offramp::io::aws {
namespace {

std::string_view trim(std::string_view text) {
  auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

enum class FileKind { kConfig, kCredentials };

// The profile that a section stands for; empty for sections that are no profile ("[sso-session x]",
// "[services x]").
std::string profile_of(std::string_view section, FileKind kind) {
  section = trim(section);
  if (kind == FileKind::kCredentials || section == "default") return std::string(section);
  if (section.starts_with("profile ") || section.starts_with("profile\t"))
    return std::string(trim(section.substr(8)));
  return "";
}

Status parse(std::string_view text, const std::string& path, FileKind kind, Profiles& out) {
  Profile* profile = nullptr;
  size_t line_number = 0;
  bool in_section = false;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view raw = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    ++line_number;
    std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    bool nested =
        raw.front() == ' ' || raw.front() == '\t';  // "s3 =" followed by indented settings
    if (line.front() == '[') {
      size_t close = line.find(']');
      if (close == line.npos)
        return Error(ErrorKind::kConfig, "aws.config_file",
                     fmt::format("{} line {}: a section without ]", path, line_number));
      std::string name = profile_of(line.substr(1, close - 1), kind);
      profile = name.empty() ? nullptr : &out[name];
      in_section = true;
      continue;
    }
    if (nested && in_section) continue;
    size_t equals = line.find('=');
    if (equals == line.npos || !in_section)
      return Error(
          ErrorKind::kConfig, "aws.config_file",
          fmt::format("{} line {}: expected name = value inside a [section]", path, line_number));
    if (!profile) continue;
    std::string_view value = trim(line.substr(equals + 1));
    // A comment after a value needs a space before it; a secret may hold '#'.
    for (std::string_view mark : {" #", " ;"})
      if (size_t at = value.find(mark); at != value.npos) value = trim(value.substr(0, at));
    (*profile)[std::string(trim(line.substr(0, equals)))] = std::string(value);
  }
  return {};
}

Result<std::string> file_path(const Environment& environment, const char* variable,
                              const char* name) {
  if (auto path = environment(variable)) return *path;
  auto home = environment("HOME");
  return home ? *home + "/.aws/" + name : std::string();
}

Status read_into(const std::string& path, FileKind kind, Profiles& out) {
  if (path.empty()) return {};
  std::unique_ptr<FILE, int (*)(FILE*)> probe(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!probe && (errno == ENOENT || errno == ENOTDIR)) return {};
  probe.reset();
  std::string text = TRY(read_small_file(path, kConfigBytesMax));
  return parse(text, path, kind, out);
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, size_t bytes_max) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file)
    return Error(ErrorKind::kConfig, "aws.file",
                 fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  std::string text(bytes_max + 1, '\0');
  size_t got = std::fread(text.data(), 1, text.size(), file.get());
  if (std::ferror(file.get()))
    return Error(ErrorKind::kConfig, "aws.file", fmt::format("{} cannot be read", path));
  if (got > bytes_max)
    return Error(ErrorKind::kConfig, "aws.file",
                 fmt::format("{} is larger than {} bytes", path, bytes_max));
  text.resize(got);
  return text;
}

Result<Profiles> read_profiles(const Environment& environment) {
  Profiles profiles;
  TRY(read_into(TRY(file_path(environment, "AWS_CONFIG_FILE", "config")), FileKind::kConfig,
                profiles));
  TRY(read_into(TRY(file_path(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials")),
                FileKind::kCredentials, profiles));
  return profiles;
}

std::string chosen_profile(const ChainOptions& options) {
  if (!options.profile.empty()) return options.profile;
  return options.environment("AWS_PROFILE").value_or("default");
}

}  // namespace offramp::io::aws
