#include "ddb/client/endpoint.h"

#include <fmt/format.h>

#include "io/http_client.h"

namespace offramp::ddb::client {
namespace {

bool is_aws(std::string_view url) {
  std::string_view origin = io::origin_of(url);
  if (size_t scheme = origin.find("://"); scheme != origin.npos) origin.remove_prefix(scheme + 3);
  origin = origin.substr(0, origin.find(':'));
  return origin.ends_with(".amazonaws.com") || origin.ends_with(".amazonaws.com.cn") ||
         origin.ends_with(".api.aws") || origin.ends_with(".api.amazonwebservices.com.cn");
}

}  // namespace

std::string configured_endpoint(const std::string& given, const io::aws::Environment& environment) {
  if (!given.empty()) return given;
  if (auto found = environment("AWS_ENDPOINT_URL_DYNAMODB")) return *found;
  return environment("AWS_ENDPOINT_URL").value_or("");
}

std::string configured_streams_endpoint(const std::string& given,
                                        const io::aws::Environment& environment) {
  if (!given.empty() && !is_aws(given)) return given;
  if (auto found = environment("AWS_ENDPOINT_URL_DYNAMODB_STREAMS")) return *found;
  if (!given.empty()) return "";
  auto tables = environment("AWS_ENDPOINT_URL_DYNAMODB");
  if (tables && !is_aws(*tables)) return *tables;
  return environment("AWS_ENDPOINT_URL").value_or("");
}

std::string aws_endpoint(Api api, const std::string& region) {
  return fmt::format("https://{}dynamodb.{}.amazonaws.com{}",
                     api == Api::kStreams ? "streams." : "", region,
                     region.starts_with("cn-") ? ".cn" : "");
}

}  // namespace offramp::ddb::client
