// The shared config and credentials files: profiles as name → settings.
//
// AWS_CONFIG_FILE (default ~/.aws/config, sections "[default]" and "[profile NAME]") and
// AWS_SHARED_CREDENTIALS_FILE (default ~/.aws/credentials, sections "[NAME]"); where both set a
// value, the credentials file wins. A missing file is empty; a file over kConfigBytesMax or a line
// that is no setting is an error that names file and line, never the text.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "io/aws/credentials.h"

namespace offramp::io::aws {

constexpr size_t kConfigBytesMax = 1 << 20;

using Profile = std::map<std::string, std::string>;
using Profiles = std::map<std::string, Profile>;

Result<Profiles> read_profiles(const Environment& environment);
// The profile that is asked for: the option, AWS_PROFILE, "default".
std::string chosen_profile(const ChainOptions& options);
// A whole small file; kConfig when it cannot be read or is larger than `bytes_max`.
Result<std::string> read_small_file(const std::string& path, size_t bytes_max);

}  // namespace offramp::io::aws
