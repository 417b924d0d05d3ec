// The cursor rests below the last line; drawing goes up by as many lines as there are, and writes
// all of them anew.
#include "migrate/progress_board.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdio>

namespace offramp::migrate {
namespace {

constexpr auto kTerminalPeriod = std::chrono::milliseconds(200);
constexpr auto kJsonPeriod = std::chrono::seconds(5);
constexpr size_t kNameColumnsMax = 30;

ProgressBoard::Size terminal_size() {
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void write_to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

ProgressBoard::Screen with_defaults(ProgressBoard::Screen screen) {
  if (!screen.write) screen.write = write_to_stderr;
  if (!screen.size) screen.size = terminal_size;
  return screen;
}

}  // namespace

ProgressBoard::ProgressBoard(Progress::Mode mode, Screen screen)
    : mode_(mode), screen_(with_defaults(std::move(screen))) {
  if (mode_ != Progress::Mode::kQuiet && screen_.redraws)
    printer_ = std::jthread([this](std::stop_token stop) { print_loop(stop); });
}

ProgressBoard::~ProgressBoard() {
  printer_ = {};
  std::lock_guard lock(mutex_);
  members_.clear();
  if (drawn_ > 0) draw("");
}

void ProgressBoard::add(Progress& progress) {
  std::lock_guard lock(mutex_);
  members_.push_back(&progress);
  name_width_ = std::max(name_width_, std::min(kNameColumnsMax, progress.table().size()));
}

void ProgressBoard::remove(Progress& progress) {
  std::lock_guard lock(mutex_);
  std::erase(members_, &progress);
}

std::string ProgressBoard::named(const std::string& table, const std::string& text) const {
  return table.empty() ? text
                       : fmt::format("{:<{}}  {}", cut_to_width(table, kNameColumnsMax + 1),
                                     name_width_, text);
}

void ProgressBoard::say(const std::string& table, const std::string& sentence) {
  std::lock_guard lock(mutex_);
  if (mode_ == Progress::Mode::kJsonLines) screen_.write(note_line(table, sentence));
  if (mode_ == Progress::Mode::kTerminal) draw(named(table, sentence));
}

void ProgressBoard::step_ended(Progress& progress, const std::string& line) {
  std::lock_guard lock(mutex_);
  if (mode_ == Progress::Mode::kJsonLines) screen_.write(line + "\n");
  if (mode_ == Progress::Mode::kTerminal) draw(named(progress.table(), line));
}

void ProgressBoard::redraw() {
  std::lock_guard lock(mutex_);
  if (mode_ == Progress::Mode::kTerminal) return draw("");
  if (mode_ == Progress::Mode::kQuiet) return;
  for (Progress* progress : members_)
    if (std::string line = progress->board_line(); !line.empty()) screen_.write(line + "\n");
}

std::vector<std::string> ProgressBoard::lines(const Size& size) const {
  // The cursor's own line is one of the screen's.
  size_t room = size.rows > 2 ? size.rows - 1 : 1;
  std::vector<std::string> out;
  for (Progress* progress : members_)
    out.push_back(cut_to_width(named(progress->table(), progress->board_line()), size.columns));
  if (out.size() <= room) return out;
  size_t hidden = out.size() - room + 1;
  out.resize(room - 1);
  out.push_back(fmt::format("… and {} more tables: see `offramp status`", hidden));
  return out;
}

void ProgressBoard::draw(const std::string& above) {
  // One write, so that nothing flickers and no other output comes in between.
  std::string text;
  if (drawn_ > 0) text = fmt::format("\r\033[{}A", drawn_);
  if (!above.empty()) text += above + "\033[K\n";
  std::vector<std::string> now = lines(screen_.size());
  for (const std::string& line : now) text += line + "\033[K\n";
  text += "\033[J";
  drawn_ = now.size();
  screen_.write(text);
}

void ProgressBoard::print_loop(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (mode_ == Progress::Mode::kTerminal)
        wake_.wait_for(lock, stop, kTerminalPeriod, [] { return false; });
      else
        wake_.wait_for(lock, stop, kJsonPeriod, [] { return false; });
    }
    if (!stop.stop_requested()) redraw();
  }
}

}  // namespace offramp::migrate
