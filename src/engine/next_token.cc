// stored: clients hold tokens for as long as they read pages; another layout needs another version.
#include "engine/next_token.h"

#include <xxhash.h>

#include <cstring>

#include "base/base64.h"
#include "ddb/wire_json.h"
#include "engine/error.h"
#include "engine/tokens.h"

namespace offramp::engine {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHashBytes = 16, kHeadBytes = 1 + 2 * kHashBytes;
constexpr size_t kTokenBytesMax = 64 << 10;  // keys have at most 3 KB, an index's a few times that

std::string hash_bytes(std::string_view text) {
  XXH128_canonical_t out;
  XXH128_canonicalFromHash(&out, XXH3_128bits(text.data(), text.size()));
  return std::string(reinterpret_cast<const char*>(out.digest), sizeof out.digest);
}

std::string scope_hash(const TokenScope& scope) {
  std::string text(scope.statement);
  text.push_back('\0');
  text.append(scope.table_id);
  text.push_back('\0');
  if (scope.parameters) text.append(content_hash(scope.parameters));
  return hash_bytes(text);
}

std::string checksum(std::string_view scope, std::string_view key) {
  std::string text(1, kVersion);
  return hash_bytes(text.append(scope).append(key));
}

}  // namespace

Error foreign_next_token() { return validation("NextToken does not match request"); }

std::string make_next_token(const TokenScope& scope, std::string_view key) {
  const std::string of = scope_hash(scope);
  std::string token(1, kVersion);
  token.append(of).append(checksum(of, key)).append(key);
  return base::encode_base64(token);
}

Status read_next_token(const TokenScope& scope, std::string_view text, ddb::ItemBatch& out) {
  if (text.size() > kTokenBytesMax) return foreign_next_token();
  const auto token = base::decode_base64(text);
  if (!token || token->size() < kHeadBytes || (*token)[0] != kVersion) return foreign_next_token();
  const std::string_view view(*token);
  const std::string_view of = view.substr(1, kHashBytes), key = view.substr(kHeadBytes);
  if (of != scope_hash(scope) || view.substr(1 + kHashBytes, kHashBytes) != checksum(of, key))
    return foreign_next_token();
  char* copy = out.arena.allocate(key.size() + ddb::kJsonPadding);
  std::memcpy(copy, key.data(), key.size());
  std::memset(copy + key.size(), ' ', ddb::kJsonPadding);
  ddb::JsonDecoder decoder;
  const auto root = decoder.decode_item({copy, key.size()}, "", ddb::JsonForm::kTyped, out);
  if (!root.ok()) return foreign_next_token();
  out.add_root(*root, 0);
  return {};
}

}  // namespace offramp::engine
