#include "mapping/profile/value_stats.h"

#include <charconv>

#include "mapping/convert.h"

namespace offramp::mapping::profile {
namespace {

using ddb::Type;
using model::ColumnType;
using model::TimeFormat;

// 2001-09-09 … 2096: numbers that are times rather than counts.
constexpr int64_t kEpochSMin = 1000000000, kEpochSMax = 4000000000;

}  // namespace

void ValueStats::add(ddb::ItemView item) {
  ++items_;
  for (ddb::ValueView value : item) add_value(0, Side::kMember, value, 1);
}

void ValueStats::add_value(uint32_t parent, Side side, ddb::ValueView value, size_t depth) {
  // DynamoDB has no empty names, but a dump may; no path of a plan can name one, so it stays in
  // `extra`.
  if (value.name().empty()) return;
  auto& names = side == Side::kMember ? paths_[parent].by_name : paths_[parent].element_by_name;
  uint32_t at;
  if (auto found = names.find(value.name()); found != names.end()) {
    at = found->second;
  } else {
    if (paths_.size() > kPathsMax) {
      ++beyond_;
      return;
    }
    at = static_cast<uint32_t>(paths_.size());
    names.emplace(std::string(value.name()), at);
    auto& order = side == Side::kMember ? paths_[parent].members : paths_[parent].element_members;
    order.push_back(at);
    PathStats stats;
    if (side == Side::kMember) stats.path = paths_[parent].path;
    stats.path.emplace_back(value.name());
    paths_.push_back(std::move(stats));
  }
  ++paths_[at].present;
  ++paths_[at].types[static_cast<size_t>(value.type())];
  test(paths_[at], value);
  if (value.type() == Type::kM) {
    paths_[at].member_values += value.size();
    if (depth < kPathDepthMax)
      for (ddb::ValueView member : value) add_value(at, Side::kMember, member, depth + 1);
  }
  if (value.type() == Type::kL && value.size() > 0) {
    for (ddb::ValueView element : value)
      if (element.type() != Type::kM) return;
    ++paths_[at].map_lists;
    paths_[at].elements += value.size();
    for (ddb::ValueView element : value)
      for (ddb::ValueView member : element) add_value(at, Side::kElement, member, kPathDepthMax);
  }
}

void ValueStats::test(PathStats& stats, ddb::ValueView value) {
  bytes_.reset();
  cells_.reset();
  auto fits = [&](ColumnType type, TimeFormat format = TimeFormat::kIso) {
    Cell cell;
    return to_cell(Conversion{type, format, false}, value, bytes_, cells_, cell);
  };
  auto count = [&](ColumnType type) {
    if (fits(type)) ++stats.fits[static_cast<size_t>(type)];
  };
  switch (value.type()) {
    case Type::kS: {
      std::string_view text = value.bytes();
      count(ColumnType::kText);
      if (text.size() == 36) count(ColumnType::kUuid);
      if (text.size() == 10) count(ColumnType::kDate);
      if (text.size() >= 20 && text.size() <= 32 && text[4] == '-')
        for (TimeFormat format :
             {TimeFormat::kIso, TimeFormat::kIsoMs, TimeFormat::kIsoUs, TimeFormat::kIsoOffset})
          if (fits(ColumnType::kTimestamptz, format))
            ++stats.time_fits[static_cast<size_t>(format)];
      stats.zoneless_times += text.size() >= 19 && text.size() <= 26 && text[4] == '-' &&
                              (text[10] == 'T' || text[10] == ' ') && text[13] == ':' &&
                              text.find_first_not_of("0123456789-:T. ") == std::string_view::npos;
      break;
    }
    case Type::kN: {
      count(ColumnType::kNumeric);
      count(ColumnType::kBigint);
      std::string_view text = value.bytes();
      int64_t number = 0;
      auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || stop != text.data() + text.size()) break;
      stats.epoch_s += number >= kEpochSMin && number < kEpochSMax;
      stats.epoch_ms += number >= kEpochSMin * 1000 && number < kEpochSMax * 1000;
      break;
    }
    case Type::kBool:
      count(ColumnType::kBoolean);
      break;
    case Type::kB:
      count(ColumnType::kBytea);
      break;
    case Type::kL:
    case Type::kM:
      count(ColumnType::kJsonb);
      break;
    case Type::kSS:
      count(ColumnType::kTextArray);
      break;
    case Type::kNS:
      count(ColumnType::kNumericArray);
      break;
    case Type::kBS:
      count(ColumnType::kByteaArray);
      break;
    case Type::kNull:
    case Type::kAbsent:
      break;
  }
}

}  // namespace offramp::mapping::profile
