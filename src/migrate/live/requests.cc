// Requests of other processes: answered one after the other, beside the following.
#include "migrate/live/requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "migrate/live/live.h"

namespace offramp::migrate::live {
namespace {

constexpr std::chrono::milliseconds kLook{300};
constexpr size_t kRefreshKeys = 100;  // of one BatchGetItem

}  // namespace

Result<follow::RefreshOutcome> Live::retry_letters(const std::vector<int64_t>& ids) {
  // The source's own present image decides: it is at least as new as anything that waits in a
  // letter.
  std::set<std::string> keys;
  for (const Letter& letter : TRY(migration_.journal->letters(Journal::Bodies::kWithout))) {
    bool wanted = ids.empty() ? letter.state == LetterState::kOpen
                              : std::find(ids.begin(), ids.end(), letter.id) != ids.end();
    if (wanted && letter.state != LetterState::kApplied && !letter.key_json.empty())
      keys.insert(letter.key_json);
  }
  std::vector<std::string> list(keys.begin(), keys.end());
  follow::RefreshOutcome sum;
  for (size_t at = 0; at < list.size(); at += kRefreshKeys) {
    std::vector<std::string> piece(
        list.begin() + static_cast<long>(at),
        list.begin() + static_cast<long>(std::min(list.size(), at + kRefreshKeys)));
    auto outcome = TRY(follow_->refresh(
        piece, [this](std::span<const std::string_view> texts, ddb::ItemBatch& batch) {
          return lookup_->get(texts, batch);
        }));
    sum.applied += outcome.applied;
    sum.refused.insert(sum.refused.end(), outcome.refused.begin(), outcome.refused.end());
  }
  return sum;
}

Result<std::unique_ptr<source::ItemSource>> Live::open_table(double read_units_per_second) {
  plan::Plan table = migration_.plan;
  if (table.source.load.from != plan::LoadSpec::From::kScan) table.source.load = {};
  auto budget = budget_;
  if (read_units_per_second > 0) {
    source::scan::ScanOptions options = scan_options(table);
    options.window.clear();
    options.read_units_per_second = read_units_per_second;
    budget = TRY(source::scan::open_read_budget(options));
  }
  return open_source(table, migration_.folder, all_.get_token(), std::move(budget),
                     migration_.source_calls);
}

Result<verify::Report> Live::verify(Progress& progress, verify::Options options,
                                    double read_units_per_second) {
  std::lock_guard lock(verify_mutex_);
  migration_.source = TRY(open_table(read_units_per_second));
  options.moving = this;
  options.stop = all_.get_token();
  return verify::verify(migration_, progress, options);
}

Result<std::string> Live::answer(const Request& request) {
  auto arguments = nlohmann::json::parse(request.arguments, nullptr, /*allow_exceptions=*/false);
  if (!arguments.is_object())
    return Error(ErrorKind::kInternal, "request.arguments", "a request without arguments");
  if (request.kind == "reload") {
    if (following_) follow_->reload_letters();
    return std::string("{}");
  }
  if (!following_)
    return Error(ErrorKind::kConfig, "request.not_following",
                 "the load has not finished: wait until `offramp status` says \"in sync\"");
  if (request.kind == "verify") {
    // Before that the target may still step back in time.
    TRY(wait_caught_up(std::chrono::minutes(5)));
    verify::Options options;
    options.threads = arguments.value("threads", 1);
    options.repair = arguments.value("repair", false);
    if (uint64_t sample = arguments.value("sample", uint64_t{0})) options.sample = sample;
    Progress quiet(Progress::Mode::kQuiet);
    verify::Report report =
        TRY(this->verify(quiet, options, arguments.value("read_units_per_second", 0.0)));
    return verify::report_json(report, migration_);
  }
  if (request.kind == "retry") {
    auto outcome = TRY(retry_letters(arguments.value("ids", std::vector<int64_t>())));
    nlohmann::json out = {{"applied", outcome.applied}, {"still_refused", nlohmann::json::array()}};
    for (const auto& [key, why] : outcome.refused)
      out["still_refused"].push_back({{"key", key}, {"why", why}});
    return out.dump();
  }
  return Error(ErrorKind::kInternal, "request.kind", "an unknown request: " + request.kind);
}

Status Live::answer_requests(std::stop_token stop) {
  while (options_.clock->sleep(kLook, stop)) {
    auto request = TRY(migration_.journal->take_request());
    if (!request) continue;
    auto answered = answer(*request);
    TRY(migration_.journal->answer_request(
        request->id, answered.ok() ? Request::State::kDone : Request::State::kFailed,
        answered.ok() ? *answered : answered.error().message(),
        answered.ok() ? "" : answered.error().code()));
  }
  return migration_.journal->fail_abandoned_requests();
}

Result<std::string> ask_running(Journal& journal, const std::string& kind,
                                const std::string& arguments, std::stop_token stop,
                                const std::function<bool()>& still_running) {
  int64_t id = TRY(journal.add_request(kind, arguments));
  while (io::system_clock().sleep(kLook, stop)) {
    auto request = TRY(journal.request(id));
    if (!request)
      return Error(ErrorKind::kInternal, "request.gone", "the request is gone from the journal");
    if (request->state == Request::State::kDone) return request->answer;
    if (request->state == Request::State::kFailed)
      return Error(
          request->code == "request.not_following" ? ErrorKind::kConfig : ErrorKind::kUnavailable,
          request->code, request->answer);
    if (!still_running())
      return Error(ErrorKind::kUnavailable, "request.no_answer",
                   "the process that was working on this plan has ended; run the command again");
  }
  return Error(ErrorKind::kCancelled, "request.stopped", "stopped before there was an answer");
}

}  // namespace offramp::migrate::live
