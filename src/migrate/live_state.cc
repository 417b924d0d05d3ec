// One table of members serves the writing and the reading.
#include "migrate/live_state.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace offramp::migrate {
namespace {

template <class State, class Visit>
void each_member(State& state, Visit visit) {
  visit("at_ms", state.at_ms);
  visit("phase", state.phase);
  visit("captured_until_ms", state.captured_until_ms);
  visit("applied_until_ms", state.applied_until_ms);
  visit("shards", state.shards);
  visit("shards_open", state.shards_open);
  visit("expiring_shard", state.expiring_shard);
  visit("expires_at_ms", state.expires_at_ms);
  visit("spool_bytes", state.spool_bytes);
  visit("spool_changes", state.spool_changes);
  visit("spool_keys", state.spool_keys);
  visit("captured", state.captured);
  visit("deletions", state.deletions);
  visit("ttl_deletions", state.ttl_deletions);
  visit("applied", state.applied);
  visit("bytes", state.bytes);
  visit("retries", state.retries);
  visit("waiting", state.waiting);
}

}  // namespace

std::string live_state_json(const LiveState& state) {
  nlohmann::ordered_json json;
  each_member(state, [&](const char* name, const auto& value) { json[name] = value; });
  if (auto lag = state.lag_ms())
    json["lag_ms"] = *lag;
  else
    json["lag_ms"] = nullptr;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<LiveState> parse_live_state(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Error(ErrorKind::kCorrupt, "live_state.json", "live.json is not what offramp writes");
  LiveState state;
  each_member(state, [&](const char* name, auto& value) {
    auto found = json.find(name);
    using Value = std::remove_reference_t<decltype(value)>;
    if (found == json.end()) return;
    if constexpr (std::is_same_v<Value, std::string>) {
      if (found->is_string()) value = found->template get<std::string>();
    } else {
      if (found->is_number_integer()) value = found->template get<Value>();
    }
  });
  return state;
}

Status write_live_state(const std::string& folder, const LiveState& state) {
  // Not synced: it is said again in a second, and nothing is derived from it.
  std::string path = folder + "/live.json", partial = path + ".part";
  {
    std::ofstream out(partial, std::ios::trunc);
    out << live_state_json(state) << "\n";
    if (!out.flush())
      return Error(ErrorKind::kUnavailable, "live_state.write", "cannot write " + partial);
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0)
    return Error(ErrorKind::kUnavailable, "live_state.write", "cannot rename " + partial);
  return {};
}

std::optional<LiveState> read_live_state(const std::string& folder) {
  std::ifstream in(folder + "/live.json");
  if (!in) return std::nullopt;
  std::stringstream text;
  text << in.rdbuf();
  auto state = parse_live_state(text.str());
  if (!state.ok()) return std::nullopt;
  return *state;
}

}  // namespace offramp::migrate
