#include "target/postgres/serve/pooled_session.h"

namespace offramp::target::postgres {

namespace {

using Kind = PointJob::Kind;

constexpr size_t kBatchMax = 64;
// A batch that takes longer than this is waited for by nobody else.
constexpr std::chrono::milliseconds kBatchSlow{50};

}  // namespace

void PointQueue::run(PointJob& job) {
  auto now = std::chrono::steady_clock::now();
  if (led_ && now - began_ > kBatchSlow) {
    job.apart = true;
    return;
  }
  Waiting mine{.job = &job};
  waiting_.push_back(&mine);
  if (led_) {
    mine.changed.wait();
    if (!mine.leads) return;
  } else {
    led_ = true;
    began_ = now;
    // The requests that have arrived by now come along.
    io::Fiber::yield();
  }
  lead();
}

// Runs a batch, of which the caller's job is the first; then the next one is another's.
void PointQueue::lead() {
  batch_.clear();
  jobs_.clear();
  while (!waiting_.empty() && batch_.size() < kBatchMax) {
    batch_.push_back(waiting_.front());
    jobs_.push_back(waiting_.front()->job);
    waiting_.pop_front();
  }
  began_ = std::chrono::steady_clock::now();
  if (auto session = pool_->take_for_points()) {
    session->run_points(jobs_);
    pool_->give_back_from_points(std::move(session));
  } else {
    for (PointJob* job : jobs_) job->apart = true;
  }
  for (size_t i = 1; i < batch_.size(); ++i) batch_[i]->changed.notify();
  led_ = !waiting_.empty();
  if (!led_) return;
  waiting_.front()->leads = true;
  waiting_.front()->changed.notify();
}

std::shared_ptr<PointQueues> LoopQueues::of(io::FiberScheduler& loop) {
  std::lock_guard lock(mutex_);
  std::weak_ptr<PointQueues>& entry = known_[&loop];
  auto found = entry.lock();
  if (!found) {
    found.reset(new PointQueues{PointQueue(pool_), PointQueue(pool_)});
    entry = found;
  }
  return found;
}

PointQueues* PooledSession::queues() {
  io::Fiber* fiber = io::Fiber::current();
  if (!fiber) return nullptr;
  if (!mine_) mine_ = queues_->of(fiber->scheduler());
  return mine_.get();
}

Status PooledSession::get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                          std::vector<ddb::ItemView>& found) {
  if (PointQueues* queues = this->queues(); queues && refs.size() == 1) {
    batch.reset();
    PointJob job{.kind = Kind::kGet, .ref = refs[0], .batch = &batch};
    queues->gets.run(job);
    if (!job.apart) {
      TRY(std::move(job.status));
      found.assign(1, job.present ? batch.item(job.root) : ddb::ItemView());
      return {};
    }
  }
  return pool_->run({}, [&](Session& session) { return session.get(refs, batch, found); });
}

Status PooledSession::read(const PageRequest& request, Page& page) {
  return pool_->run({}, [&](Session& session) { return session.read(request, page); });
}

// Reads, decides, and writes what was decided if the item is still the same; else it is locked.
Status PooledSession::write_one(PointQueues& queues, const ItemRef& ref, const Decide& decide) {
  auto write_apart = [&](bool contended) {
    return pool_->run({}, [&](Session& session) {
      return contended ? session.write_locked({&ref, 1}, decide) : session.write({&ref, 1}, decide);
    });
  };
  old_.reset();
  PointJob look{.kind = Kind::kGetNoted, .ref = ref, .batch = &old_};
  queues.gets.run(look);
  if (look.apart) return write_apart(look.contended);
  TRY(std::move(look.status));
  ddb::ItemView old = look.present ? old_.item(look.root) : ddb::ItemView();
  Decision decision;
  TRY(decide({&old, 1}, {&decision, 1}));
  if (decision.kind == Decision::Kind::kKeep) return {};
  if (decision.kind == Decision::Kind::kDelete && !look.present) return {};
  PointJob job = look;
  job.kind = Kind::kWriteNoted;
  job.decision = decision;
  queues.writes.run(job);
  if (job.written) return {};
  if (!job.apart) TRY(std::move(job.status));
  return write_apart(job.contended);
}

Status PooledSession::write(std::span<const ItemRef> refs, const Decide& decide) {
  PointQueues* queues = this->queues();
  // A batch has the writes of many.
  if (queues && refs.size() == 1 && origin_.empty()) return write_one(*queues, refs[0], decide);
  return pool_->run(origin_, [&](Session& session) { return session.write(refs, decide); });
}

Status PooledSession::write_blind(std::span<const ItemRef> refs,
                                  std::span<const Decision> decisions) {
  PointQueues* queues = this->queues();
  if (queues && refs.size() == 1 && origin_.empty()) {
    PointJob job{.kind = Kind::kWrite, .ref = refs[0], .decision = decisions[0]};
    queues->writes.run(job);
    if (job.written) return {};
    if (!job.apart) return std::move(job.status);
  }
  return pool_->run(origin_,
                    [&](Session& session) { return session.write_blind(refs, decisions); });
}

Status PooledSession::set_origin(std::string_view origin) {
  origin_ = origin;
  return {};
}

Status PooledSession::changes(const ServedTable& table, const ChangeLogName& log, uint64_t after,
                              uint64_t until, size_t changes_max, size_t bytes_max,
                              ChangePage& page) {
  return pool_->run({}, [&](Session& session) {
    return session.changes(table, log, after, until, changes_max, bytes_max, page);
  });
}

}  // namespace offramp::target::postgres
