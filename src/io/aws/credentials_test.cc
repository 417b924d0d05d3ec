#include "io/aws/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "io/aws/config_files.h"
#include "io/aws/remote_credentials.h"
#include "io/fake_clock_test.h"
#include "io/scripted_server_test.h"

namespace offramp::io::aws {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kFar = "2099-01-01T00:00:00Z";

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    char name[] = "/tmp/offramp-credentials-XXXXXX";
    folder_ = mkdtemp(name);
    variables_["AWS_CONFIG_FILE"] = folder_ + "/config";
    variables_["AWS_SHARED_CREDENTIALS_FILE"] = folder_ + "/credentials";
    variables_["AWS_EC2_METADATA_DISABLED"] = "true";
  }
  ~CredentialsTest() override { std::system(("rm -rf '" + folder_ + "'").c_str()); }

  ChainOptions options() {
    ChainOptions out;
    out.environment = [this](const std::string& name) -> std::optional<std::string> {
      auto at = variables_.find(name);
      return at == variables_.end() ? std::nullopt : std::optional(at->second);
    };
    out.clock = &clock_;
    return out;
  }
  Result<Credentials> get() { return open_credentials_chain(options())->get(); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  std::string folder_;
  std::map<std::string, std::string> variables_;
  FakeClock clock_;
};

std::string endpoint_answer(const std::string& expiration) {
  return R"({"Code":"Success","AccessKeyId":"AKREMOTE","SecretAccessKey":"s3cr3t","Token":"tok","Expiration":")" +
         expiration + "\"}";
}

std::string sts_answer(const std::string& action, const std::string& key) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s&amp;t</SecretAccessKey><SessionToken>tok==</"
         "SessionToken><Expiration>" +
         kFar + "</Expiration></Credentials></" + action + "Result></" + action + "Response>";
}

TEST_F(CredentialsTest, EnvironmentComesFirst) {
  variables_["AWS_ACCESS_KEY_ID"] = "AKENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = "secret";
  variables_["AWS_SESSION_TOKEN"] = "token";
  write("credentials", "[default]\naws_access_key_id=AKFILE\naws_secret_access_key=x\n");
  auto got = get();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->access_key_id, "AKENV");
  EXPECT_EQ(got->session_token, "token");
  EXPECT_EQ(got->source, "environment");
}

TEST_F(CredentialsTest, ProfilesOfBothFiles) {
  write("config",
        "# comment\n[default]\nregion = eu-west-1\n[profile dev]\naws_access_key_id = AKCONFIG\n"
        "aws_secret_access_key = a\nregion=eu-central-1\ns3 =\n  max_bandwidth = 1\n[sso-session "
        "x]\nsso_region = y\n");
  write("credentials",
        "[default]\naws_access_key_id=AKDEFAULT\naws_secret_access_key=has#hash\n\n"
        "[dev]\r\naws_access_key_id = AKDEV ; note\r\naws_secret_access_key = "
        "b/+=\r\naws_session_token = t\r\n");
  auto got = get();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->access_key_id, "AKDEFAULT");
  EXPECT_EQ(got->secret_access_key, "has#hash");
  variables_["AWS_PROFILE"] = "dev";
  got = get();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->access_key_id, "AKDEV") << "the credentials file wins";
  EXPECT_EQ(got->secret_access_key, "b/+=");
  EXPECT_EQ(got->session_token, "t");
  EXPECT_EQ(find_region(options()).value(), "eu-central-1");
  variables_["AWS_DEFAULT_REGION"] = "us-west-2";
  EXPECT_EQ(find_region(options()).value(), "us-west-2");
  variables_["AWS_REGION"] = "ap-south-1";
  EXPECT_EQ(find_region(options()).value(), "ap-south-1");
}

TEST_F(CredentialsTest, NoRegionIsNoError) {
  EXPECT_EQ(find_region(options()).value(), std::nullopt);
}

TEST_F(CredentialsTest, ABadConfigFileNamesTheLineAndNotTheText) {
  write("credentials", "[default]\nMYSECRETLINE\n");
  auto got = get();
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message(), HasSubstr("credentials line 2"));
  EXPECT_THAT(got.error().message(), Not(HasSubstr("MYSECRETLINE")));
}

TEST_F(CredentialsTest, C12_NobodyHasAnyListsWhatWasTried) {
  write("credentials", "[other]\naws_access_key_id=AKOTHER\naws_secret_access_key=hunter2\n");
  auto got = get();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kConfig);
  for (const char* part : {"environment: AWS_ACCESS_KEY_ID is not set",
                           "web identity:", "profile: there is no profile default", "container:",
                           "instance metadata: switched off by AWS_EC2_METADATA_DISABLED"})
    EXPECT_THAT(got.error().message(), HasSubstr(part));
  EXPECT_THAT(got.error().message(), Not(HasSubstr("hunter2")));
}

TEST_F(CredentialsTest, AProfileThatIsAskedForIsNotPassedOver) {
  ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = endpoint_answer(kFar)}; });
  variables_["AWS_PROFILE"] = "typo";
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/creds";
  auto got = get();
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message(), HasSubstr("no profile typo"));
}

TEST_F(CredentialsTest, CredentialProcess) {
  std::string script = write(
      "helper.sh",
      std::string("echo '{\"Version\":1,\"AccessKeyId\":\"AKPROC\",\"SecretAccessKey\":\"p\",") +
          "\"SessionToken\":\"st\",\"Expiration\":\"" + kFar + "\"}'\n");
  write("config", "[default]\ncredential_process = /bin/sh '" + script + "'\n");
  auto got = get();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->access_key_id, "AKPROC");
  EXPECT_EQ(got->session_token, "st");
  EXPECT_TRUE(got->expires);
}

TEST_F(CredentialsTest, CredentialProcessFailuresSayWhy) {
  write("config", "[default]\ncredential_process = exit 3\n");
  EXPECT_THAT(get().error().message(), HasSubstr("status 3"));
  write("config", "[default]\ncredential_process = echo SECRETOUTPUT\n");
  auto got = get();
  EXPECT_THAT(got.error().message(), HasSubstr("no JSON object"));
  EXPECT_THAT(got.error().message(), Not(HasSubstr("SECRETOUTPUT")));
  write("config", "[default]\ncredential_process = echo '{\"Version\":2}'\n");
  EXPECT_THAT(get().error().message(), HasSubstr("Version"));
  write("config", "[default]\ncredential_process = head -c 100000 /dev/zero\n");
  EXPECT_THAT(get().error().message(), HasSubstr("too much"));
}

TEST_F(CredentialsTest, WebIdentity) {
  ScriptedServer server([](const ScriptedRequest&, size_t index) {
    if (index == 0) return ScriptedAnswer{.status = 500, .body = "<Code>InternalFailure</Code>"};
    return ScriptedAnswer{.body = sts_answer("AssumeRoleWithWebIdentity", "AKWEB")};
  });
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "ey.J=\n");
  variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  variables_["AWS_ENDPOINT_URL_STS"] = server.url();
  auto got = get();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->access_key_id, "AKWEB");
  EXPECT_EQ(got->secret_access_key, "s&t");
  EXPECT_TRUE(got->expires);
  auto request = server.requests().at(1);
  EXPECT_EQ(request.body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%"
            "3Arole%2Fr&"
            "RoleSessionName=offramp&WebIdentityToken=ey.J%3D");
  EXPECT_EQ(request.header("authorization"), "") << "the token is the proof";
}

TEST_F(CredentialsTest, WebIdentityRefusalIsFinalAndKeepsTheToken) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{
        .status = 403,
        .body = "<Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error>"};
  });
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "SECRETTOKEN");
  variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  variables_["AWS_ENDPOINT_URL_STS"] = server.url();
  auto got = get();
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message(), HasSubstr("AccessDenied"));
  EXPECT_THAT(got.error().message(), Not(HasSubstr("SECRETTOKEN")));
}

TEST_F(CredentialsTest, ARoleOfAProfileIsAssumedWithItsSourceProfile) {
  ScriptedServer server([](const ScriptedRequest&, size_t) {
    return ScriptedAnswer{.body = sts_answer("AssumeRole", "AKROLE")};
  });
  write("config",
        "[profile base]\naws_access_key_id=AKBASE\naws_secret_access_key=b\n"
        "[profile role]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=base\nexternal_id=e "
        "1\nregion=eu-west-1\n");
  variables_["AWS_PROFILE"] = "role";
  variables_["AWS_ENDPOINT_URL_STS"] = server.url();
  auto got = get();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->access_key_id, "AKROLE");
  auto request = server.requests().at(0);
  EXPECT_THAT(request.header("authorization"), HasSubstr("Credential=AKBASE/"));
  EXPECT_THAT(request.header("authorization"), HasSubstr("/eu-west-1/sts/"));
  EXPECT_THAT(request.body, HasSubstr("ExternalId=e%201"));
}

TEST_F(CredentialsTest, ProfilesThatCannotWorkSayWhatToDo) {
  write("config",
        "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n"
        "[profile m]\nrole_arn=x\nmfa_serial=1\nsource_profile=b\n[profile s]\nsso_session=corp\n");
  variables_["AWS_PROFILE"] = "a";
  EXPECT_THAT(get().error().message(), HasSubstr("circle"));
  variables_["AWS_PROFILE"] = "m";
  auto got = get();
  EXPECT_EQ(got.error().kind(), ErrorKind::kUnsupported);
  EXPECT_THAT(got.error().message(), HasSubstr("profile m"));
  variables_["AWS_PROFILE"] = "s";
  got = get();
  EXPECT_EQ(got.error().kind(), ErrorKind::kUnsupported);
  EXPECT_THAT(got.error().message(), HasSubstr("export-credentials --profile s"));
}

TEST_F(CredentialsTest, Container) {
  ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = endpoint_answer(kFar)}; });
  variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("auth", "Bearer 1\n");
  ChainOptions chain = options();
  chain.container_endpoint = server.url();
  auto got = open_credentials_chain(chain)->get();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->access_key_id, "AKREMOTE");
  EXPECT_EQ(got->source, "container");
  EXPECT_EQ(server.requests().at(0).target, "/v2/credentials/1");
  EXPECT_EQ(server.requests().at(0).header("authorization"), "Bearer 1");
}

TEST_F(CredentialsTest, AContainerAddressInClearTextElsewhereIsRefused) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/steal";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "t0ken";
  auto got = get();
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message(), HasSubstr("must be https"));
}

ScriptedAnswer metadata(const ScriptedRequest& request) {
  if (request.method == "PUT") return {.body = "imds-token"};
  if (request.header("x-aws-ec2-metadata-token") != "imds-token") return {.status = 401};
  if (request.target == "/latest/meta-data/iam/security-credentials/") return {.body = "my-role"};
  return {.body = endpoint_answer(kFar)};
}

TEST_F(CredentialsTest, InstanceMetadataVersion2) {
  ScriptedServer server([](const ScriptedRequest& request, size_t) { return metadata(request); });
  variables_.erase("AWS_EC2_METADATA_DISABLED");
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url();
  auto got = get();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->source, "instance metadata");
  EXPECT_EQ(server.requests().at(0).header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(server.requests().at(2).target, "/latest/meta-data/iam/security-credentials/my-role");
}

TEST_F(CredentialsTest, InstanceWithoutRole) {
  ScriptedServer server([](const ScriptedRequest& request, size_t) {
    return request.method == "PUT" ? ScriptedAnswer{.body = "t"} : ScriptedAnswer{.status = 404};
  });
  variables_.erase("AWS_EC2_METADATA_DISABLED");
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url();
  EXPECT_THAT(get().error().message(), HasSubstr("has no IAM role"));
}

TEST_F(CredentialsTest, AreRefreshedBeforeTheyExpireAndUsedToTheirEnd) {
  std::atomic<bool> broken = false;
  // The fake clock starts at 2023-11-14T22:13:20Z.
  ScriptedServer server([&](const ScriptedRequest&, size_t index) {
    if (broken) return ScriptedAnswer{.status = 400};
    return ScriptedAnswer{
        .body = endpoint_answer(index == 0 ? "2023-11-14T23:13:20Z" : "2023-11-15T00:13:20Z")};
  });
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url();
  auto chain = open_credentials_chain(options());
  ASSERT_TRUE(chain->get().ok());
  ASSERT_TRUE(chain->get().ok());
  EXPECT_EQ(server.requests().size(), 1u) << "kept";
  clock_.pass(std::chrono::minutes(56));
  ASSERT_TRUE(chain->get().ok());
  EXPECT_EQ(server.requests().size(), 2u) << "renewed within five minutes of the end";
  broken = true;
  clock_.pass(std::chrono::minutes(62));
  EXPECT_TRUE(chain->get().ok()) << "two minutes are left";
  clock_.pass(std::chrono::minutes(3));
  auto got = chain->get();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kUnavailable);
  broken = false;
  chain->invalidate();
  EXPECT_TRUE(chain->get().ok());
}

TEST_F(CredentialsTest, ManyThreadsCauseOneRefresh) {
  ScriptedServer server(
      [](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = endpoint_answer(kFar)}; });
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url();
  auto chain = open_credentials_chain(options());
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { good += chain->get().ok(); });
  threads.clear();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(Expiration, IsRead) {
  EXPECT_EQ(parse_expiration("1970-01-01T00:01:00Z"), Clock::Wall(std::chrono::seconds(60)));
  EXPECT_EQ(parse_expiration("1970-01-01T00:01:00.123Z"), Clock::Wall(std::chrono::seconds(60)));
  EXPECT_EQ(parse_expiration("1970-01-01T00:01:00+00:00"), Clock::Wall(std::chrono::seconds(60)));
  for (const char* bad : {"", "soon", "1970-01-01T00:01:00+02:00", "1970-01-01"})
    EXPECT_FALSE(parse_expiration(bad)) << bad;
}

}  // namespace
}  // namespace offramp::io::aws
