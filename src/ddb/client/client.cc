#include "ddb/client/client.h"

#include <fmt/format.h>
#include <isa-l/crc.h>

#include <atomic>
#include <charconv>
#include <mutex>
#include <utility>

#include "ddb/client/endpoint.h"
#include "ddb/client/errors.h"
#include "io/http_client.h"

namespace offramp::ddb::client {
namespace {

// True when the answer's checksum is absent or right.
bool checksum_holds(const io::HttpResponse& response) {
  auto header = response.header("x-amz-crc32");
  if (!header) return true;
  uint32_t expected = 0;
  auto [end, error] = std::from_chars(header->data(), header->data() + header->size(), expected);
  if (error != std::errc()) return true;
  const auto* bytes = reinterpret_cast<const unsigned char*>(response.body.data());
  return crc32_gzip_refl(0, bytes, response.body.size()) == expected;
}

// Keys for servers on this machine: what the person has set, else fixed ones; instance metadata is
// not asked.
class LocalCredentials : public io::aws::CredentialsProvider {
 public:
  Result<io::aws::Credentials> get() override {
    auto found = chain_->get();
    if (found.ok() || found.error().kind() != ErrorKind::kConfig || asked_for()) return found;
    return io::aws::Credentials{"local", "local", "", std::nullopt,
                                "stand-in keys for a local endpoint"};
  }
  void invalidate() override { chain_->invalidate(); }

 private:
  static bool asked_for() {
    auto environment = io::aws::process_environment();
    return environment("AWS_PROFILE") || environment("AWS_ACCESS_KEY_ID") ||
           environment("AWS_SECRET_ACCESS_KEY");
  }
  static io::aws::ChainOptions without_metadata() {
    io::aws::ChainOptions options;
    options.environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "AWS_EC2_METADATA_DISABLED") return "true";
      return io::aws::process_environment()(name);
    };
    return options;
  }
  const std::shared_ptr<io::aws::CredentialsProvider> chain_ =
      io::aws::open_credentials_chain(without_metadata());
};

// Answers that are damaged on their way are not waited out, however long the caller would wait for
// a service that is down.
constexpr int kDamagedAnswersMax = 15;

// Who waits among a client's calls; tells the caller. The callback runs under mutex_, so that the
// last word is the true one.
class Waits {
 public:
  explicit Waits(std::function<void(const Error*)> on_wait) : on_wait_(std::move(on_wait)) {}

  // The part of one call.
  class Call {
   public:
    explicit Call(Waits& waits) : waits_(waits) {}
    ~Call() {
      if (!waited_) return;
      std::lock_guard lock(waits_.mutex_);
      if (--waits_.calls_ == 0 && waits_.on_wait_) waits_.on_wait_(nullptr);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    void waits_for(const Error& why) {
      std::lock_guard lock(waits_.mutex_);
      if (!std::exchange(waited_, true)) ++waits_.calls_;
      if (waits_.on_wait_) waits_.on_wait_(&why);
    }

   private:
    Waits& waits_;
    bool waited_ = false;
  };

 private:
  const std::function<void(const Error*)> on_wait_;
  std::mutex mutex_;
  int calls_ = 0;  // that wait; guarded by mutex_
};

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions from) : options(std::move(from)) {}
  ClientOptions options;
  io::HttpPool pool;
  std::atomic<bool> answered = false;  // the endpoint has answered at least once
  Waits waits{options.on_wait};
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;
const std::string& Client::region() const { return impl_->options.region; }
const std::string& Client::endpoint() const { return impl_->options.endpoint; }

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  auto environment = io::aws::process_environment();
  options.endpoint = options.api == Api::kStreams
                         ? configured_streams_endpoint(options.endpoint, environment)
                         : configured_endpoint(options.endpoint, environment);
  if (options.region.empty()) options.region = TRY(io::aws::find_region()).value_or("");
  if (options.region.empty() && !options.endpoint.empty()) options.region = "us-east-1";
  if (options.region.empty())
    return Error(
        ErrorKind::kConfig, "ddb.no_region",
        "no AWS region is given; write dynamodb://TABLE?region=eu-west-1 or set AWS_REGION");
  for (char c : options.region)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
      return Error(ErrorKind::kConfig, "ddb.region",
                   fmt::format("{} is no AWS region", options.region));
  if (options.endpoint.empty()) options.endpoint = aws_endpoint(options.api, options.region);
  options.endpoint = TRY(io::check_endpoint(options.endpoint));
  if (!options.credentials) {
    options.credentials = io::is_loopback(options.endpoint) ? std::make_shared<LocalCredentials>()
                                                            : io::aws::open_credentials_chain();
  }
  auto impl = std::make_unique<Impl>(std::move(options));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Result<std::string> Client::call(std::string_view operation, std::string_view table,
                                 std::string_view body) {
  const ClientOptions& options = impl_->options;
  auto client = impl_->pool.borrow();
  io::Backoff backoff(options.retry, *options.clock);
  Waits::Call report(impl_->waits);
  io::HttpRequest request;
  io::HttpResponse response;
  bool credentials_renewed = false;
  int damaged = 0;
  auto cancelled = [&] {
    return Error(ErrorKind::kCancelled, "ddb.cancelled",
                 fmt::format("{} of table {} was cancelled", operation, table));
  };
  // False: there is no further try.
  auto wait = [&](const Error& why, std::optional<std::chrono::milliseconds> asked = {}) {
    if (backoff.tries() >= options.retry.tries_max) return false;
    report.waits_for(why);
    if (options.counts) {
      ++options.counts->retries;
      if (why.kind() == ErrorKind::kThrottled) ++options.counts->throttles;
    }
    return backoff.wait(options.stop, asked);
  };
  request.method = "POST";
  request.url = options.endpoint + "/";
  request.body = body;
  request.response_bytes_max = options.answer_bytes_max;
  request.stop = options.stop;
  const std::string target = fmt::format(
      "x-amz-target: {}.{}",
      options.api == Api::kStreams ? "DynamoDBStreams_20120810" : "DynamoDB_20120810", operation);
  for (;;) {
    auto found = options.credentials->get();
    if (!found.ok()) {
      // A metadata service that is lost for a while is like an endpoint that is.
      ErrorKind kind = found.error().kind();
      bool passing = kind == ErrorKind::kRetry || kind == ErrorKind::kUnavailable;
      if (passing && impl_->answered && wait(found.error())) continue;
      if (options.stop.stop_requested()) return cancelled();
      return std::move(found).error();
    }
    const io::aws::Credentials& credentials = found.value();
    request.headers = {"content-type: application/x-amz-json-1.0", target};
    if (!credentials.session_token.empty())
      request.headers.push_back("x-amz-security-token: " + credentials.session_token);
    request.signing = io::AwsSigning{credentials.access_key_id, credentials.secret_access_key,
                                     options.region, "dynamodb"};
    Status sent = client->send(request, response);
    if (options.stop.stop_requested()) return cancelled();
    if (!sent.ok()) {
      if (sent.error().kind() != ErrorKind::kRetry) return std::move(sent).error();
      Error lost(ErrorKind::kUnavailable, "ddb.unavailable",
                 fmt::format("{} of table {}: {} after {} tries; check the endpoint and the "
                             "network, then run the same "
                             "command again",
                             operation, table, sent.error().message(), backoff.tries()));
      bool give_up = !impl_->answered && backoff.tries() >= options.first_tries_max;
      if (!give_up && wait(lost)) continue;
      if (options.stop.stop_requested()) return cancelled();
      return lost;
    }
    impl_->answered = true;
    Verdict verdict{
        Action::kRetry,
        Error(ErrorKind::kCorrupt, "ddb.crc32",
              fmt::format("{} of table {}: the answers of {} do not match their checksum; "
                          "is a proxy changing them?",
                          operation, table, options.endpoint))};
    if (!checksum_holds(response)) {
      if (++damaged >= kDamagedAnswersMax) return std::move(verdict.error);
    } else {
      if (response.status == 200) return std::move(response.body);
      verdict = judge_answer(response, {operation, table, options.region, options.endpoint,
                                        credentials.source, options.api});
    }
    if (verdict.action == Action::kNewCredentials && !std::exchange(credentials_renewed, true)) {
      options.credentials->invalidate();
      continue;
    }
    // Who waits without limit also waits for somebody to renew a token.
    if (verdict.action == Action::kNewCredentials && options.retry.tries_max == kTriesUnlimited) {
      if (!wait(verdict.error)) return cancelled();
      options.credentials->invalidate();
      continue;
    }
    if (verdict.action != Action::kRetry) return std::move(verdict.error);
    std::optional<std::chrono::milliseconds> asked;
    if (auto header = response.header("retry-after")) asked = io::parse_retry_after(*header);
    if (wait(verdict.error, asked)) continue;
    if (options.stop.stop_requested()) return cancelled();
    return std::move(verdict.error);
  }
}

}  // namespace offramp::ddb::client
