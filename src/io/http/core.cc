#include "io/http/core.h"

#include <sys/socket.h>
#include <time.h>

namespace offramp::io::http {
int64_t now_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

void Watched::cut() const { ::shutdown(fd_, SHUT_RDWR); }
void Watched::take_no_more() const { ::shutdown(fd_, SHUT_RD); }

void Core::add(const std::shared_ptr<Watched>& connection) {
  std::lock_guard lock(mutex_);
  watched_.emplace(connection.get(), connection);
}

void Core::remove(Watched* connection) {
  std::lock_guard lock(mutex_);
  watched_.erase(connection);
  if (watched_.empty()) closed_.notify_all();
}

size_t Core::open() const {
  std::lock_guard lock(mutex_);
  return watched_.size();
}

// References are taken under the lock and dropped without it: dropping the last one calls remove().
std::vector<std::shared_ptr<Watched>> Core::all() const {
  std::vector<std::shared_ptr<Watched>> found;
  std::lock_guard lock(mutex_);
  found.reserve(watched_.size());
  for (const auto& [_, connection] : watched_)
    if (auto held = connection.lock()) found.push_back(std::move(held));
  return found;
}

void Core::sweep() {
  const int64_t now = now_ms();
  for (const auto& connection : all())
    if (connection->deadline_ms.load(std::memory_order_relaxed) < now) connection->cut();
}

void Core::drain() {
  draining = true;
  for (const auto& connection : all())
    if (connection->phase == Watched::Phase::kIdle) connection->take_no_more();
}

bool Core::wait_closed(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  return closed_.wait_for(lock, grace, [&] { return watched_.empty(); });
}

void Core::cut_all() {
  for (const auto& connection : all()) connection->cut();
}

}  // namespace offramp::io::http
