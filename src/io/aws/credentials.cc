#include "io/aws/credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "io/aws/config_files.h"
#include "io/aws/remote_credentials.h"

namespace offramp::io::aws {
namespace {

constexpr auto kRefreshBefore = std::chrono::minutes(5);
constexpr int kSourceProfilesMax = 5;

Error nothing(std::string why) {
  return Error(ErrorKind::kConfig, "aws.no_credentials", std::move(why));
}

Result<Credentials> environment_credentials(const ChainOptions& options) {
  auto key = options.environment("AWS_ACCESS_KEY_ID");
  auto secret = options.environment("AWS_SECRET_ACCESS_KEY");
  if (!key && !secret) return nothing("AWS_ACCESS_KEY_ID is not set");
  if (!key || !secret)
    return nothing(key ? "AWS_SECRET_ACCESS_KEY is not set" : "AWS_ACCESS_KEY_ID is not set");
  return Credentials{*key, *secret, options.environment("AWS_SESSION_TOKEN").value_or(""),
                     std::nullopt, "environment"};
}

std::string region_from_environment(const ChainOptions& options) {
  if (auto region = options.environment("AWS_REGION")) return *region;
  return options.environment("AWS_DEFAULT_REGION").value_or("");
}

std::string setting(const Profile& profile, const std::string& name) {
  auto at = profile.find(name);
  return at == profile.end() ? "" : at->second;
}

Result<Credentials> environment_web_identity(const ChainOptions& options) {
  auto file = options.environment("AWS_WEB_IDENTITY_TOKEN_FILE");
  auto role = options.environment("AWS_ROLE_ARN");
  if (!file) return nothing("AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  if (!role) return nothing("AWS_ROLE_ARN is not set");
  return web_identity_credentials(
      options, {*file, *role, options.environment("AWS_ROLE_SESSION_NAME").value_or(""),
                region_from_environment(options)});
}

Result<Credentials> static_keys(const Profile& profile, const std::string& name) {
  std::string key = setting(profile, "aws_access_key_id"),
              secret = setting(profile, "aws_secret_access_key");
  if (key.empty() || secret.empty())
    return nothing(fmt::format(
        "profile {} has only one of aws_access_key_id and aws_secret_access_key", name));
  return Credentials{key, secret, setting(profile, "aws_session_token"), std::nullopt,
                     "profile " + name};
}

Result<Credentials> profile_credentials(const ChainOptions& options, const Profiles& profiles,
                                        const std::string& name, std::set<std::string>& seen);

// A role of a profile: who calls is another profile or one of the other providers.
Result<Credentials> profile_role(const ChainOptions& options, const Profiles& profiles,
                                 const std::string& name, std::set<std::string>& seen) {
  const Profile& profile = profiles.at(name);
  if (!setting(profile, "mfa_serial").empty())
    return Error(ErrorKind::kUnsupported, "aws.mfa",
                 fmt::format("profile {} asks for a one-time password (mfa_serial), which a long "
                             "run cannot renew; put "
                             "keys into the environment or use credential_process",
                             name));
  std::string region = region_from_environment(options);
  if (region.empty()) region = setting(profile, "region");
  std::string arn = setting(profile, "role_arn"), session = setting(profile, "role_session_name");
  if (std::string file = setting(profile, "web_identity_token_file"); !file.empty())
    return web_identity_credentials(options, {file, arn, session, region});
  std::string source = setting(profile, "source_profile"),
              other = setting(profile, "credential_source");
  Result<Credentials> base = nothing(fmt::format(
      "profile {} has role_arn but neither source_profile nor credential_source", name));
  if (source == name && !setting(profile, "aws_access_key_id").empty()) {
    base = static_keys(profile, name);
  } else if (!source.empty()) {
    base = profile_credentials(options, profiles, source, seen);
  } else if (other == "Environment") {
    base = environment_credentials(options);
  } else if (other == "Ec2InstanceMetadata") {
    base = instance_credentials(options);
  } else if (other == "EcsContainer") {
    base = container_credentials(options);
  } else if (!other.empty()) {
    return nothing(fmt::format(
        "profile {}: credential_source must be Environment, Ec2InstanceMetadata or EcsContainer",
        name));
  }
  Credentials caller = TRY(std::move(base));
  return assume_role_credentials(options, {arn, session, setting(profile, "external_id"), region},
                                 caller);
}

Result<Credentials> profile_credentials(const ChainOptions& options, const Profiles& profiles,
                                        const std::string& name, std::set<std::string>& seen) {
  if (!seen.insert(name).second || seen.size() > kSourceProfilesMax)
    return nothing(
        fmt::format("profile {}: source_profile goes round in a circle or is too deep", name));
  auto at = profiles.find(name);
  if (at == profiles.end())
    return nothing(fmt::format("there is no profile {} in the config and credentials files", name));
  const Profile& profile = at->second;
  if (!setting(profile, "role_arn").empty()) return profile_role(options, profiles, name, seen);
  if (!setting(profile, "aws_access_key_id").empty() ||
      !setting(profile, "aws_secret_access_key").empty())
    return static_keys(profile, name);
  if (std::string command = setting(profile, "credential_process"); !command.empty())
    return process_credentials(command);
  for (const char* sso : {"sso_session", "sso_start_url"})
    if (!setting(profile, sso).empty())
      return Error(
          ErrorKind::kUnsupported, "aws.sso",
          fmt::format(
              "profile {} uses IAM Identity Center ({}); add credential_process = aws configure "
              "export-credentials --profile {}",
              name, sso, name));
  return nothing(fmt::format("profile {} holds no keys, role or credential_process", name));
}

Result<Credentials> chosen_profile_credentials(const ChainOptions& options) {
  Profiles profiles = TRY(read_profiles(options.environment));
  std::set<std::string> seen;
  return profile_credentials(options, profiles, chosen_profile(options), seen);
}

struct Provider {
  const char* name;
  Result<Credentials> (*get)(const ChainOptions& options);
};
constexpr Provider kChain[] = {
    {"environment", environment_credentials},    {"web identity", environment_web_identity},
    {"profile", chosen_profile_credentials},     {"container", container_credentials},
    {"instance metadata", instance_credentials},
};

class Chain : public CredentialsProvider {
 public:
  explicit Chain(ChainOptions options) : options_(std::move(options)) {}

  Result<Credentials> get() override {
    std::lock_guard lock(mutex_);  // held during the refresh, so that many threads cause one
    auto now = options_.clock->wall();
    if (cached_ && (!cached_->expires || now + kRefreshBefore < *cached_->expires)) return *cached_;
    Result<Credentials> fresh = provider_ ? refresh() : find();
    if (fresh.ok()) {
      cached_ = fresh.value();
      return fresh;
    }
    // A refresh may fail while the old ones are still good: use them to their end.
    if (cached_ && cached_->expires && now + std::chrono::seconds(10) < *cached_->expires)
      return *cached_;
    return fresh;
  }
  void invalidate() override {
    std::lock_guard lock(mutex_);
    cached_.reset();
  }

 private:
  Result<Credentials> refresh() {
    Result<Credentials> fresh = provider_->get(options_);
    if (fresh.ok()) return fresh;
    return Error(ErrorKind::kUnavailable, "aws.refresh",
                 fmt::format("the credentials from {} could not be renewed: {}", provider_->name,
                             fresh.error().message()));
  }
  Result<Credentials> find() {
    // A profile that is asked for by the caller's option goes before the environment, as in the
    // SDKs.
    if (!options_.profile.empty()) {
      static constexpr const Provider* kProfile = &kChain[2];
      Result<Credentials> found = kProfile->get(options_);
      if (found.ok()) provider_ = kProfile;
      return found;
    }
    std::string tried;
    for (const Provider& provider : kChain) {
      Result<Credentials> found = provider.get(options_);
      if (found.ok()) {
        provider_ = &provider;
        return found;
      }
      // What is configured but cannot be used must not be passed over for some other account's
      // keys.
      if (found.error().kind() == ErrorKind::kUnsupported) return found;
      if (asked_for(provider.name))
        return std::move(found).error().with_context(
            fmt::format("the credentials that are asked for ({})", provider.name));
      tried += fmt::format("\n  {}: {}", provider.name, found.error().message());
    }
    return Error(
        ErrorKind::kConfig, "aws.no_credentials",
        fmt::format("no AWS credentials were found; set AWS_PROFILE or AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or give this machine a role. Tried:{}",
                    tried));
  }

  bool asked_for(std::string_view provider) const {
    const auto& environment = options_.environment;
    if (provider == "web identity") return environment("AWS_WEB_IDENTITY_TOKEN_FILE").has_value();
    if (provider == "profile") return environment("AWS_PROFILE").has_value();
    if (provider == "container")
      return environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
             environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    return false;
  }

  const ChainOptions options_;
  std::mutex mutex_;
  const Provider* provider_ = nullptr;  // guarded by mutex_: the one that answered
  std::optional<Credentials> cached_;   // guarded by mutex_
};

class Fixed : public CredentialsProvider {
 public:
  explicit Fixed(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> get() override { return credentials_; }
  void invalidate() override {}

 private:
  const Credentials credentials_;
};

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value && *value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::shared_ptr<CredentialsProvider> open_credentials_chain(ChainOptions options) {
  return std::make_shared<Chain>(std::move(options));
}

std::shared_ptr<CredentialsProvider> fixed_credentials(Credentials credentials) {
  return std::make_shared<Fixed>(std::move(credentials));
}

Result<std::optional<std::string>> find_region(const ChainOptions& options) {
  if (std::string region = region_from_environment(options); !region.empty())
    return std::optional(region);
  Profiles profiles = TRY(read_profiles(options.environment));
  auto at = profiles.find(chosen_profile(options));
  std::string region = at == profiles.end() ? "" : setting(at->second, "region");
  return region.empty() ? std::optional<std::string>() : std::optional(region);
}

}  // namespace offramp::io::aws
