#include "io/aws/s3_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "io/aws/xml_text.h"
#include "io/fake_clock_test.h"
#include "io/scripted_server_test.h"

namespace offramp::io::aws {
namespace {

using testing::HasSubstr;

std::string error_xml(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code><Message>m &lt;x&gt;</Message>" +
         more + "</Error>";
}

// Serves `content` with ranges, If-Match and an ETag, as S3 does.
struct Object {
  std::string content, etag = "\"e1\"";
  ScriptedAnswer serve(const ScriptedRequest& request) const {
    std::string match = request.header("if-match"), range = request.header("range");
    if (!match.empty() && match != etag)
      return {.status = 412, .body = error_xml("PreconditionFailed")};
    if (range.empty()) return {.body = content, .headers = {"ETag: " + etag}};
    size_t from = std::stoul(range.substr(6));
    return {.status = 206,
            .body = content.substr(from),
            .headers = {"ETag: " + etag, "Content-Range: bytes " + std::to_string(from) + "-" +
                                             std::to_string(content.size() - 1) + "/" +
                                             std::to_string(content.size())}};
  }
};

class S3ClientTest : public testing::Test {
 protected:
  S3ClientTest() {
    char name[] = "/tmp/offramp-s3-XXXXXX";
    folder_ = mkdtemp(name);
    path_ = folder_ + "/object";
  }
  ~S3ClientTest() override { std::system(("rm -rf '" + folder_ + "'").c_str()); }

  void serve(ScriptedServer::Handler handler) {
    server_ = std::make_unique<ScriptedServer>(std::move(handler));
  }
  S3Options options() {
    return {.region = "eu-west-1",
            .endpoint = server_->url(),
            .credentials = fixed_credentials({"AKID", "hunter2", "", std::nullopt, "profile dev"}),
            .retry = {.tries_max = 4},
            .clock = &clock_};
  }
  std::string file() {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  bool file_exists() {
    struct stat info;
    return ::stat(path_.c_str(), &info) == 0;
  }
  // The error of a get_small that the server answers with `answer` each time.
  Error refused(const ScriptedAnswer& answer) {
    serve([answer](const ScriptedRequest&, size_t) { return answer; });
    auto got = S3Client(options()).get_small("bucket", "a/b", 100);
    EXPECT_FALSE(got.ok());
    return got.error();
  }

  FakeClock clock_;
  std::string folder_, path_;
  std::unique_ptr<ScriptedServer> server_;
};

TEST_F(S3ClientTest, GetsASmallObjectByPathAndSigns) {
  serve([](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "text"}; });
  S3Client client(options());
  EXPECT_EQ(client.get_small("my-bucket", "pre fix/AWSDynamoDB/01-é+=.json", 100).value(), "text");
  auto request = server_->requests().at(0);
  EXPECT_EQ(request.target, "/my-bucket/pre%20fix/AWSDynamoDB/01-%C3%A9%2B%3D.json");
  EXPECT_THAT(request.header("authorization"), HasSubstr("/eu-west-1/s3/aws4_request"));
  EXPECT_THAT(request.header("authorization"), HasSubstr("x-amz-content-sha256"));
}

TEST_F(S3ClientTest, C10_ASmallObjectHasABound) {
  serve([](const ScriptedRequest&, size_t) { return ScriptedAnswer{.body = "12345"}; });
  S3Client client(options());
  EXPECT_TRUE(client.get_small("bucket", "k", 5).ok());
  auto got = client.get_small("bucket", "k", 4);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), "s3.too_large");
}

TEST_F(S3ClientTest, DownloadsToAPrivateFile) {
  Object object{std::string(300'000, 'x')};
  serve([&](const ScriptedRequest& request, size_t) { return object.serve(request); });
  uint64_t seen = 0;
  ASSERT_TRUE(S3Client(options())
                  .download("bucket", "k", path_, 300'000, [&](uint64_t bytes) { seen = bytes; })
                  .ok());
  EXPECT_EQ(file(), object.content);
  EXPECT_EQ(seen, 300'000u);
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(S3ClientTest, DownloadsAnEmptyObject) {
  serve([](const ScriptedRequest& request, size_t) { return Object{""}.serve(request); });
  ASSERT_TRUE(S3Client(options()).download("bucket", "k", path_, 0).ok());
  EXPECT_TRUE(file_exists());
  EXPECT_EQ(file(), "");
}

TEST_F(S3ClientTest, GoesOnAfterCutConnections) {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i) + ",";
  Object object{content};
  serve([&](const ScriptedRequest& request, size_t index) {
    ScriptedAnswer answer = object.serve(request);
    if (index < 6) answer.cut_after = 80'000;  // more often than tries_max: progress counts anew
    return answer;
  });
  Status status = S3Client(options()).download("bucket", "k", path_, content.size());
  ASSERT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(file(), content);
  auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 7u);
  EXPECT_EQ(requests[0].header("range"), "");
  EXPECT_EQ(requests[1].header("if-match"), "\"e1\"");
  EXPECT_EQ(requests[1].header("range"), "bytes=80000-");
}

TEST_F(S3ClientTest, AServerWithoutRangesBeginsAgain) {
  std::string content(200'000, 'y');
  serve([&](const ScriptedRequest&, size_t index) {
    ScriptedAnswer answer{.body = content, .headers = {"ETag: \"e\""}};
    if (index == 0) answer.cut_after = 100'000;
    return answer;
  });
  ASSERT_TRUE(S3Client(options()).download("bucket", "k", path_).ok());
  EXPECT_EQ(file(), content);
}

TEST_F(S3ClientTest, C6_AnObjectThatChangesMeanwhileIsAnError) {
  Object before{std::string(200'000, 'a')}, after{std::string(200'000, 'b'), "\"e2\""};
  serve([&](const ScriptedRequest& request, size_t index) {
    ScriptedAnswer answer = (index == 0 ? before : after).serve(request);
    if (index == 0) answer.cut_after = 100'000;
    return answer;
  });
  Status status = S3Client(options()).download("bucket", "k", path_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "s3.changed");
  EXPECT_EQ(status.error().kind(), ErrorKind::kCorrupt);
  EXPECT_FALSE(file_exists()) << "half an object must not stay";
}

TEST_F(S3ClientTest, C6_AnotherSizeThanExpectedIsAnError) {
  serve([](const ScriptedRequest& request, size_t) { return Object{"12345"}.serve(request); });
  Status status = S3Client(options()).download("bucket", "k", path_, 6);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "s3.size");
  EXPECT_FALSE(file_exists());
}

TEST_F(S3ClientTest, RetriesPassingFaultsAndHeedsRetryAfter) {
  serve([](const ScriptedRequest&, size_t index) -> ScriptedAnswer {
    if (index == 0)
      return {.status = 503, .body = error_xml("SlowDown"), .headers = {"Retry-After: 7"}};
    if (index == 1) return {.status = 500, .body = error_xml("InternalError")};
    if (index == 2) return {.body = "cut here", .cut_after = 3};
    return {.body = "good"};
  });
  EXPECT_EQ(S3Client(options()).get_small("bucket", "k", 100).value(), "good");
  EXPECT_GE(clock_.passed(), std::chrono::seconds(7));
}

TEST_F(S3ClientTest, GivesUpAfterTheTries) {
  Error error = refused({.status = 503, .body = error_xml("SlowDown")});
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_EQ(server_->requests().size(), 4u);
  error = refused({.status = 500, .body = "not xml <Code"});
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  error = refused({.body = "text", .cut_after = 1});
  EXPECT_EQ(error.code(), "s3.unavailable");
  EXPECT_THAT(error.message(), HasSubstr("s3://bucket/a/b"));
}

TEST_F(S3ClientTest, ErrorsSayWhatToDo) {
  Error error = refused({.status = 404, .body = error_xml("NoSuchKey")});
  EXPECT_EQ(error.code(), "s3.no_such_key");
  EXPECT_THAT(error.message(), HasSubstr("s3://bucket/a/b"));
  EXPECT_EQ(refused({.status = 404, .body = error_xml("NoSuchBucket")}).code(),
            "s3.no_such_bucket");
  error = refused({.status = 403, .body = error_xml("AccessDenied")});
  EXPECT_EQ(error.code(), "s3.access_denied");
  EXPECT_THAT(error.message(), HasSubstr("profile dev"));
  EXPECT_THAT(error.message(), HasSubstr("s3:GetObject"));
  EXPECT_THAT(error.message(), testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(refused({.status = 403, .body = error_xml("RequestTimeTooSkewed")}).code(), "s3.clock");
  EXPECT_EQ(refused({.status = 403, .body = error_xml("InvalidObjectState")}).kind(),
            ErrorKind::kConfig);
  EXPECT_EQ(server_->requests().size(), 1u) << "a refusal is not repeated";
}

TEST_F(S3ClientTest, AsksAgainInTheBucketsOwnRegion) {
  serve([](const ScriptedRequest& request, size_t) -> ScriptedAnswer {
    if (request.header("authorization").find("/us-west-2/s3/") != std::string::npos)
      return {.body = "good"};
    return {.status = 301,
            .body = error_xml("PermanentRedirect"),
            .headers = {"x-amz-bucket-region: us-west-2"}};
  });
  S3Client client(options());
  EXPECT_EQ(client.get_small("bucket", "k", 100).value(), "good");
  EXPECT_EQ(client.get_small("bucket", "k2", 100).value(), "good");
  EXPECT_EQ(server_->requests().size(), 3u) << "the region is remembered";
}

TEST_F(S3ClientTest, ARegionThatNeverFitsIsAnError) {
  Error error =
      refused({.status = 400,
               .body = error_xml("AuthorizationHeaderMalformed", "<Region>ap-south-1</Region>")});
  EXPECT_EQ(error.code(), "s3.region");
  EXPECT_EQ(server_->requests().size(), 2u);
}

TEST_F(S3ClientTest, AnExpiredTokenIsRenewedOnce) {
  struct Renewing : CredentialsProvider {
    std::atomic<int> renewed = 0;
    Result<Credentials> get() override {
      return Credentials{"AK", "s", "token" + std::to_string(renewed), {}, "test"};
    }
    void invalidate() override { ++renewed; }
  };
  auto provider = std::make_shared<Renewing>();
  serve([](const ScriptedRequest& request, size_t) -> ScriptedAnswer {
    if (request.header("x-amz-security-token") == "token0")
      return {.status = 400, .body = error_xml("ExpiredToken")};
    return {.body = "good"};
  });
  S3Options with = options();
  with.credentials = provider;
  EXPECT_EQ(S3Client(with).get_small("bucket", "k", 100).value(), "good");
  EXPECT_EQ(provider->renewed, 1);
}

TEST_F(S3ClientTest, ListsPageByPageWithASortedQuery) {
  serve([](const ScriptedRequest& request, size_t index) -> ScriptedAnswer {
    auto contents = [](const std::string& key, int size) {
      return "<Contents><Key>" + key + "</Key><ETag>&quot;e&quot;</ETag><Size>" +
             std::to_string(size) + "</Size></Contents>";
    };
    if (index == 0)
      return {.body = "<ListBucketResult>" + contents("p/a&amp;b", 1) + contents("p/b", 2) +
                      "<NextContinuationToken>t+1=</NextContinuationToken></ListBucketResult>"};
    return {.body = "<ListBucketResult>" + contents("p/c", 3) + "</ListBucketResult>"};
  });
  auto got = S3Client(options()).list("bucket", "p/", 100);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->size(), 3u);
  EXPECT_EQ((*got)[0].key, "p/a&b");
  EXPECT_EQ((*got)[0].etag, "\"e\"");
  EXPECT_EQ((*got)[2].size, 3u);
  EXPECT_EQ(server_->requests().at(1).target,
            "/bucket/?continuation-token=t%2B1%3D&list-type=2&max-keys=1000&prefix=p%2F");
}

TEST_F(S3ClientTest, AFileThatCannotBeWrittenIsNamed) {
  serve([](const ScriptedRequest& request, size_t) { return Object{"x"}.serve(request); });
  Status status = S3Client(options()).download("bucket", "k", folder_ + "/no/such/folder");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr("/no/such/folder"));
}

TEST_F(S3ClientTest, BadBucketNamesNeverBecomeAddresses) {
  serve([](const ScriptedRequest&, size_t) { return ScriptedAnswer{}; });
  S3Client client(options());
  for (const char* bad : {"", "ab", "Upper", "a/b", "evil.example#", "a b c"})
    EXPECT_EQ(client.get_small(bad, "k", 1).error().code(), "s3.bucket_name") << bad;
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(S3ClientTest, ManyThreadsDownload) {
  Object object{std::string(100'000, 'z')};
  serve([&](const ScriptedRequest& request, size_t) { return object.serve(request); });
  S3Client client(options());
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i)
        good += client.download("bucket", "k", path_ + std::to_string(t), 100'000).ok();
    });
  threads.clear();
  EXPECT_EQ(good, 20);
}

TEST(XmlText, FindsElementsAndUndoesEntities) {
  EXPECT_EQ(xml_text("<A><Key>a&amp;b&#x41;&#233;&unknown;</Key></A>", "Key"),
            "a&bA\xc3\xa9&unknown;");
  EXPECT_EQ(xml_text("<KeyCount>3</KeyCount><Key>k</Key>", "Key"), "k");
  EXPECT_EQ(xml_text("<Key/>", "Key"), "");
  for (const char* bad : {"", "<", "<Key", "<Key>", "<Key>x", "</Key>", "<Keys>x</Keys>"})
    EXPECT_EQ(xml_text(bad, "Key"), std::nullopt) << bad;
}

}  // namespace
}  // namespace offramp::io::aws
