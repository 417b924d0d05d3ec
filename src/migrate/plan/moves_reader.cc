// `moves:` of a plan: several sources with their tables, and what must be distinct between them.
#include <fmt/format.h>

#include <map>

#include "base/ascii.h"
#include "migrate/plan/readers.h"

namespace offramp::migrate::plan {
namespace {

constexpr std::string_view kOverflowPrefix = "offramp_overflow";

// Names that are taken, folded, with the line that took them.
class Taken {
 public:
  explicit Taken(Mistakes& mistakes) : mistakes_(mistakes) {}

  void table(const std::string& name, const model::SourceLocation& at) {
    if (name.empty()) return;
    if (base::lowered(name).starts_with(kOverflowPrefix))
      mistakes_.add(
          at,
          fmt::format(
              "table '{}': names that begin with {} are kept for the overflow tables of the moves",
              shown(name), kOverflowPrefix));
    auto [other, fresh] = tables_.emplace(base::lowered(name), Owner{move_, at.line});
    if (!fresh && other->second.move != move_)  // within a move read_tables() has said it
      mistakes_.add(
          at,
          fmt::format(
              "table '{}' is already made by the move at line {}; give one of them another name",
              shown(name), other->second.line));
  }
  void source(const std::string& name, const model::SourceLocation& at) {
    if (auto [other, fresh] = sources_.emplace(base::lowered(name), at.line); !fresh)
      mistakes_.add(
          at,
          fmt::format(
              "table '{}' is already moved by the entry at line {} (names that differ only in case "
              "need plan files of their own)",
              shown(name), other->second));
  }
  void next_move() { ++move_; }

 private:
  struct Owner {
    int move, line;
  };
  Mistakes& mistakes_;
  std::map<std::string, Owner> tables_;
  std::map<std::string, int> sources_;
  int move_ = 0;
};

void check_source_name(const MapReader& map, const YamlNode& source, const SourceSpec& spec,
                       Taken& taken) {
  const YamlNode* name = nullptr;
  for (const auto& [key, value] : source.members)
    if (key->kind == YamlNode::Kind::kScalar && key->text == "table") name = value.get();
  if (spec.table.empty()) {
    // Of a scan or a capture, read_source() has said it.
    if (!name && spec.load.from != LoadSpec::From::kScan && spec.capture == "none")
      map.mistake(source, "a move's source needs `table`: commands name the move by it");
    return;
  }
  if (spec.table.find("::") != std::string::npos)
    map.mistake(*name,
                fmt::format("table '{}' holds '::', which parts a plan's name from a table's",
                            shown(spec.table)));
  taken.source(spec.table, name->at);
}

}  // namespace

void read_moves(const YamlNode& node, const YamlNode* shared_limits, PlanFile& file,
                Mistakes& mistakes) {
  if (node.kind != YamlNode::Kind::kSequence || node.elements.empty()) {
    mistakes.add(node.at,
                 "moves must be a list with at least one move, e.g. - {source: {table: Orders, …}, "
                 "tables: […]}");
    return;
  }
  if (node.elements.size() > kMovesMax) {
    mistakes.add(node.at,
                 fmt::format("{} moves; a plan has at most {}", node.elements.size(), kMovesMax));
    return;
  }
  Taken taken(mistakes);
  for (const auto& element : node.elements) {
    taken.next_move();
    MapReader map(*element, "a move", {"source", "tables"}, mistakes);
    if (!map.usable()) continue;
    Plan plan;
    if (const YamlNode* source = map.find("source")) {
      plan.source = read_source(*source, mistakes);
      if (source->kind == YamlNode::Kind::kMap) {
        check_source_name(map, *source, plan.source, taken);
        for (const auto& [key, value] : source->members)
          if (shared_limits && key->kind == YamlNode::Kind::kScalar && key->text == "limits")
            map.mistake(*value, fmt::format("the plan's own `limits` (line {}) hold for all moves "
                                            "together; take these away, "
                                            "or those",
                                            shared_limits->at.line));
      }
    } else {
      map.mistake(*element, "a move needs `source`");
    }
    if (shared_limits) plan.source.limits = file.limits;
    if (const YamlNode* tables = map.find("tables"))
      plan.tables = read_tables(*tables, plan.source.key, mistakes);
    else
      map.mistake(*element, "a move needs `tables`");
    for (const model::TableMapping& table : plan.tables) {
      taken.table(table.into, table.at);
      for (const model::ChildSpec& child : table.children) taken.table(child.name, child.at);
    }
    plan.move = plan.source.table;
    file.moves.push_back(std::move(plan));
  }
}

}  // namespace offramp::migrate::plan
