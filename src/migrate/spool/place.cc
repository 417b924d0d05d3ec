// A place as text. The form is stored in targets: it may grow, but never change its meaning.
#include <fmt/format.h>

#include <charconv>

#include "migrate/spool/spool.h"

namespace offramp::migrate::spool {
namespace {

constexpr size_t kTextMax = 128;

Error not_a_place(std::string_view text) {
  return Error(ErrorKind::kCorrupt, "spool.place",
               fmt::format("the target's stored position '{}' is not a place of the spool; it was "
                           "written by something "
                           "else than this tool, or by a newer version of it",
                           text.substr(0, kTextMax)));
}

// Takes a whole word made of digits of `base` from the front, and the blank behind it.
bool take_number(std::string_view& text, int base, size_t digits_max, uint64_t& value) {
  size_t end = std::min(text.find(' '), text.size());
  if (end == 0 || end > digits_max) return false;
  auto [last, error] = std::from_chars(text.data(), text.data() + end, value, base);
  if (error != std::errc() || last != text.data() + end) return false;
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

std::string pack_place(const Place& place) {
  if (place.base == 0) return fmt::format("{} batch {}", place.generation, place.batch);
  return fmt::format("{} base {} {:016x}{:016x}", place.generation, place.base, place.key.high,
                     place.key.low);
}

Result<Place> unpack_place(std::string_view text) {
  if (text.empty()) return Place();
  Place place;
  std::string_view rest = text;
  if (text.size() > kTextMax || !take_number(rest, 10, 20, place.generation))
    return not_a_place(text);
  if (take_word(rest, "batch ")) {
    if (!take_number(rest, 10, 20, place.batch) || !rest.empty()) return not_a_place(text);
  } else if (take_word(rest, "base ")) {
    if (!take_number(rest, 10, 20, place.base) || place.base == 0 || rest.size() != 32)
      return not_a_place(text);
    std::string_view high = rest.substr(0, 16), low = rest.substr(16);
    if (!take_number(low, 16, 16, place.key.low) || !low.empty()) return not_a_place(text);
    if (!take_number(high, 16, 16, place.key.high) || !high.empty()) return not_a_place(text);
  } else {
    return not_a_place(text);
  }
  // Nothing else packs to a text that reads the same: what is compared as text is compared as a
  // place.
  if (pack_place(place) != text) return not_a_place(text);
  return place;
}

bool place_before(const Place& a, const Place& b) {
  if (a.generation != b.generation) return a.generation < b.generation;
  uint64_t a_batch = a.base ? a.base : a.batch, b_batch = b.base ? b.base : b.batch;
  if (a_batch != b_batch) return a_batch < b_batch;
  if ((a.base != 0) != (b.base != 0)) return a.base != 0;
  if (a.base == 0) return false;
  return a.key.high != b.key.high ? a.key.high < b.key.high : a.key.low < b.key.low;
}

}  // namespace offramp::migrate::spool
