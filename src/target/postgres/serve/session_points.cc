// Statements of several callers in one round trip.
//
// One transaction, so that they cost one commit. An error takes all of it back, and then each
// caller tries alone; only when the connection is lost behind a write is the outcome unknown.
#include <algorithm>
#include <cstring>

#include "target/postgres/serve/retry.h"
#include "target/postgres/serve/session.h"

namespace offramp::target::postgres {

namespace {

using Kind = PointJob::Kind;

bool writes(const PointJob& job) {
  return job.kind == Kind::kWrite || job.kind == Kind::kWriteNoted;
}

}  // namespace

Status Session::queue_point(Work& work, PointJob& job) {
  TableState& state = *work.state;
  job.apart = !state.simple() || !work.fits(state.parents[0].table);
  if (job.apart) return {};
  if (job.kind == Kind::kGetNoted && state.contended > 0) {
    --state.contended;
    job.apart = job.contended = true;
    return {};
  }
  const size_t number = channel_.queued();
  switch (job.kind) {
    case Kind::kGet:
      queue_find_simple(work, state.find_simple);
      break;
    case Kind::kGetNoted:
      queue_find_simple(work, state.find_version);
      break;
    case Kind::kWrite:
      job.apart = TRY(queue_blind(work, job.decision)) == Written::kNeedsLock;
      break;
    case Kind::kWriteNoted:
      work.present = job.present;
      job.apart = !TRY(queue_optimistic(work, job.decision, {job.version, sizeof job.version}));
      break;
  }
  work.first = number;
  return {};
}

Status Session::take_point(Work& work, PointJob& job) {
  const QueryResult& result = channel_.result(work.first);
  TableState& state = *work.state;
  if (writes(job)) {
    job.written = job.kind == Kind::kWrite || result.affected() == 1;
    job.contended = !job.written;
    if (job.contended) state.contended = kContendedWrites;
    return {};
  }
  if (job.kind == Kind::kGetNoted && result.rows() > 0) {
    int field = static_cast<int>(state.table(state.parents[0].table).columns.size());
    job.apart = result.is_null(0, field);  // it is in the overflow table
    if (job.apart) return {};
    std::memcpy(job.version, result.text(0, field).data(), sizeof job.version);
  }
  work.present = false;
  TRY(take_simple(work, result, *job.batch));
  job.present = work.present;
  job.root = work.root;
  return {};
}

void Session::run_points(std::span<PointJob* const> jobs) {
  refs_.clear();
  for (const PointJob* job : jobs) refs_.push_back(job->ref);
  Status status = prepare(refs_);
  bool sent = false;
  if (status.ok()) {
    order_works();
    for (uint32_t i : order_)
      if (!queue_point(*works_[i], *jobs[i]).ok()) jobs[i]->apart = true;
    sent = std::any_of(jobs.begin(), jobs.end(), [](const PointJob* job) { return !job->apart; });
    if (sent) status = channel_.run();
  }
  bool unknown = sent && !status.ok() && channel_.sqlstate().empty();
  for (size_t i = 0; i < jobs.size(); ++i) {
    PointJob& job = *jobs[i];
    if (status.ok()) {
      if (!job.apart) job.status = take_point(*works_[i], job);
    } else if (unknown && writes(job) && !job.apart) {
      job.status = store_error(status.error(), "");
    } else {
      job.apart = true;
    }
  }
}

}  // namespace offramp::target::postgres
