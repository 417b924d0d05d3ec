#include "endpoint/authorization.h"

#include <array>

#include "endpoint/escape.h"
#include "io/http/text.h"

namespace offramp::endpoint {
namespace {

constexpr std::string_view kIncomplete = "IncompleteSignatureException";

std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

// The value of a query parameter as sent; nothing when it is not there.
std::optional<std::string_view> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

// "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…": parts separated by commas, blanks
// or both.
std::optional<Refusal> read_header(std::string_view header, Authorization& out) {
  const size_t blank = std::min(header.find_first_of(" ,"), header.size());
  out.algorithm = header.substr(0, blank);
  for (size_t at = blank; at < header.size();) {
    at = std::min(header.find_first_not_of(" ,\t", at), header.size());
    const size_t end = std::min(header.find_first_of(" ,\t", at), header.size());
    const std::string_view part = header.substr(at, end - at);
    at = end;
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    if (equals == part.npos)
      return Refusal{kIncomplete, join({"'", part,
                                        "' not a valid key=value pair (missing equal-sign) in "
                                        "Authorization header: '",
                                        header, "'."})};
    const std::string_view key = part.substr(0, equals), value = part.substr(equals + 1);
    if (key == "Credential") out.credential = value;
    if (key == "Signature") out.signature = value;
    if (key == "SignedHeaders") out.signed_headers = value;
  }
  std::string missing;
  for (auto [name, value] :
       {std::pair<std::string_view, std::string_view>("Credential", out.credential),
        {"Signature", out.signature},
        {"SignedHeaders", out.signed_headers}})
    if (value.empty()) missing += join({"Authorization header requires '", name, "' parameter. "});
  if (out.date.empty())
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (missing.empty()) return std::nullopt;
  return Refusal{kIncomplete, join({missing, "Authorization=", header})};
}

std::optional<Refusal> read_query(std::string_view query, Authorization& out) {
  constexpr std::array<std::string_view, 5> kNames = {"X-Amz-Algorithm", "X-Amz-Credential",
                                                      "X-Amz-Signature", "X-Amz-SignedHeaders",
                                                      "X-Amz-Date"};
  std::string missing;
  for (std::string_view name : kNames)
    if (parameter(query, name).value_or("").empty())
      missing += join({"AWS query-string parameters must include '", name, "'. "});
  if (!missing.empty())
    return Refusal{kIncomplete, missing + "Re-examine the query-string parameters."};
  out.in_query = true;
  out.algorithm = *parameter(query, kNames[0]);
  out.signature = *parameter(query, kNames[2]);
  out.credential = out.decoded[0] = unescaped(*parameter(query, kNames[1]));
  out.signed_headers = out.decoded[1] = unescaped(*parameter(query, kNames[3]));
  out.date = out.decoded[2] = unescaped(*parameter(query, kNames[4]));
  out.token = out.decoded[3] = unescaped(parameter(query, "X-Amz-Security-Token").value_or(""));
  return std::nullopt;
}

}  // namespace

std::string_view query_of(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

std::optional<Refusal> read_authorization(const io::http::Request& request, Authorization& out) {
  const std::string_view header = request.header("authorization"), query = query_of(request.target);
  const bool in_query = !query.empty() && parameter(query, "X-Amz-Algorithm").has_value();
  if (!header.empty() && in_query)
    return Refusal{"InvalidSignatureException",
                   "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
                   "HTTP header."};
  if (in_query) return read_query(query, out);
  if (!header.starts_with("AWS4-"))
    return Refusal{"MissingAuthenticationTokenException",
                   "Request is missing Authentication Token"};
  out.date = request.header("x-amz-date");
  if (out.date.empty()) out.date = request.header("date");
  out.token = request.header("x-amz-security-token");
  return read_header(header, out);
}

std::optional<Refusal> read_credential(std::string_view text, Credential& out) {
  std::string_view rest = text;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  std::array<std::string_view*, 5> parts = {&out.key_id, &out.date, &out.region, &out.service,
                                            &out.terminator};
  size_t count = 0;
  for (bool more = true; more; ++count) {
    const size_t slash = rest.find('/');
    more = slash != rest.npos;
    if (count < parts.size()) *parts[count] = rest.substr(0, slash);
    if (more) rest.remove_prefix(slash + 1);
  }
  if (count == parts.size()) return std::nullopt;
  return Refusal{kIncomplete, join({"Credential must have exactly 5 slash-delimited elements, e.g. "
                                    "keyid/date/region/service/term, got '",
                                    text, "'"})};
}

}  // namespace offramp::endpoint
