// The printing of progress.
#include "migrate/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ddb/wire_json.h"
#include "migrate/progress_board.h"

namespace offramp::migrate {
namespace {

constexpr auto kTerminalPeriod = std::chrono::milliseconds(200);
constexpr auto kJsonPeriod = std::chrono::seconds(5);
constexpr int kBarWidth = 24;

std::string duration_text(double seconds) {
  auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

size_t terminal_columns() {
  winsize size{};
  if (::ioctl(2, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string cut_to_width(const std::string& text, size_t columns) {
  size_t characters = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    bool first = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (first && ++characters >= columns) return text.substr(0, at);
  }
  return text;
}

std::string with_commas(uint64_t value) {
  std::string digits = std::to_string(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

Progress::Mode Progress::detect() { return ::isatty(2) ? Mode::kTerminal : Mode::kJsonLines; }

Progress::Progress(Mode mode) : mode_(mode) {
  if (mode_ != Mode::kQuiet)
    printer_ = std::jthread([this](std::stop_token stop) { print_loop(stop); });
}

Progress::Progress(ProgressBoard& board, std::string table)
    : mode_(board.mode()), board_(&board), table_(std::move(table)) {
  board.add(*this);
}

Progress::~Progress() {
  end();
  if (board_) board_->remove(*this);
}

void Progress::begin(const std::string& step, std::optional<uint64_t> total_items,
                     std::optional<uint64_t> total_bytes, uint64_t already_items) {
  end();
  std::lock_guard lock(mutex_);
  step_ = step;
  total_items_ = total_items;
  total_bytes_ = total_bytes;
  already_items_ = already_items;
  items_ = 0;
  bytes_ = 0;
  begun_ = std::chrono::steady_clock::now();
  active_ = true;
}

void Progress::show(std::function<Detail()> detail, const std::string& counted) {
  std::lock_guard lock(mutex_);
  detail_ = std::move(detail);
  counted_ = counted;
}

void Progress::end() {
  std::string line;
  {
    std::lock_guard lock(mutex_);
    if (!active_) return;
    if (board_)
      line = step_line(true);
    else
      print(true);
    active_ = false;
    detail_ = nullptr;
    counted_ = "items";
    resting_.clear();
  }
  // Without the lock: the board asks each Progress for its line.
  if (board_) board_->step_ended(*this, line);
}

void Progress::rest(const std::string& what) {
  std::lock_guard lock(mutex_);
  resting_ = what;
}

void Progress::say(const std::string& sentence) {
  if (board_) return board_->say(table_, sentence);
  std::lock_guard lock(mutex_);
  if (mode_ == Mode::kTerminal)
    std::fprintf(stderr, "\r\033[K%s\n", sentence.c_str());
  else if (mode_ == Mode::kJsonLines)
    std::fputs(note_line("", sentence).c_str(), stderr);
}

std::string note_line(const std::string& table, const std::string& sentence) {
  std::string text;
  for (char c : sentence) {
    if (c == '"' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return "{" + (table.empty() ? "" : "\"table\":" + ddb::json_quoted(table) + ",") + "\"note\":\"" +
         text + "\"}\n";
}

double Progress::step_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

void Progress::print_loop(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (mode_ == Mode::kTerminal)
      wake_.wait_for(lock, stop, kTerminalPeriod, [] { return false; });
    else
      wake_.wait_for(lock, stop, kJsonPeriod, [] { return false; });
    if (active_ && !stop.stop_requested()) print(false);
  }
}

void Progress::print(bool last) {
  if (mode_ == Mode::kQuiet) return;
  // One write per line. Not fmt::print(): it throws when stderr cannot be written to, and nothing
  // depends on a progress line.
  std::string line = step_line(last);
  if (mode_ == Mode::kTerminal) {
    // Cut to the terminal's width: a line that wraps could not be written over.
    line = "\r" + cut_to_width(line, terminal_columns()) + "\033[K" + (last ? "\n" : "");
  } else {
    line += '\n';
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

std::string Progress::board_line() {
  std::lock_guard lock(mutex_);
  if (active_) return step_line(false);
  return mode_ == Mode::kTerminal ? resting_ : "";
}

std::string Progress::step_line(bool last) const {
  double seconds = std::max(step_seconds(), 1e-6);
  Detail detail = detail_ ? detail_() : Detail();
  return mode_ == Mode::kTerminal ? bar_line(seconds, last) + detail.text
                                  : json_line(seconds, last, detail);
}

std::string Progress::json_line(double seconds, bool last, const Detail& detail) const {
  uint64_t items = items_;
  std::string table = table_.empty() ? "" : "\"table\":" + ddb::json_quoted(table_) + ",";
  std::string total = total_items_ ? fmt::format(",\"total_items\":{}", *total_items_) : "";
  return fmt::format(
      "{{{}\"step\":\"{}\",\"state\":\"{}\",\"items\":{}{},\"bytes\":{},\"items_per_s\":{:.0f},"
      "\"seconds\":{:.1f}{}{}}}",
      table, step_, last ? "done" : "running", items + already_items_, total, bytes_.load(),
      static_cast<double>(items) / seconds, seconds, detail.json.empty() ? "" : ",", detail.json);
}

std::string Progress::bar_line(double seconds, bool last) const {
  uint64_t items = items_, bytes = bytes_;
  uint64_t done = items + already_items_;
  double rate = static_cast<double>(items) / seconds;
  std::string line = fmt::format("{:<10}", step_);
  double share = -1;
  if (total_items_)
    share = *total_items_ == 0
                ? 1.0
                : std::min(1.0, static_cast<double>(done) / static_cast<double>(*total_items_));
  else if (total_bytes_ && *total_bytes_ > 0)
    share = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(*total_bytes_));
  if (share >= 0) {
    int filled = static_cast<int>(share * kBarWidth);
    line += '[';
    for (int i = 0; i < kBarWidth; ++i) line += i < filled ? "█" : "·";
    line += fmt::format("] {:3.0f}% ", share * 100);
  }
  if (done > 0 || share >= 0) line += fmt::format(" {} {}", with_commas(done), counted_);
  if (items > 0) line += fmt::format("  {}/s", with_commas(static_cast<uint64_t>(rate)));
  if (bytes > 0) line += fmt::format("  {:.1f} MB/s", static_cast<double>(bytes) / seconds / 1e6);
  if (!last && share > 0 && share < 1 && seconds > 1 && items > 0) {
    double left = total_items_
                      ? static_cast<double>(*total_items_ - std::min(done, *total_items_)) / rate
                      : seconds * (1 - share) / share;
    line += fmt::format("  ETA {}", duration_text(left));
  } else {
    line += fmt::format("  {}{}", last ? "in " : "", duration_text(seconds));
  }
  return line;
}

}  // namespace offramp::migrate
