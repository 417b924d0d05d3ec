// The board as a terminal shows it: a small terminal takes what is written, and the tests look at
// its screen.
#include "migrate/progress_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace offramp::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

// Text, \r, \n, and the sequences for "up", "clear to the line's end" and "clear to the screen's
// end".
class Terminal {
 public:
  explicit Terminal(size_t rows) : rows_(rows), lines_(1) {}
  void write(std::string_view text) {
    for (size_t at = 0; at < text.size(); ++at) {
      char c = text[at];
      if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        ++row_;
        column_ = 0;
        if (row_ == lines_.size()) lines_.emplace_back();
      } else if (c == '\033') {
        size_t end = text.find_first_of("AKJ", at);
        ASSERT_NE(end, std::string_view::npos);
        control(text[end], std::string(text.substr(at + 2, end - at - 2)));
        at = end;
      } else {
        std::string& line = lines_[row_];
        line.resize(std::max(line.size(), column_ + 1), ' ');
        line[column_++] = c;
      }
    }
  }
  // What scrolled away included.
  std::vector<std::string> lines() const {
    std::vector<std::string> out = lines_;
    while (!out.empty() && out.back().empty()) out.pop_back();
    return out;
  }

 private:
  void control(char what, const std::string& number) {
    if (what == 'K') lines_[row_].resize(std::min(lines_[row_].size(), column_));
    if (what == 'J') {
      lines_.resize(row_ + 1);
      lines_[row_].resize(std::min(lines_[row_].size(), column_));
    }
    if (what == 'A') {
      size_t up = std::stoul(number);
      // A terminal does not go above its screen.
      size_t top = lines_.size() > rows_ ? lines_.size() - rows_ : 0;
      ASSERT_GE(row_, top + up);
      row_ -= up;
    }
  }
  const size_t rows_;
  std::vector<std::string> lines_;
  size_t row_ = 0, column_ = 0;
};

class Board : public ::testing::Test {
 protected:
  ProgressBoard::Screen screen() {
    return {[this](std::string_view text) { terminal_.write(text); },
            [this] {
              return ProgressBoard::Size{columns_, 10};
            },
            /*redraws=*/false};
  }
  Terminal terminal_{10};
  size_t columns_ = 100;
};

TEST_F(Board, OneLinePerTableInPlace) {
  ProgressBoard board(Progress::Mode::kTerminal, screen());
  Progress orders(board, "Orders"), customers(board, "Customers");
  orders.begin("load", 200);
  orders.add(50, 0);
  customers.rest("waits for its turn to load");
  board.redraw();
  board.redraw();
  EXPECT_THAT(terminal_.lines(),
              ElementsAre(AllOf(StartsWith("Orders     load"), HasSubstr(" 25%  50 items")),
                          "Customers  waits for its turn to load"));
  orders.add(50, 0);
  customers.begin("load", 10);
  board.redraw();
  EXPECT_THAT(terminal_.lines(),
              ElementsAre(HasSubstr(" 50%  100 items"), StartsWith("Customers  load")));
}

TEST_F(Board, WhatIsSaidAndDoneScrollsAbove) {
  ProgressBoard board(Progress::Mode::kTerminal, screen());
  Progress orders(board, "Orders"), customers(board, "Customers");
  board.redraw();
  orders.say("adding the key of orders");
  board.say("", "stopping");
  customers.begin("load", 10);
  customers.add(10, 0);
  customers.end();
  customers.rest("done");
  board.redraw();
  EXPECT_THAT(terminal_.lines(), ElementsAre("Orders     adding the key of orders", "stopping",
                                             AllOf(StartsWith("Customers  load"),
                                                   HasSubstr("100%  10 items"), HasSubstr("in 0s")),
                                             "Orders     starting", "Customers  done"));
}

TEST_F(Board, LinesAreCutToTheScreen) {
  columns_ = 24;
  ProgressBoard board(Progress::Mode::kTerminal, screen());
  Progress orders(board, "Orders");
  Progress odd(board, std::string(255, 'n'));
  orders.begin("load", 200);
  board.redraw();
  for (const std::string& line : terminal_.lines()) {
    size_t characters = 0;
    for (char c : line) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    EXPECT_LT(characters, columns_) << line;
  }
}

TEST_F(Board, MoreTablesThanLines) {
  ProgressBoard board(Progress::Mode::kTerminal, screen());
  std::vector<std::unique_ptr<Progress>> many;
  for (int i = 0; i < 30; ++i)
    many.push_back(std::make_unique<Progress>(board, "Table" + std::to_string(i)));
  board.redraw();
  board.redraw();
  auto lines = terminal_.lines();
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_THAT(lines[7], StartsWith("Table7 "));
  EXPECT_THAT(lines[8], HasSubstr("and 22 more tables"));
}

TEST_F(Board, LeavesOnlyWhatWasSaid) {
  {
    ProgressBoard board(Progress::Mode::kTerminal, screen());
    {
      Progress orders(board, "Orders");
      board.redraw();
      orders.say("hello");
      board.redraw();
    }
  }
  EXPECT_THAT(terminal_.lines(), ElementsAre("Orders  hello"));
}

TEST_F(Board, JsonLinesNameTheirTable) {
  ProgressBoard board(Progress::Mode::kJsonLines, screen());
  Progress orders(board, "Or\"ders"), customers(board, "Customers");
  orders.begin("load", 4);
  orders.add(2, 7);
  orders.show([] { return Progress::Detail{"", "\"lag_ms\":12"}; });
  board.redraw();  // nothing of what is between steps
  orders.end();
  customers.say("a \"note\"");
  std::vector<nlohmann::json> lines;
  for (const std::string& line : terminal_.lines()) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["table"], "Or\"ders");
  EXPECT_EQ(lines[0]["state"], "running");
  EXPECT_EQ(lines[0]["lag_ms"], 12);
  EXPECT_EQ(lines[1]["state"], "done");
  EXPECT_EQ(lines[1]["items"], 2);
  EXPECT_EQ(lines[2]["table"], "Customers");
  EXPECT_EQ(lines[2]["note"], "a \"note\"");
}

TEST_F(Board, ManyThreadsAtOnce) {
  ProgressBoard board(Progress::Mode::kTerminal, screen());
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&board, t] {
      Progress progress(board, "T" + std::to_string(t));
      for (int i = 0; i < 50; ++i) {
        progress.begin("step", 10);
        progress.show([&progress] { return Progress::Detail{progress.items() ? "x" : "", ""}; });
        progress.add(1, 1);
        progress.say("s");
        progress.end();
      }
    });
  for (int i = 0; i < 100; ++i) board.redraw();
  threads.clear();
  board.redraw();
  EXPECT_EQ(terminal_.lines().size(), 4u * 50 * 2);
}

}  // namespace
}  // namespace offramp::migrate
