#include "io/http/request_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstring>

namespace offramp::io::http {
namespace {

using Progress = RequestParser::Progress;

struct Seen {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool keep_alive;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::vector<Seen> requests;
  Progress last = Progress::kMore;
};

// Feeds `bytes` in pieces of the given sizes (then the rest at once).
Outcome feed(std::string_view bytes, std::vector<size_t> sizes, size_t header_max = 16 << 10,
             size_t body_max = 1 << 20) {
  RequestParser parser(header_max, body_max);
  Outcome outcome;
  for (size_t piece = 0; !bytes.empty(); ++piece) {
    auto room = parser.prepare();
    EXPECT_FALSE(room.empty());
    size_t size =
        std::min({bytes.size(), room.size(),
                  piece < sizes.size() ? std::max<size_t>(sizes[piece], 1) : room.size()});
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    parser.commit(size);
    while ((outcome.last = parser.parse()) == Progress::kRequest) {
      Request& request = parser.request();
      Seen seen{std::string(request.method),
                std::string(request.target),
                std::string(request.body),
                {},
                parser.keep_alive()};
      for (auto [name, value] : request.headers) seen.headers.emplace_back(name, value);
      outcome.requests.push_back(std::move(seen));
      parser.next();
    }
    if (outcome.last != Progress::kMore) break;
  }
  return outcome;
}

Outcome feed(std::string_view bytes) { return feed(bytes, {}); }

TEST(RequestParser, ReadsARequestWithABody) {
  Outcome outcome =
      feed("POST /a?b HTTP/1.1\r\nHost: h\r\nX-Y:  z \r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(outcome.requests.size(), 1u);
  const Seen& seen = outcome.requests[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/a?b");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_TRUE(seen.keep_alive);
  ASSERT_EQ(seen.headers.size(), 3u);
  EXPECT_EQ(seen.headers[1], (std::pair<std::string, std::string>("X-Y", "z")));
}

TEST(RequestParser, TheBodyIsFollowedByReadablePadding) {
  RequestParser parser(1 << 10, 1 << 10);
  std::string_view text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
  std::memcpy(parser.prepare().data(), text.data(), text.size());
  parser.commit(text.size());
  ASSERT_EQ(parser.parse(), Progress::kRequest);
  std::string_view body = parser.request().body;
  std::string copy(body.data(), body.size() + kBodyPadding);  // for the address sanitizer
  EXPECT_EQ(copy.size(), 1 + kBodyPadding);
}

TEST(RequestParser, ReadsChunksWithExtensionsAndTrailers) {
  Outcome outcome = feed(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 2u);
  EXPECT_EQ(outcome.requests[0].body, "hello world");
  EXPECT_EQ(outcome.requests[0].headers.size(), 2u);
  EXPECT_EQ(outcome.requests[1].method, "GET");
}

struct Bad {
  const char* what;
  std::string bytes;
};

TEST(RequestParser, RefusesWhatIsMalformed) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<Bad> cases = {
      {"no HTTP", "\x16\x03\x01\x02\r\n\r\n"},
      {"no version", "GET /\r\n\r\n"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"folded line", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"},
      {"blank in a name", "GET / HTTP/1.1\r\nHost: h\r\nA b: c\r\n\r\n"},
      {"blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
      {"control in a value", std::string("GET / HTTP/1.1\r\nHost: h\r\nA: b") + '\0' + "c\r\n\r\n"},
      {"length no number", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"},
      {"length negative", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"},
      {"length with sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na"},
      {"two lengths",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {"length and chunks",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n"},
      {"chunks and length",
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
       "1\r\n\r\n0\r\n\r\n"},
      {"other coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {"coding identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"},
      {"chunk size no number", chunked + "x\r\n"},
      {"chunk size negative", chunked + "-1\r\n"},
      {"chunk size huge", chunked + "fffffffffffffffff\r\n"},
      {"chunk longer than said", chunked + "1\r\nab\r\n0\r\n\r\n"},
      {"endless chunk line", chunked + "1;" + std::string(100'000, 'a')},
      {"endless trailers", chunked + "0\r\n" + std::string(100'000, 'a')},
      {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n" + std::string(20'000, 'a')},
  };
  for (const Bad& one : cases) {
    Outcome outcome = feed(one.bytes);
    EXPECT_TRUE(outcome.requests.empty()) << one.what;
    EXPECT_EQ(outcome.last, Progress::kMalformed) << one.what;
    std::vector<size_t> single(one.bytes.size(), 1);
    outcome = feed(one.bytes, single);
    EXPECT_TRUE(outcome.requests.empty()) << one.what << ", byte by byte";
    EXPECT_EQ(outcome.last, Progress::kMalformed) << one.what << ", byte by byte";
  }
}

TEST(RequestParser, HoldsTheHeaderLimitToTheByte) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nA: ", end = "\r\n\r\n";
  for (size_t limit : {200u, 16u << 10}) {
    std::string fits = start + std::string(limit - start.size() - end.size(), 'a') + end;
    std::string over = start + std::string(limit - start.size() - end.size() + 1, 'a') + end;
    for (bool single : {false, true}) {
      auto sizes = single ? std::vector<size_t>(over.size(), 1) : std::vector<size_t>();
      EXPECT_EQ(feed(fits, sizes, limit).requests.size(), 1u);
      EXPECT_EQ(feed(over, sizes, limit).last, Progress::kMalformed);
    }
    // Many short lines are as much as one long one.
    std::string lines = "GET / HTTP/1.1\r\nHost: h\r\n";
    while (lines.size() <= limit) lines += "A: b\r\n";
    EXPECT_EQ(feed(lines, std::vector<size_t>(lines.size(), 7), limit).last, Progress::kMalformed);
  }
}

TEST(RequestParser, HoldsTheBodyLimitToTheByte) {
  auto with_length = [](size_t size) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  EXPECT_EQ(feed(with_length(1000) + std::string(1000, 'x'), {}, 1000, 1000).requests.size(), 1u);
  EXPECT_EQ(feed(with_length(1001), {}, 1000, 1000).last, Progress::kTooLarge);
  EXPECT_EQ(feed(with_length(SIZE_MAX), {}, 1000, 1000).last, Progress::kTooLarge);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunk = "64\r\n" + std::string(100, 'x') + "\r\n", ten;
  for (int i = 0; i < 10; ++i) ten += chunk;
  EXPECT_EQ(feed(chunked + ten + "0\r\n\r\n", {}, 1000, 1000).requests.size(), 1u);
  EXPECT_EQ(feed(chunked + ten + "1\r\nx\r\n0\r\n\r\n", {}, 1000, 1000).last, Progress::kTooLarge);
}

TEST(RequestParser, KeepsTheConnectionAsTheVersionHasIt) {
  EXPECT_TRUE(feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n").requests.at(0).keep_alive);
  EXPECT_FALSE(
      feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").requests.at(0).keep_alive);
  EXPECT_FALSE(feed("GET / HTTP/1.0\r\n\r\n").requests.at(0).keep_alive);
  EXPECT_TRUE(feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").requests.at(0).keep_alive);
}

TEST(RequestParser, IgnoresEmptyLinesBeforeARequest) {
  EXPECT_EQ(feed("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
                .requests.size(),
            2u);
}

TEST(RequestParser, GivesMemoryBackAfterALargeRequest) {
  RequestParser parser(16 << 10, 16 << 20);
  std::string bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n" + std::string(4'000'000, 'x');
  std::string_view left = bytes;
  // What a header promises is not taken before it comes.
  EXPECT_LT(parser.body_bytes_held(), 1u << 20);
  Progress progress = Progress::kMore;
  while (!left.empty()) {
    auto room = parser.prepare();
    size_t size = std::min(room.size(), left.size());
    std::memcpy(room.data(), left.data(), size);
    left.remove_prefix(size);
    parser.commit(size);
    progress = parser.parse();
  }
  ASSERT_EQ(progress, Progress::kRequest);
  EXPECT_EQ(parser.request().body.size(), 4'000'000u);
  EXPECT_LT(parser.body_bytes_held(), 8'000'000u);
  parser.next();
  EXPECT_EQ(parser.body_bytes_held(), 0u);
  EXPECT_LE(parser.prepare().size(), 16u << 10);
}

// However the bytes are cut, the requests are the same.
RC_GTEST_PROP(RequestParser, CutsDoNotMatter, ()) {
  std::string bytes;
  const int count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i) {
    std::string body(*rc::gen::inRange<size_t>(0, 9000), static_cast<char>('a' + i));
    bytes += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n";
    for (int h = *rc::gen::inRange(0, 60); h > 0; --h)
      bytes += "X-" + std::to_string(h) + ": " + std::string(static_cast<size_t>(h), 'v') + "\r\n";
    if (*rc::gen::inRange(0, 2)) {
      bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else {
      bytes += "Transfer-Encoding: chunked\r\n\r\n";
      for (size_t at = 0; at < body.size();) {
        std::string piece = body.substr(at, *rc::gen::inRange<size_t>(1, 3000));
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        bytes += size + piece + "\r\n";
        at += piece.size();
      }
      bytes += "0\r\n\r\n";
    }
  }
  Outcome whole = feed(bytes);
  RC_ASSERT(static_cast<int>(whole.requests.size()) == count);
  auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 600));
  RC_ASSERT(feed(bytes, sizes).requests == whole.requests);
}

}  // namespace
}  // namespace offramp::io::http
