#include "mapping/profile/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace offramp::mapping::profile {
namespace {

using ddb::Type;
using model::ColumnType;
using model::TimeFormat;

constexpr size_t kColumnsReserve = 16;       // left free for people
constexpr size_t kFlattenedMembersMax = 32;  // a map with more members is data, not structure
constexpr size_t kChildColumnsMax = 64;

// `part` is at least `percent` % of `whole`.
bool at_least(uint64_t part, uint64_t whole, double percent) {
  return static_cast<double>(part) * 100.0 >= static_cast<double>(whole) * percent;
}

std::string dotted(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& name : path) (out += out.empty() ? "" : ".") += name;
  return out;
}

// A type that the values here ask for; nothing when they are too mixed to have one.
struct TypeChoice {
  ColumnType type;
  TimeFormat format = TimeFormat::kIso;
  uint64_t fits = 0;
};

std::optional<TypeChoice> choose_text(const PathStats& stats, const ProposeOptions& options) {
  uint64_t texts = stats.of(Type::kS);
  if (options.uuid_type && at_least(stats.fit(ColumnType::kUuid), texts, 99.9))
    return TypeChoice{ColumnType::kUuid, TimeFormat::kIso, stats.fit(ColumnType::kUuid)};
  if (options.temporal_types) {
    if (at_least(stats.fit(ColumnType::kDate), texts, 99.9))
      return TypeChoice{ColumnType::kDate, TimeFormat::kIso, stats.fit(ColumnType::kDate)};
    // Fixed digits say more than "as many as needed": they win when both hold every value.
    for (TimeFormat format :
         {TimeFormat::kIsoMs, TimeFormat::kIsoUs, TimeFormat::kIso, TimeFormat::kIsoOffset}) {
      uint64_t fits = stats.time_fits[static_cast<size_t>(format)];
      if (at_least(fits, texts, 99.9)) return TypeChoice{ColumnType::kTimestamptz, format, fits};
    }
  }
  return TypeChoice{ColumnType::kText, TimeFormat::kIso, stats.fit(ColumnType::kText)};
}

std::optional<TypeChoice> choose_type(const PathStats& stats, const ProposeOptions& options) {
  uint64_t values = stats.present - stats.nulls();
  if (values == 0) return std::nullopt;
  auto dominates = [&](Type type) { return at_least(stats.of(type), values, 90); };
  auto choice = [&](ColumnType type) {
    return TypeChoice{type, TimeFormat::kIso, stats.fit(type)};
  };
  if (dominates(Type::kS)) return choose_text(stats, options);
  if (dominates(Type::kN))
    return choice(stats.fit(ColumnType::kBigint) == stats.of(Type::kN) ? ColumnType::kBigint
                                                                       : ColumnType::kNumeric);
  if (dominates(Type::kBool)) return choice(ColumnType::kBoolean);
  if (dominates(Type::kB)) return choice(ColumnType::kBytea);
  if (dominates(Type::kSS)) return choice(ColumnType::kTextArray);
  if (dominates(Type::kNS)) return choice(ColumnType::kNumericArray);
  if (dominates(Type::kBS)) return choice(ColumnType::kByteaArray);
  if (at_least(stats.fit(ColumnType::kJsonb), values, 90)) return choice(ColumnType::kJsonb);
  return std::nullopt;
}

bool is_time_name(std::string_view attribute) {
  std::string name = snake_case(attribute);
  for (std::string_view tail : {"_at", "_time", "_ts", "_on", "timestamp", "ttl", "expires",
                                "expiry", "expiration", "created", "updated", "date"})
    if (name.ends_with(tail)) return true;
  return name == "time" || name == "ts";
}

// "60 % S, 40 % N"
std::string type_mix(const PathStats& stats) {
  std::vector<std::pair<uint64_t, std::string_view>> shares;
  for (size_t t = 1; t < stats.types.size(); ++t)
    if (stats.types[t] > 0)
      shares.emplace_back(stats.types[t], ddb::type_tag(static_cast<Type>(t)));
  std::ranges::sort(shares, std::greater{});
  std::string out;
  for (const auto& [count, tag] : shares)
    out +=
        fmt::format("{}{:.0f} % {}", out.empty() ? "" : ", ",
                    100.0 * static_cast<double>(count) / static_cast<double>(stats.present), tag);
  return out;
}

class ColumnMaker {
 public:
  ColumnMaker(const ValueStats& stats, const ColumnContext& context, const ProposeOptions& options,
              NameScope& columns, NameScope& tables, std::vector<NameFix>& fixes)
      : stats_(stats),
        context_(context),
        options_(options),
        columns_(columns),
        tables_(tables),
        fixes_(fixes) {}

  ColumnProposal make() {
    size_t reserved = context_.key_columns.size() + 1 + kColumnsReserve;
    columns_left_ =
        options_.limits.columns_max > reserved ? options_.limits.columns_max - reserved : 1;
    // Frequent attributes get their columns first when there are too many; the order stays as first
    // seen.
    std::vector<uint64_t> by_count;
    for (uint32_t at : stats_.paths()[0].members) by_count.push_back(stats_.paths()[at].present);
    std::ranges::sort(by_count, std::greater{});
    uint64_t present_min = by_count.size() > columns_left_ ? by_count[columns_left_ - 1] + 1 : 0;
    for (uint32_t at : stats_.paths()[0].members) {
      const PathStats& path = stats_.paths()[at];
      if (std::ranges::find(context_.key_attributes, path.path[0]) != context_.key_attributes.end())
        continue;
      if (path.present < present_min)
        to_extra(path, "no column left; frequent attributes come first");
      else
        place(path, 1);
    }
    return std::move(out_);
  }

 private:
  // `percent_min`: share of the kind's items below which a path gets no column.
  void place(const PathStats& path, double percent_min) {
    if (!at_least(path.present, stats_.items(), percent_min)) {
      to_extra(path, fmt::format("in few items ({:.1f} %)", percent(path.present)));
      return;
    }
    if (flatten(path) || make_child(path)) return;
    std::optional<TypeChoice> choice = choose_type(path, options_);
    if (!choice) {
      to_extra(path, path.present == path.nulls() ? "only NULL in the sample"
                                                  : "mixed types: " + type_mix(path));
    } else if (columns_left_ == 0) {
      to_extra(path, "no column left");
    } else {
      add_column(path, *choice);
    }
  }

  double percent(uint64_t part) const {
    return 100.0 * static_cast<double>(part) / static_cast<double>(stats_.items());
  }

  // Members of a map that have a stable shape become columns of their own.
  bool flatten(const PathStats& path) {
    uint64_t values = path.present - path.nulls();
    if (values == 0 || !at_least(path.of(Type::kM), values, 90) || path.members.empty() ||
        path.members.size() > kFlattenedMembersMax)
      return false;
    uint64_t usual = 0;
    for (uint32_t at : path.members)
      if (const PathStats& member = stats_.paths()[at];
          at_least(member.present, stats_.items(), 50))
        usual += member.present;
    if (usual == 0 || !at_least(usual, path.member_values, 80)) return false;
    for (uint32_t at : path.members) place(stats_.paths()[at], 50);
    return true;
  }

  bool make_child(const PathStats& path) {
    uint64_t values = path.present - path.nulls();
    if (values == 0 || !at_least(path.map_lists, values, 90) || path.elements < path.map_lists ||
        path.element_members.empty() || path.element_members.size() > kChildColumnsMax)
      return false;
    model::ChildSpec child;
    std::vector<std::pair<const PathStats*, TypeChoice>> chosen;
    for (uint32_t at : path.element_members) {
      const PathStats& member = stats_.paths()[at];
      std::optional<TypeChoice> choice = choose_type(member, options_);
      // A list is taken apart only if (nearly) every element fits: otherwise it stays one jsonb
      // value.
      if (!choice || !at_least(choice->fits, member.present - member.nulls(), 99)) return false;
      chosen.emplace_back(&member, *choice);
    }
    std::string noun = snake_case(path.path.back());
    child.name = tables_.claim(context_.noun + "_" + plural(singular(noun)),
                               context_.table + "." + dotted(path.path));
    child.from = path.path;
    NameScope scope(child.name, options_.limits.identifier_bytes_max, options_.reserved_words,
                    fixes_);
    for (const std::string& name : context_.key_columns) scope.reserve(name);
    scope.reserve("extra");
    child.ordinal = scope.claim("ordinal", "ordinal");
    uint64_t misfits = 0;
    for (const auto& [member, choice] : chosen) {
      model::ColumnSpec column;
      std::string wanted = snake_case(member->path.back());
      if (scope.taken(wanted)) wanted = singular(noun) + "_" + wanted;
      column.name = scope.claim(wanted, member->path.back());
      column.from = member->path;
      column.type = choice.type;
      column.time_format = choice.format;
      misfits += member->present - member->nulls() - choice.fits;
      child.columns.push_back(std::move(column));
    }
    uint64_t lists = path.present - path.nulls();
    uint64_t other = lists - path.map_lists + std::min(misfits, path.map_lists);
    out_.fates.push_back({context_.table, dotted(path.path), child.name, "child table",
                          path.present, other + path.nulls(), 0});
    out_.fate_notes.push_back(
        fmt::format("{:.1f} elements a list",
                    static_cast<double>(path.elements) / static_cast<double>(path.map_lists)));
    out_.children.push_back(std::move(child));
    return true;
  }

  void add_column(const PathStats& path, const TypeChoice& choice) {
    --columns_left_;
    std::string attribute = dotted(path.path);
    std::string wanted;
    for (const std::string& name : path.path)
      (wanted += wanted.empty() ? "" : "_") += snake_case(name);
    std::string note;
    auto remark = [&](std::string text) { note += (note.empty() ? "" : "; ") + text; };
    if (auto copy = context_.copies.find(attribute); copy != context_.copies.end()) {
      if (snake_case(attribute) == copy->second) wanted += "_attribute";
      remark(fmt::format("same as {} in every sampled item", copy->second));
    } else if (columns_.taken(wanted)) {
      wanted += "_attribute";  // more telling than the suffix of a collision
    }
    model::ColumnSpec column;
    column.name = columns_.claim(wanted, attribute);
    column.from = path.path;
    column.type = choice.type;
    column.time_format = choice.format;
    uint64_t absent = stats_.items() - path.present;
    // SQL NULL stands for whichever is more usual; the other takes the `extra` way.
    // Inside a map the mapping takes SQL NULL as absent only.
    bool null_value = path.path.size() == 1 && path.nulls() > absent;
    if (null_value) column.null_means = model::NullMeans::kNullValue;
    uint64_t misfits = path.present - path.nulls() - choice.fits;
    uint64_t through_extra = misfits + (null_value ? 0 : path.nulls());
    if (null_value && absent > 0)
      remark(fmt::format("absent in {:.1f} %, kept in extra", percent(absent)));
    if (misfits > 0) remark("types: " + type_mix(path));
    if (choice.type == ColumnType::kBigint) remark_epoch(path, remark);
    if (choice.type == ColumnType::kText && path.zoneless_times > 0 &&
        at_least(path.zoneless_times, path.of(Type::kS), 99))
      remark("times without a zone stay text");
    if (path.path.size() == 1 && path.path[0] == context_.ttl_attribute)
      remark("TTL: DynamoDB deletes the item after this time, the target does not");
    if (!note.empty()) out_.notes[column.name] = note;
    out_.fates.push_back({context_.table, attribute, column.name,
                          std::string(model::column_type_name(column.type)), path.present,
                          through_extra, 0});
    out_.fate_notes.push_back(note);
    bool indexable = choice.type != ColumnType::kJsonb && choice.type != ColumnType::kTextArray &&
                     choice.type != ColumnType::kNumericArray &&
                     choice.type != ColumnType::kByteaArray;
    if (path.path.size() == 1 && indexable) out_.by_attribute[path.path[0]] = column.name;
    out_.columns.push_back(std::move(column));
  }

  template <class Remark>
  void remark_epoch(const PathStats& path, const Remark& remark) {
    if (!is_time_name(path.path.back()) && path.path.back() != context_.ttl_attribute) return;
    for (auto [count, unit, format] : {std::tuple(path.epoch_s, "seconds", "epoch-s"),
                                       std::tuple(path.epoch_ms, "milliseconds", "epoch-ms")})
      if (count == path.of(Type::kN))
        remark(fmt::format("epoch {}; {{type: timestamptz, format: {}}} makes it a time", unit,
                           format));
  }

  void to_extra(const PathStats& path, std::string why) {
    out_.fates.push_back(
        {context_.table, dotted(path.path), "", "", path.present, path.present, 0});
    out_.fate_notes.push_back(std::move(why));
  }

  const ValueStats& stats_;
  const ColumnContext& context_;
  const ProposeOptions& options_;
  NameScope& columns_;
  NameScope& tables_;
  std::vector<NameFix>& fixes_;
  size_t columns_left_ = 0;
  ColumnProposal out_;
};

}  // namespace

ColumnProposal propose_columns(const ValueStats& stats, const ColumnContext& context,
                               const ProposeOptions& options, NameScope& columns, NameScope& tables,
                               std::vector<NameFix>& fixes) {
  return ColumnMaker(stats, context, options, columns, tables, fixes).make();
}

}  // namespace offramp::mapping::profile
