#include "migrate/run/load_gate.h"

#include <utility>

namespace offramp::migrate {

LoadGate::Ticket::~Ticket() {
  captured();
  end_load();
}

void LoadGate::Ticket::captured() {
  if (counted_) return;
  counted_ = true;
  std::lock_guard lock(gate_.mutex_);
  --gate_.awaited_;
  gate_.changed_.notify_all();
}

Status LoadGate::Ticket::begin_load(std::stop_token stop, const std::function<void()>& waiting) {
  std::unique_lock lock(gate_.mutex_);
  gate_.waiting_.insert(place_);
  // In one step: once every capture stands, all that came here are in the order of the plan.
  if (!std::exchange(counted_, true)) --gate_.awaited_;
  gate_.changed_.notify_all();
  auto my_turn = [&] {
    return gate_.awaited_ == 0 && gate_.free_ > 0 && *gate_.waiting_.begin() == place_;
  };
  if (waiting && !my_turn()) {
    lock.unlock();
    waiting();
    lock.lock();
  }
  bool mine = gate_.changed_.wait(lock, stop, my_turn);
  gate_.waiting_.erase(place_);
  gate_.changed_.notify_all();
  if (!mine)
    return Error(ErrorKind::kCancelled, "load.stopped",
                 "stopped before the load began; nothing was loaded");
  --gate_.free_;
  loads_ = true;
  return {};
}

void LoadGate::Ticket::end_load() {
  if (!loads_) return;
  loads_ = false;
  std::lock_guard lock(gate_.mutex_);
  ++gate_.free_;
  gate_.changed_.notify_all();
}

}  // namespace offramp::migrate
