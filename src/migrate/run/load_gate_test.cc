// Who may load when: nobody before every capture stands, then so many at once, in the order of the
// plan.
#include "migrate/run/load_gate.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace offramp::migrate {
namespace {

class LoadGateTest : public ::testing::Test {
 protected:
  // A move's thread that loads until it is told to end.
  struct Move {
    std::promise<void> begun, end, ended;
    std::jthread thread;
  };
  std::unique_ptr<Move> load(LoadGate& gate, size_t place) {
    auto move = std::make_unique<Move>();
    move->thread = std::jthread([this, &gate, place, raw = move.get()] {
      LoadGate::Ticket ticket(gate, place);
      if (!ticket.begin_load(stop_.get_token()).ok()) return raw->ended.set_value();
      order_.push_back(place);  // one at a time in these tests, or joined before it is read
      raw->begun.set_value();
      raw->end.get_future().wait();
      ticket.end_load();
      raw->ended.set_value();
    });
    return move;
  }
  std::stop_source stop_;
  std::vector<size_t> order_;
};

TEST_F(LoadGateTest, C2_NobodyLoadsBeforeEveryCaptureStands) {
  LoadGate gate(3, 3);
  LoadGate::Ticket late(gate, 2);
  auto failed = std::make_unique<LoadGate::Ticket>(gate, 1);
  auto first = load(gate, 0);
  auto begun = first->begun.get_future();
  late.captured();
  late.captured();  // counts once
  EXPECT_EQ(begun.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  failed.reset();  // a move that gives up is not waited for
  begun.wait();
  first->end.set_value();
}

TEST_F(LoadGateTest, SoManyAtOnceInTheOrderOfThePlan) {
  LoadGate gate(4, 1);
  auto holder = std::make_unique<LoadGate::Ticket>(gate, 0);
  auto second = load(gate, 3);
  auto third = load(gate, 1);
  auto fourth = load(gate, 2);
  ASSERT_TRUE(holder->begin_load(stop_.get_token()).ok());
  // All three wait, whoever came first; the turn goes from one to the next.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(order_.empty());
  holder.reset();
  for (Move* move : {third.get(), fourth.get(), second.get()}) {
    move->begun.get_future().wait();
    move->end.set_value();
    move->ended.get_future().wait();
  }
  EXPECT_EQ(order_, (std::vector<size_t>{1, 2, 3}));
}

TEST_F(LoadGateTest, AStopEndsTheWaitAndLetsOthersPass) {
  LoadGate gate(2, 1);
  LoadGate::Ticket other(gate, 1);  // its capture does not stand
  auto waits = load(gate, 0);
  stop_.request_stop();
  waits->ended.get_future().wait();
  EXPECT_TRUE(order_.empty());
  EXPECT_TRUE(other.begin_load(std::stop_token()).ok());
}

}  // namespace
}  // namespace offramp::migrate
