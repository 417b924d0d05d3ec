#include "target/postgres/serve/session_pool.h"

#include <thread>
#include <utility>

namespace offramp::target::postgres {

namespace {
constexpr size_t kSessionsMax = 16;
// Whoever waits for a lock holds up the other jobs of its batch; so it is soon tried alone.
constexpr const char* kPointsLockTimeout = "50ms";
}  // namespace

std::unique_ptr<Session> SessionPool::connect(bool& refused) {
  auto session = std::make_unique<Session>(url_, schema_, horizons_);
  for (;;) {
    Status connected = session->connect();
    // Of every other error the caller hears when it uses the session.
    if (connected.ok() || !is_no_connection_left(connected.error())) return session;
    std::vector<std::unique_ptr<Session>> closed;
    {
      std::lock_guard lock(mutex_);
      auto now = Clock::now();
      full_until_ = now + kNoConnectionFor;
      if (sessions_ > 1) {
        --sessions_;
        return nullptr;
      }
      if (!without_since_) without_since_ = now;
      refused = now - *without_since_ > kConnectionPatience;
      if (refused) return session;
      closed.swap(point_);
    }
    closed.clear();
    io::run_blocking([] { std::this_thread::sleep_for(kConnectionPause); });
  }
}

std::unique_ptr<Session> SessionPool::take(bool& refused) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
    if (sessions_ == 0 || (sessions_ < kSessionsMax && Clock::now() >= full_until_)) {
      ++sessions_;
      lock.unlock();
      if (auto session = connect(refused)) return session;
      lock.lock();
      continue;
    }
    Waiting mine;
    waiting_.push_back(&mine);
    lock.unlock();
    mine.woken.wait();
    if (mine.session) return std::move(mine.session);
    lock.lock();
  }
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
  session->leave_thread();
  std::unique_ptr<Session> closed;
  std::lock_guard lock(mutex_);
  if (!session->connected() || std::exchange(room_wanted_, false)) closed = std::move(session);
  if (session)
    without_since_.reset();
  else
    --sessions_;
  if (!waiting_.empty()) {
    Waiting* next = waiting_.front();
    waiting_.pop_front();
    next->session = std::move(session);
    next->woken.notify();
  } else if (session) {
    idle_.push_back(std::move(session));
  }
}

std::unique_ptr<Session> SessionPool::take_for_points() {
  {
    std::lock_guard lock(mutex_);
    if (without_since_) return nullptr;
    if (!point_.empty()) {
      auto session = std::move(point_.back());
      point_.pop_back();
      return session;
    }
    if (Clock::now() < full_until_) return nullptr;
  }
  auto session = std::make_unique<Session>(url_, schema_, horizons_, kPointsLockTimeout);
  Status connected = session->connect();
  if (connected.ok()) return session;
  if (is_no_connection_left(connected.error())) {
    std::lock_guard lock(mutex_);
    full_until_ = Clock::now() + kNoConnectionFor;
  }
  return nullptr;
}

void SessionPool::give_back_from_points(std::unique_ptr<Session> session) {
  session->leave_thread();
  if (!session->connected()) return;
  std::lock_guard lock(mutex_);
  if (!without_since_ && !std::exchange(room_wanted_, false)) point_.push_back(std::move(session));
}

void SessionPool::make_room() {
  std::unique_ptr<Session> closed;
  std::lock_guard lock(mutex_);
  full_until_ = Clock::now() + kNoConnectionFor;
  room_wanted_ = point_.empty() && idle_.empty();
  if (!point_.empty()) {
    closed = std::move(point_.back());
    point_.pop_back();
  } else if (!idle_.empty()) {
    closed = std::move(idle_.back());
    idle_.pop_back();
    --sessions_;
  }
}

Result<Connection> SessionPool::open_beside() {
  const auto deadline = Clock::now() + kConnectionPatience;
  for (;;) {
    Result<Connection> opened = Connection::open(url_);
    if (opened.ok() || !is_no_connection_left(opened.error()) || Clock::now() > deadline) {
      std::lock_guard lock(mutex_);
      room_wanted_ = false;
      return opened;
    }
    make_room();
    std::this_thread::sleep_for(kConnectionPause);
  }
}

SessionPool::Lease::Lease(SessionPool& pool, std::string_view origin)
    : pool_(pool), session_(pool.take(refused_)) {
  (void)session_->set_origin(origin);
}

}  // namespace offramp::target::postgres
