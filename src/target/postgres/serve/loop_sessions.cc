#include "target/postgres/serve/loop_sessions.h"

#include "base/assert.h"

namespace offramp::target::postgres {

namespace {

using Kind = PointJob::Kind;

constexpr size_t kBatchMax = 64;
// A batch that takes longer than this is waited for by nobody else.
constexpr std::chrono::milliseconds kBatchSlow{50};
// Whoever waits for a lock holds up the other jobs of its batch; so it is soon tried alone.
constexpr const char* kBatchLockTimeout = "50ms";

}  // namespace

PointQueue::PointQueue(std::string url, std::string schema, std::shared_ptr<LogHorizons> horizons)
    : session_(std::move(url), std::move(schema), std::move(horizons), kBatchLockTimeout) {}

void PointQueue::run(PointJob& job) {
  if (led_ && std::chrono::steady_clock::now() - began_ > kBatchSlow) {
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
    began_ = std::chrono::steady_clock::now();
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
  session_.run_points(jobs_);
  for (size_t i = 1; i < batch_.size(); ++i) batch_[i]->changed.notify();
  led_ = !waiting_.empty();
  if (!led_) return;
  waiting_.front()->leads = true;
  waiting_.front()->changed.notify();
}

LoopSessions::LoopSessions(std::string url, std::string schema,
                           std::shared_ptr<LogHorizons> horizons,
                           std::function<size_t()> sessions_max)
    : gets(url, schema, horizons),
      writes(url, schema, horizons),
      url_(std::move(url)),
      schema_(std::move(schema)),
      horizons_(std::move(horizons)),
      sessions_max_(std::move(sessions_max)) {}

LoopSessions::Lease::Lease(LoopSessions& of, std::string_view origin) : of_(of) {
  if (!of.idle_.empty()) {
    session_ = std::move(of.idle_.back());
    of.idle_.pop_back();
    ++of.taken_;
  } else if (of.taken_ < of.sessions_max_()) {
    session_ = std::make_unique<Session>(of.url_, of.schema_, of.horizons_);
    ++of.taken_;
  } else {
    Waiting mine;
    of.waiting_.push_back(&mine);
    mine.given.wait();
    session_ = std::move(mine.session);  // in the place of whoever gave it
  }
  (void)session_->set_origin(origin);
}

LoopSessions::Lease::~Lease() {
  if (of_.waiting_.empty()) {
    --of_.taken_;
    of_.idle_.push_back(std::move(session_));
    return;
  }
  Waiting* next = of_.waiting_.front();
  of_.waiting_.pop_front();
  next->session = std::move(session_);
  next->given.notify();
}

LoopSessions* LoopSession::loop() {
  io::Fiber* fiber = io::Fiber::current();
  if (!fiber) return nullptr;
  if (!loop_) loop_ = find_(fiber->scheduler());
  return loop_.get();
}

Status LoopSession::get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                        std::vector<ddb::ItemView>& found) {
  LoopSessions* loop = this->loop();
  if (!loop) return alone_->get(refs, batch, found);
  if (refs.size() == 1) {
    batch.reset();
    PointJob job{.kind = Kind::kGet, .ref = refs[0], .batch = &batch};
    loop->gets.run(job);
    if (!job.apart) {
      TRY(std::move(job.status));
      found.assign(1, job.present ? batch.item(job.root) : ddb::ItemView());
      return {};
    }
  }
  return LoopSessions::Lease(*loop)->get(refs, batch, found);
}

Status LoopSession::read(const PageRequest& request, Page& page) {
  LoopSessions* loop = this->loop();
  return loop ? LoopSessions::Lease(*loop)->read(request, page) : alone_->read(request, page);
}

// Reads, decides, and writes what was decided if the item is still the same; else it is locked.
Status LoopSession::write_one(LoopSessions& loop, const ItemRef& ref, const Decide& decide) {
  old_.reset();
  PointJob look{.kind = Kind::kGetNoted, .ref = ref, .batch = &old_};
  loop.gets.run(look);
  if (look.apart) {
    LoopSessions::Lease session(loop);
    return look.contended ? session->write_locked({&ref, 1}, decide)
                          : session->write({&ref, 1}, decide);
  }
  TRY(std::move(look.status));
  ddb::ItemView old = look.present ? old_.item(look.root) : ddb::ItemView();
  Decision decision;
  TRY(decide({&old, 1}, {&decision, 1}));
  if (decision.kind == Decision::Kind::kKeep) return {};
  if (decision.kind == Decision::Kind::kDelete && !look.present) return {};
  PointJob job = look;
  job.kind = Kind::kWriteNoted;
  job.decision = decision;
  loop.writes.run(job);
  if (job.written) return {};
  if (!job.apart) TRY(std::move(job.status));
  LoopSessions::Lease session(loop);
  return job.contended ? session->write_locked({&ref, 1}, decide)
                       : session->write({&ref, 1}, decide);
}

Status LoopSession::write(std::span<const ItemRef> refs, const Decide& decide) {
  LoopSessions* loop = this->loop();
  if (!loop) return alone_->write(refs, decide);
  // A batch has the writes of many.
  if (refs.size() == 1 && origin_.empty()) return write_one(*loop, refs[0], decide);
  return LoopSessions::Lease(*loop, origin_)->write(refs, decide);
}

Status LoopSession::write_blind(std::span<const ItemRef> refs,
                                std::span<const Decision> decisions) {
  LoopSessions* loop = this->loop();
  if (!loop) return alone_->write_blind(refs, decisions);
  if (refs.size() == 1 && origin_.empty()) {
    PointJob job{.kind = Kind::kWrite, .ref = refs[0], .decision = decisions[0]};
    loop->writes.run(job);
    if (job.written) return {};
    if (!job.apart) return std::move(job.status);
  }
  return LoopSessions::Lease(*loop, origin_)->write_blind(refs, decisions);
}

Status LoopSession::set_origin(std::string_view origin) {
  origin_ = origin;
  return alone_->set_origin(origin);
}

Status LoopSession::changes(const ServedTable& table, const ChangeLogName& log, uint64_t after,
                            uint64_t until, size_t changes_max, size_t bytes_max,
                            ChangePage& page) {
  LoopSessions* loop = this->loop();
  if (!loop) return alone_->changes(table, log, after, until, changes_max, bytes_max, page);
  return LoopSessions::Lease(*loop)->changes(table, log, after, until, changes_max, bytes_max,
                                             page);
}

}  // namespace offramp::target::postgres
