#include "endpoint/protocol_handler.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "io/http/text.h"

namespace offramp::endpoint {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kAmzJson = "application/x-amz-json-1.0";
// A larger body's syntax is left to the executor, so that strangers cannot have much of it checked.
constexpr size_t kCheckedBytes = 1 << 20;

bool loopback_peer(std::string_view remote) {
  return remote.starts_with("127.") || remote.starts_with("[::1]:") ||
         remote.starts_with("[::ffff:127.");
}

void append_json_text(std::string_view text, std::string& out) {
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        // Header bytes are of no known encoding; what is not ASCII would make the answer no JSON.
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
}

bool is_json(std::string_view body) {
  return body.size() > kCheckedBytes || nlohmann::json::accept(body.begin(), body.end());
}

// The part of a media type before its parameters.
std::string_view media_type(std::string_view content_type) {
  return io::http::trimmed(content_type.substr(0, content_type.find(';')));
}

}  // namespace

ProtocolHandler::ProtocolHandler(Shared& shared, std::unique_ptr<Executor> executor)
    : shared_(shared),
      executor_(std::move(executor)),
      shard_(shared.metrics.new_shard()),
      verifier_(shared.options.keys,
                {.region = shared.options.region, .skew_max = shared.options.clock_skew_max}) {}

void ProtocolHandler::handle(const io::http::Request& request, io::http::Response& response) {
  response.add_crc32 = true;
  add_id(response);
  if (request.method == "GET" || request.method == "HEAD") return get(request, response);
  const auto began = std::chrono::steady_clock::now();
  size_t operation = kOperations.size();
  const std::string_view error = answer(request, response, operation);
  shard_.count(operation, error, std::chrono::steady_clock::now() - began);
}

void ProtocolHandler::add_id(io::http::Response& response) {
  response.headers += "x-amzn-RequestId: ";
  ids_.append(response.headers);
  response.headers += "\r\n";
}

void ProtocolHandler::get(const io::http::Request& request, io::http::Response& response) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  const bool watch = shared_.options.metrics && loopback_peer(request.remote);
  if (watch && path == "/metrics") {
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = shared_.metrics.text(shared_.counts());
  } else if (watch && path == "/healthz") {
    response.content_type = "text/plain; charset=utf-8";
    response.body = "ok\n";
  } else {
    response.content_type = "";
    response.body = fmt::format("healthy: dynamodb.{}.amazonaws.com ", shared_.options.region);
  }
}

std::string_view ProtocolHandler::refuse(const io::http::Request& request,
                                         io::http::Response& response, const Refusal& refusal) {
  response.status = 400;
  Refusal said = refusal;
  // The service reads the body before it looks at anything else.
  if (!request.body.empty() && !is_json(request.body)) said = {"SerializationException", ""};
  response.body.assign("{\"__type\":\"com.amazon.coral.service#");
  response.body += said.type;
  response.body += '"';
  if (!said.message.empty()) {
    response.body += ",\"message\":\"";
    append_json_text(said.message, response.body);
    response.body += '"';
  }
  response.body += '}';
  return said.type;
}

std::optional<Refusal> ProtocolHandler::authenticate(const io::http::Request& request) {
  const EndpointOptions& options = shared_.options;
  if (!options.any_key) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(options.clock->wall().time_since_epoch());
    return verifier_.verify(request, now.count());
  }
  // Clients are to be configured as for the service: without a signature there is no answer.
  Authorization ignored;
  auto refusal = read_authorization(request, ignored);
  if (refusal && refusal->type == "MissingAuthenticationTokenException") return refusal;
  return std::nullopt;
}

std::string_view ProtocolHandler::answer(const io::http::Request& request,
                                         io::http::Response& response, size_t& operation) {
  const std::string_view type = media_type(request.header("content-type"));
  if (request.method != "POST" || (!request.body.empty() && type != kJson && type != kAmzJson)) {
    response.status = 404;
    response.content_type = "";
    response.body = "<UnknownOperationException/>\n";
    return "UnknownOperationException";
  }
  response.content_type = type == kAmzJson ? kAmzJson : kJson;
  operation = operation_of(request.header("x-amz-target"));
  if (operation == kOperations.size())
    return refuse(request, response, {"UnknownOperationException", ""});
  if (auto refusal = authenticate(request)) return refuse(request, response, *refusal);
  outcome_.status = 200;
  outcome_.error_type.clear();
  outcome_.body.swap(response.body);  // keeps the memory of both
  outcome_.body.clear();
  executor_->execute(kOperations[operation].api, kOperations[operation].name, request.body,
                     outcome_);
  response.status = outcome_.status;
  outcome_.body.swap(response.body);
  return outcome_.error_type;
}

void refuse_unread(int status, io::http::Response& response) {
  RequestIds ids;
  response.status = status;
  response.add_crc32 = true;
  response.headers += "x-amzn-RequestId: ";
  ids.append(response.headers);
  response.headers += "\r\n";
}

}  // namespace offramp::endpoint
