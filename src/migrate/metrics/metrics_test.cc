// What is scraped, over HTTP as a monitoring system does it.
#include "migrate/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "base/version.h"
#include "io/fake_clock_test.h"
#include "io/http_client.h"
#include "migrate/metrics/endpoint.h"
#include "migrate/metrics/families.h"

namespace offramp::migrate::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int64_t kStartMs = 1'700'000'000'000;  // FakeClock's

Sample full_sample() {
  Sample sample;
  sample.phase = "in sync";
  sample.records = 1000, sample.source_bytes = 123456, sample.stored = 990, sample.overflow = 2,
  sample.skipped = 7, sample.refused = 3;
  LiveState live;
  live.phase = "in sync";
  live.captured_until_ms = kStartMs - 500;
  live.applied_until_ms = kStartMs - 1500;
  live.shards = 5, live.shards_open = 4;
  live.expires_at_ms = kStartMs + 3'600'000;
  live.spool_bytes = 4096, live.spool_changes = 44, live.spool_keys = 33;
  live.captured = 77, live.deletions = 8, live.ttl_deletions = 6, live.applied = 70,
  live.bytes = 9999, live.retries = 4;
  sample.live = live;
  sample.stream_answers = 500;
  sample.following = true;
  sample.source_retries = 12, sample.source_throttles = 11;
  sample.letters = {.open = 3, .waived = 2, .applied = 1};
  sample.verdict = Verdict{.equal = false,
                           .missing = 1,
                           .extra = 2,
                           .different = 3,
                           .refused = 4,
                           .waived = 5,
                           .unsettled = 6,
                           .at_s = 1'699'999'990,
                           .equal_until_s = 1'699'999'900};
  return sample;
}

class MetricsTest : public testing::Test {
 protected:
  io::HttpResponse get(const Endpoint& endpoint, const std::string& path,
                       const std::string& method = "GET") {
    io::HttpClient client;
    io::HttpResponse response;
    Status sent = client.send(
        {.method = method, .url = endpoint.url() + path, .proxy = io::ProxyUse::kNever}, response);
    EXPECT_TRUE(sent.ok()) << (sent.ok() ? "" : sent.error().message());
    return response;
  }
  std::unique_ptr<Endpoint> serve() { return Endpoint::open("127.0.0.1:0", metrics_).value(); }

  io::FakeClock clock_;
  Metrics metrics_{{.clock = &clock_}};
};

TEST_F(MetricsTest, EveryValueIsScrapedUnderItsName) {
  auto entry = metrics_.add("Orders", full_sample);
  auto endpoint = serve();
  io::HttpResponse response = get(*endpoint, "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  std::istringstream lines(response.body);
  std::set<std::string> found;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line[0] != '#') found.insert(line);
  const std::string t = "{table=\"Orders\"}";
  std::set<std::string> expected = {
      "offramp_build_info{version=\"" + std::string(base::version()) + "\"} 1",
      "offramp_start_time_seconds 1700000000",
      "offramp_healthy" + t + " 1",
      "offramp_source_records_read_total" + t + " 1000",
      "offramp_source_read_bytes_total" + t + " 123456",
      "offramp_items_loaded_total" + t + " 990",
      "offramp_items_overflow_total" + t + " 2",
      "offramp_items_skipped_total" + t + " 7",
      "offramp_items_refused_total" + t + " 3",
      "offramp_changes_captured_total" + t + " 77",
      "offramp_deletions_captured_total" + t + " 8",
      "offramp_ttl_deletions_captured_total" + t + " 6",
      "offramp_captured_bytes_total" + t + " 9999",
      "offramp_stream_answers_total" + t + " 500",
      "offramp_changes_applied_total" + t + " 70",
      "offramp_lag_seconds" + t + " 1.5",
      "offramp_captured_until_timestamp_seconds" + t + " 1699999999.5",
      "offramp_applied_until_timestamp_seconds" + t + " 1699999998.5",
      "offramp_spool_bytes" + t + " 4096",
      "offramp_spool_changes" + t + " 44",
      "offramp_spool_keys" + t + " 33",
      "offramp_shards" + t + " 5",
      "offramp_shards_open" + t + " 4",
      "offramp_unread_expiry_seconds" + t + " 3600",
      "offramp_source_retries_total" + t + " 12",
      "offramp_source_throttles_total" + t + " 11",
      "offramp_target_retries_total" + t + " 4",
      "offramp_verify_equal" + t + " 0",
      "offramp_verify_timestamp_seconds" + t + " 1699999990",
      "offramp_verify_equal_until_timestamp_seconds" + t + " 1699999900",
      "offramp_waiting{table=\"Orders\",side=\"source\"} 0",
      "offramp_waiting{table=\"Orders\",side=\"target\"} 0",
  };
  for (std::string_view phase : kPhases)
    expected.insert("offramp_phase{table=\"Orders\",phase=\"" + std::string(phase) + "\"} " +
                    (phase == "in sync" ? "1" : "0"));
  for (auto [state, count] :
       {std::pair("open", 3), std::pair("waived", 2), std::pair("applied", 1)})
    expected.insert(std::string("offramp_dead_letters{table=\"Orders\",state=\"") + state + "\"} " +
                    std::to_string(count));
  int kinds = 0;
  for (const char* kind : {"missing", "extra", "different", "refused", "waived", "unsettled"})
    expected.insert(std::string("offramp_verify_differences{table=\"Orders\",kind=\"") + kind +
                    "\"} " + std::to_string(++kinds));
  EXPECT_EQ(found, expected);
}

TEST_F(MetricsTest, WhatIsNotKnownIsNaNSoThatEveryMetricIsInEveryScrape) {
  auto names = [&] {
    std::set<std::string> out;
    std::istringstream lines(metrics_.text());
    for (std::string line; std::getline(lines, line);)
      if (line[0] != '#') out.insert(line.substr(0, line.rfind(' ')));
    return out;
  };
  auto full = metrics_.add("Orders", full_sample);
  auto all = names();
  full.reset();
  auto empty = metrics_.add("Orders", [] { return Sample(); });
  EXPECT_EQ(names(), all);
  std::string text = metrics_.text();
  for (const char* name :
       {"offramp_lag_seconds", "offramp_unread_expiry_seconds", "offramp_verify_equal",
        "offramp_captured_until_timestamp_seconds", "offramp_verify_timestamp_seconds"})
    EXPECT_THAT(text, HasSubstr(std::string("\n") + name + "{table=\"Orders\"} Nan\n"));
}

TEST_F(MetricsTest, SeveralTablesShareEachMetricAndLeaveOneByOne) {
  auto one = metrics_.add("One", full_sample);
  auto two = metrics_.add("T\"wo", full_sample);
  std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("offramp_spool_bytes{table=\"One\"} "
                              "4096\nofframp_spool_bytes{table=\"T\\\"wo\"} 4096\n"));
  one.reset();
  EXPECT_THAT(metrics_.text(), Not(HasSubstr("One")));
  EXPECT_THAT(metrics_.text(), HasSubstr("T\\\"wo"));
}

TEST_F(MetricsTest, HealthIsProgressAndNamesTheTableThatMakesNone) {
  Sample moves, away;
  moves.phase = away.phase = "in sync";
  moves.live.emplace();
  away.live.emplace();
  away.target_waiting = "connection refused";
  auto one = metrics_.add("Moves", [&] {
    ++moves.stream_answers, ++moves.live->applied_until_ms;
    return moves;
  });
  auto two = metrics_.add("Away", [&] {
    ++away.stream_answers;
    return away;
  });
  auto endpoint = serve();
  EXPECT_EQ(get(*endpoint, "/healthz").status, 200);
  EXPECT_EQ(get(*endpoint, "/healthz").body, "ok\n");
  clock_.pass(std::chrono::seconds(95));
  io::HttpResponse response = get(*endpoint, "/healthz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "Away: the target has been away for 95 s: connection refused\n");
  EXPECT_THAT(metrics_.text(),
              HasSubstr("offramp_healthy{table=\"Moves\"} 1\nofframp_healthy{table=\"Away\"} 0\n"));
  two.reset();
  EXPECT_EQ(get(*endpoint, "/healthz").status, 200);
}

TEST_F(MetricsTest, AMoveThatFailedStaysVisibleUntilItIsBegunAgain) {
  metrics_.add("Moves", full_sample).reset();
  metrics_.add_failed("Moves", "records expired");
  Metrics::Verdict verdict = metrics_.health();
  EXPECT_FALSE(verdict.healthy);
  EXPECT_EQ(verdict.text, "Moves: the migration failed: records expired\n");
  EXPECT_THAT(metrics_.text(), HasSubstr("offramp_phase{table=\"Moves\",phase=\"failed\"} 1\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("offramp_healthy{table=\"Moves\"} 0\n"));
  auto again = metrics_.add("Moves", full_sample);
  EXPECT_TRUE(metrics_.health().healthy);
}

TEST_F(MetricsTest, ServesNothingElse) {
  auto endpoint = serve();
  for (const char* path : {"/", "/metrics/more", "/healthz/more", "/../etc/passwd", "/etc/passwd"})
    EXPECT_EQ(get(*endpoint, path).status, 404) << path;
  for (const char* method : {"POST", "PUT", "DELETE"})
    EXPECT_EQ(get(*endpoint, "/metrics", method).status, 405) << method;
  EXPECT_EQ(get(*endpoint, "/metrics").status, 200);
}

TEST_F(MetricsTest, ABusyPortAndAnAddressOfAnotherMachineAreNamed) {
  auto first = serve();
  std::string taken = first->url().substr(7);
  auto second = Endpoint::open(taken, metrics_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::kConfig);
  EXPECT_EQ(second.error().code(), "metrics.listen");
  EXPECT_THAT(second.error().message(), HasSubstr(taken));
  EXPECT_THAT(second.error().message(), HasSubstr("in use"));
  auto elsewhere = Endpoint::open("192.0.2.1:9464", metrics_);
  ASSERT_FALSE(elsewhere.ok());
  EXPECT_EQ(elsewhere.error().kind(), ErrorKind::kConfig);
  EXPECT_THAT(elsewhere.error().message(), HasSubstr("192.0.2.1:9464"));
  // The port is free again afterwards.
  first.reset();
  EXPECT_TRUE(Endpoint::open(taken, metrics_).ok());
}

TEST_F(MetricsTest, ManyScrapeWhileTablesComeAndGo) {
  auto endpoint = serve();
  std::vector<std::jthread> scrapers;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; ++i)
    scrapers.emplace_back([&] {
      for (int n = 0; n < 20; ++n)
        good += get(*endpoint, n % 2 ? "/metrics" : "/healthz").status == 200;
    });
  for (int n = 0; n < 200; ++n) auto entry = metrics_.add("Orders", full_sample);
  scrapers.clear();
  EXPECT_EQ(good, 120);
}

}  // namespace
}  // namespace offramp::migrate::metrics
