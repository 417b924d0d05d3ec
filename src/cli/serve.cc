// `offramp serve`: a DynamoDB-compatible endpoint over a database or over a plan's loaded tables.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/version.h"
#include "cli/command.h"
#include "cli/served_plan.h"
#include "cli/signals.h"
#include "cli/upkeep.h"
#include "endpoint/endpoint.h"
#include "engine/engine.h"
#include "target/stores.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string target;
  std::string listen = "127.0.0.1:8000";
  std::string keys;
  std::string region = "local";
  std::string certificate, certificate_key;
  bool any_key = false;
  int threads = 0;
  int grace_s = 10;
  int stream_shard_s = 4 * 3600;
  int stream_retention_s = 24 * 3600;
  int expiry_s = 60;
};

// The keys that sign for this endpoint when no file names any: the environment's, else the pair
// that stands in on loopback (ddb/client.h).
constexpr const char* kLocalKey = "local";

class EngineExecutor final : public endpoint::Executor {
 public:
  explicit EngineExecutor(std::unique_ptr<engine::Worker> worker) : worker_(std::move(worker)) {}
  void execute(std::string_view, std::string_view operation, std::string_view body,
               Outcome& outcome) override {
    reply_.body.swap(outcome.body);
    worker_->execute(operation, body, reply_);
    outcome.status = reply_.status;
    outcome.error_type = reply_.error_type;
    outcome.body.swap(reply_.body);
  }

 private:
  std::unique_ptr<engine::Worker> worker_;
  engine::Reply reply_;
};

// "127.0.0.1:8000", "[::1]:8000", "8000".
Status parse_listen(const std::string& listen, io::http::ServerOptions& http) {
  size_t colon = listen.rfind(':');
  std::string port = colon == std::string::npos ? listen : listen.substr(colon + 1);
  if (colon != std::string::npos) http.address = listen.substr(0, colon);
  if (http.address.size() > 2 && http.address.front() == '[' && http.address.back() == ']')
    http.address = http.address.substr(1, http.address.size() - 2);
  char* end = nullptr;
  unsigned long number = std::strtoul(port.c_str(), &end, 10);
  if (port.empty() || *end || number > 65535 || http.address.empty())
    return Error(ErrorKind::kConfig, "serve.listen",
                 "--listen must look like 127.0.0.1:8000, not '" + listen + "'");
  http.port = static_cast<uint16_t>(number);
  return {};
}

Result<endpoint::AccessKeys> access_keys(const Options& options) {
  if (!options.keys.empty()) return endpoint::AccessKeys::read(options.keys);
  endpoint::AccessKeys keys;
  const char *id = std::getenv("AWS_ACCESS_KEY_ID"), *secret = std::getenv("AWS_SECRET_ACCESS_KEY");
  if (id && secret && *id && *secret)
    keys.add(id, secret);
  else
    keys.add(kLocalKey, kLocalKey);
  return keys;
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address == "localhost" || address.starts_with("127.");
}

Status check_reach(const Options& options, const std::string& address) {
  if (is_loopback(address) || !options.keys.empty()) return {};
  return Error(ErrorKind::kConfig, "serve.keys",
               address +
                   " can be reached from other machines; name the access keys that may use it with "
                   "--keys FILE");
}

Result<int> serve_command(const Options& options) {
  StopOnSignal signals;
  endpoint::EndpointOptions endpoint_options;
  TRY(parse_listen(options.listen, endpoint_options.http));
  TRY(check_reach(options, endpoint_options.http.address));
  endpoint_options.keys = TRY(access_keys(options));
  endpoint_options.any_key = options.any_key;
  endpoint_options.region = options.region;
  endpoint_options.http.threads = options.threads;
  endpoint_options.http.tls_certificate_file = options.certificate;
  endpoint_options.http.tls_key_file = options.certificate_key;

  // A file that ends in .yaml (or names one of its moves) is a plan; all else is a target's URL.
  bool is_plan =
      options.target.find("://") == std::string::npos && !options.target.starts_with("sqlite:");
  ServedPlan plan;
  if (is_plan) plan = TRY(read_served_plan(options.target));
  auto store = TRY(target::open_store(is_plan ? plan.target : options.target));

  engine::EngineOptions engine_options;
  engine_options.region = options.region;
  engine_options.stream_shard_age = std::chrono::seconds(options.stream_shard_s);
  engine_options.stream_retention = std::chrono::seconds(options.stream_retention_s);
  engine_options.log = [](const Error& error) { print_error(error); };
  auto engine = TRY(engine::Engine::open(*store, std::move(engine_options)));
  for (ServedPlan::Table& table : plan.tables) {
    TRY_CONTEXT(options.target, bind(table, store->limits()));
    TRY(engine->serve_plan_table(std::move(table.served), table.indexes));
  }
  Upkeep upkeep(*engine, std::chrono::seconds(options.expiry_s));
  auto endpoint = TRY(endpoint::Endpoint::start(
      std::move(endpoint_options), [&]() -> Result<std::unique_ptr<endpoint::Executor>> {
        return std::unique_ptr<endpoint::Executor>(
            std::make_unique<EngineExecutor>(TRY(engine->worker())));
      }));

  fmt::print(stderr, "offramp {}: DynamoDB API over {}\n", base::version(), store->description());
  for (const ServedPlan::Table& table : plan.tables)
    fmt::print(stderr, "table {} as {} has loaded it\n", table.served.name, options.target);
  if (options.any_key)
    fmt::print(stderr, "any access key is accepted and no signature is checked\n");
  else if (options.keys.empty() && !std::getenv("AWS_ACCESS_KEY_ID"))
    fmt::print(stderr, "access key '{}' with secret '{}' (others: --keys FILE)\n", kLocalKey,
               kLocalKey);
  std::string address = options.listen.substr(0, options.listen.rfind(':'));
  if (options.listen.find(':') == std::string::npos) address = "127.0.0.1";
  fmt::print("listening on {}://{}:{}\n", options.certificate.empty() ? "http" : "https", address,
             endpoint->port());
  std::fflush(stdout);

  StopOnSignal::Listener listener(signals, [](const std::string&) {
    fmt::print(stderr,
               "stopping when requests in progress are answered; a second signal stops at once\n");
  });
  signals.wait();
  endpoint->stop(std::chrono::seconds(options.grace_s));
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("serve", "Serve the DynamoDB API over a database");
  command->footer(
      "Clients use it like DynamoDB, with its address as endpoint URL. Tables are rows of the "
      "database: SQL and the API\n"
      "see the same data. A plan serves the table it has loaded under its old name.\n"
      "Requests must be signed with a key of --keys, or else of AWS_ACCESS_KEY_ID and "
      "AWS_SECRET_ACCESS_KEY in the\n"
      "environment of this process, or else with the key 'local' and the secret 'local' (on this "
      "machine only).\n"
      "GET /metrics and GET /healthz answer on this machine. SIGTERM ends it when requests in "
      "progress are answered.\n"
      "Example:\n  offramp serve sqlite:app.db\n  offramp serve postgresql://app@db.internal/app "
      "--listen 0.0.0.0:8000 --keys keys.txt\n"
      "  offramp serve plan.yaml\n"
      "  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws dynamodb list-tables "
      "--endpoint-url http://127.0.0.1:8000");
  command
      ->add_option("target", options->target,
                   "sqlite:FILE, sqlite::memory:, postgresql://… or a plan file")
      ->required();
  command->add_option("--listen", options->listen, "address and port; port 0 takes a free one")
      ->capture_default_str();
  command->add_option("--keys", options->keys,
                      "file of lines 'ACCESS_KEY_ID SECRET', readable only by its owner");
  command
      ->add_flag("--insecure-any-key", options->any_key,
                 "accept any access key without checking signatures (loopback only)")
      ->excludes("--keys");
  command->add_option("--region", options->region, "the region in ARNs")->capture_default_str();
  auto* certificate = command->add_option("--tls-certificate", options->certificate,
                                          "PEM file of the certificate chain");
  auto* key =
      command->add_option("--tls-key", options->certificate_key, "PEM file of its private key");
  certificate->needs(key);
  key->needs(certificate);
  command
      ->add_option("--threads", options->threads,
                   "threads that answer requests (default: as many as processors, at most 8)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--grace", options->grace_s,
                   "seconds that requests in progress have when it is stopped")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command
      ->add_option("--stream-shard-seconds", options->stream_shard_s,
                   "age at which a stream's shards are followed by new ones")
      ->check(CLI::Range(1, 24 * 3600))
      ->capture_default_str();
  command
      ->add_option("--stream-retention-seconds", options->stream_retention_s,
                   "how long a stream keeps a change; less than DynamoDB's 24 hours is for tests")
      ->check(CLI::Range(1, 24 * 3600))
      ->capture_default_str();
  command
      ->add_option("--expiry-interval", options->expiry_s,
                   "seconds between looks for items whose time to live is over")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->callback([options, &action] { action = [options] { return serve_command(*options); }; });
}

}  // namespace offramp::cli
