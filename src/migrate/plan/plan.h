// The plan file: what moves from where to where, and into which tables. Plain data.
//
// Reading checks the whole file and reports every mistake, each with line and column and the
// nearest valid name (ErrorKind::kConfig); nothing outside the file is looked at. A plan holds no
// secrets (C12): a password in a URL is refused. Writing and parsing are inverse: what was written
// reads back as the same plan.
//
// A file says `source:` and `tables:` for one table, or `moves:`, a list of such pairs that share
// target and limits. Each move is a Plan of its own; adding one changes nothing of the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mapping/profile/comments.h"
#include "model/mapping_spec.h"
#include "model/table_spec.h"

namespace offramp::migrate::plan {

constexpr size_t kPlanBytesMax = 4 << 20;
constexpr int kSegmentsMax = 1000000;  // DynamoDB's own limit of TotalSegments
constexpr size_t kTablesMax = 1000;
constexpr size_t kMovesMax = 100;
constexpr int64_t kStreamRetentionS = 24 * 3600;  // of DynamoDB Streams, not configurable there

struct LoadSpec {
  enum class From { kScan, kExport, kDump };
  From from = From::kScan;
  int segments = 0;               // scan: 0 = 16
  std::string path;               // export: folder or s3:// URL; dump: file; as written in the plan
  std::vector<std::string> then;  // incremental exports, in order
  bool plain = false;             // dump: plain JSON instead of DynamoDB JSON
  std::string s3_endpoint;        // for S3-compatible stores
  bool operator==(const LoadSpec&) const = default;
};

struct LimitsSpec {
  double read_units_per_second = 0;  // 0 = no limit
  uint64_t items_per_hour = 0;       // 0 = no limit
  std::string window;                // "22:00-06:00", local time of this machine; empty = always
  bool operator==(const LimitsSpec&) const = default;
};

struct SourceSpec {
  std::string table, region, endpoint;
  LoadSpec load;
  std::string capture = "none";             // or "streams"
  int64_t retention_s = kStreamRetentionS;  // how long the stream keeps a record
  LimitsSpec limits;
  model::KeySchema key;
  std::vector<model::SecondaryIndex> indexes;
  std::optional<std::string> ttl_attribute;
};

// What becomes of one source: a whole plan file, or one of its moves.
struct Plan {
  int version = 1;
  SourceSpec source;   // of a move: with the limits that all moves share, where there are such
  std::string target;  // URL as written
  model::MappingSpec tables;
  std::string path;  // the plan file; relative paths in the plan are relative to its folder
  std::string move;  // the source's table where the file has `moves`; else empty

  // What commands take for it: "plan.yaml", "plan.yaml::Orders".
  std::string name() const { return move.empty() ? path : path + "::" + move; }
};

struct PlanFile {
  int version = 1;
  std::string target;
  LimitsSpec limits;        // shared by all moves; with a single source: none, it has its own
  bool several = false;     // the file has `moves`
  std::vector<Plan> moves;  // one, unless several
  std::string path;
};

using PlanComments = mapping::profile::Comments;

// `path` names the file in messages and anchors relative paths; it is not opened.
Result<PlanFile> parse_plan_file(std::string_view yaml, std::string path);
// A file with a single source (else kConfig "plan.moves").
Result<Plan> parse_plan(std::string_view yaml, std::string path);
// At most kPlanBytesMax bytes.
Result<PlanFile> read_plan_file(const std::string& path);
// What `name` names (plan_name.h): a file with a single source, or one move of a file. kConfig that
// lists the names when it names no one plan.
Result<Plan> read_plan(const std::string& name);
// All that `name` names: each move of a file, or what read_plan() takes.
Result<std::vector<std::string>> plan_names(const std::string& name);
// The plan as a file with a single source.
std::string write_plan(const Plan& plan, const PlanComments& comments = {});
std::string write_plan_file(const PlanFile& file);

// A path of the plan as the process must open it: relative ones are taken from the plan file's
// folder; URLs (scheme://…) and absolute paths stay.
std::string resolve_path(const Plan& plan, std::string_view path);
// The target URL with a relative file (sqlite:FILE) resolved like resolve_path().
std::string resolve_target(const Plan& plan);

// True when the URL (or connection text) carries a password.
bool holds_secret(std::string_view url);

// "scan", "export", "dump".
std::string_view load_from_name(LoadSpec::From from);

}  // namespace offramp::migrate::plan
