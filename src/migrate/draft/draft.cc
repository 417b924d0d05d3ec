// Source → sample → key → proposal → file.
#include "migrate/draft/draft.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "io/file.h"
#include "migrate/draft/source_url.h"
#include "migrate/migration.h"
#include "migrate/workspace.h"
#include "source/key_inference.h"
#include "target/registry.h"

namespace offramp::migrate::draft {
namespace {

// Files of a bucket are staged whole, so only so many are sampled.
constexpr size_t kStagedPartitionsMax = 4;
constexpr size_t kSampledPartitionsMax = 64;

struct Sampled {
  mapping::profile::Profile profile;
  std::vector<model::KeySchema> key_candidates;
  uint64_t unreadable = 0;
};

// Partitions to sample: those known to be empty are left out, the rest thinned out evenly.
std::vector<source::Partition> choose_partitions(const std::vector<source::Partition>& all,
                                                 size_t most) {
  std::vector<source::Partition> filled;
  for (const source::Partition& partition : all)
    if (partition.items != 0) filled.push_back(partition);
  if (filled.size() <= most) return filled;
  std::vector<source::Partition> chosen;
  for (size_t i = 0; i < most; ++i) chosen.push_back(filled[i * filled.size() / most]);
  return chosen;
}

Result<Sampled> sample(source::ItemSource& source, const std::vector<source::Partition>& partitions,
                       uint64_t wanted, Progress& progress, const std::stop_token& stop) {
  Sampled out;
  mapping::profile::Profiler profiler;
  source::KeyInference inference;
  uint64_t taken = 0;
  progress.begin("sample", wanted);
  for (size_t i = 0; i < partitions.size(); ++i) {
    // What an earlier partition did not have is left to the later ones.
    uint64_t budget = (wanted - taken) / (partitions.size() - i);
    auto reader = TRY(source.open(partitions[i], {}));
    ddb::ItemBatch batch;
    model::Position after;
    uint64_t from_here = 0;
    while (from_here < budget && TRY(reader->next(batch, after))) {
      if (stop.stop_requested())
        return Error(ErrorKind::kCancelled, "plan.stopped",
                     "stopped by a signal; no plan was written");
      out.unreadable += batch.bad.size();
      for (size_t j = 0; j < batch.size() && from_here < budget; ++j, ++from_here) {
        profiler.add(batch.item(j));
        inference.add(batch.item(j));
      }
      progress.add(batch.size(), batch.source_bytes);
    }
    taken += from_here;
  }
  progress.end();
  out.profile = profiler.finish();
  out.key_candidates = inference.candidates();
  return out;
}

std::string key_text(const model::KeySchema& key) {
  return key.partition.name + (key.sort ? "," + key.sort->name : "");
}

// The type that the attribute has in every item of the sample.
Result<ddb::Type> type_of_key(const mapping::profile::Profile& profile, const std::string& name) {
  std::optional<ddb::Type> type;
  for (size_t i = 0; i < profile.sample.size(); ++i) {
    ddb::ValueView value = profile.sample.item(i).find(name);
    if (!value) continue;
    if (!type) type = value.type();
    if (*type != value.type())
      return Error(ErrorKind::kConfig, "plan.key_type",
                   "the attribute '" + name + "' cannot be a key: it is " +
                       std::string(ddb::type_tag(*type)) + " in some items and " +
                       std::string(ddb::type_tag(value.type())) + " in others");
  }
  // Nothing to learn from: an empty table's key is taken as text, and the plan says so to be read.
  if (!type && profile.items_seen == 0) return ddb::Type::kS;
  if (!type)
    return Error(
        ErrorKind::kConfig, "plan.key_missing",
        "no sampled item has an attribute '" + name + "'; names are case-sensitive. Check --key");
  if (*type != ddb::Type::kS && *type != ddb::Type::kN && *type != ddb::Type::kB)
    return Error(ErrorKind::kConfig, "plan.key_type",
                 "the attribute '" + name + "' is " + std::string(ddb::type_tag(*type)) +
                     "; a key is S, N or B");
  return *type;
}

Result<model::KeySchema> key_as_told(const std::string& text,
                                     const mapping::profile::Profile& profile) {
  size_t comma = text.find(',');
  model::KeySchema key;
  key.partition.name = text.substr(0, comma);
  key.partition.type = TRY(type_of_key(profile, key.partition.name));
  if (comma != text.npos) {
    model::KeyAttribute sort{text.substr(comma + 1), ddb::Type::kS};
    sort.type = TRY(type_of_key(profile, sort.name));
    key.sort = sort;
  }
  return key;
}

Result<model::KeySchema> find_key(const DraftOptions& options, const model::TableSpec& table,
                                  const Sampled& sampled, std::string& origin) {
  if (!options.key.empty()) {
    model::KeySchema told = TRY(key_as_told(options.key, sampled.profile));
    if (table.key && *table.key != told)
      return Error(ErrorKind::kConfig, "plan.key_contradicts",
                   "--key " + options.key + " contradicts the source, whose key is " +
                       key_text(*table.key) + "; leave --key out");
    origin = "as told by --key";
    return told;
  }
  if (table.key) {
    origin = "as the source says";
    return *table.key;
  }
  const auto& candidates = sampled.key_candidates;
  if (candidates.size() == 1) {
    origin =
        "the only key that " + with_commas(sampled.profile.items_seen) + " sampled items allow";
    return candidates[0];
  }
  std::string list;
  for (const model::KeySchema& candidate : candidates) list += "\n  --key " + key_text(candidate);
  return Error(ErrorKind::kConfig, "plan.key_unknown",
               "the source does not say its key, and " +
                   (candidates.empty() ? "no attribute is in every item and different in each; "
                                         "name the table's key with --key PK[,SK]"
                                       : "the items allow more than one reading; choose" + list));
}

// The folder that the source may stage files in: PLAN.offramp, so that a run finds them again; a
// temporary one when there is no plan file to put it beside; none when the source needs none.
class StageFolder {
 public:
  StageFolder() = default;
  StageFolder(const StageFolder&) = delete;
  StageFolder& operator=(const StageFolder&) = delete;
  ~StageFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
  }

  Status open(const DraftOptions& options, const plan::SourceSpec& source, bool written_through) {
    if (source.load.path != "-" && !source.load.path.starts_with("s3://") &&
        source.load.then.empty())
      return {};
    if (!written_through) {
      workspace_ = TRY(Workspace::open_exclusive(options.output));
      return {};
    }
    std::error_code failed;
    std::filesystem::path parent = std::filesystem::temp_directory_path(failed);
    std::string name = (failed ? std::filesystem::path("/tmp") : parent) / "offramp-plan-XXXXXX";
    if (!::mkdtemp(name.data()))
      return Error(ErrorKind::kUnavailable, "plan.stage",
                   "cannot create a folder for staged files in " + name.substr(0, name.rfind('/')) +
                       ": " + std::strerror(errno) +
                       "; set TMPDIR to one that can be written to, or write the plan to a file");
    temporary_ = name;
    return {};
  }
  std::string path() const { return workspace_ ? workspace_->folder() : temporary_; }

 private:
  std::unique_ptr<Workspace> workspace_;
  std::string temporary_;
};

// The plan's paths are relative to its folder; what was typed is relative to the current one.
std::string relative_to_plan(const std::string& path, const std::string& plan_path) {
  if (path.empty() || path == "-" || path.starts_with("s3://") || io::is_written_through(plan_path))
    return path;
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::path folder = fs::absolute(plan_path, failed).parent_path();
  if (fs::path(path).is_absolute()) return path;
  fs::path relative =
      fs::absolute(path, failed).lexically_normal().lexically_relative(folder.lexically_normal());
  return relative.empty() ? path : relative.string();
}

std::string target_relative_to_plan(const std::string& url, const std::string& plan_path) {
  constexpr std::string_view kFile = "sqlite:";
  if (!url.starts_with(kFile) || url.substr(kFile.size()).starts_with(":")) return url;
  return std::string(kFile) + relative_to_plan(url.substr(kFile.size()), plan_path);
}

// Whether the plan captures changes, and what a person should know about that.
Status choose_capture(const DraftOptions& options, const model::TableSpec& table, Draft& draft) {
  plan::SourceSpec& source = draft.plan.source;
  bool scan = source.load.from == plan::LoadSpec::From::kScan;
  if (options.capture == "streams" && source.load.from == plan::LoadSpec::From::kDump)
    return Error(ErrorKind::kConfig, "plan.capture",
                 "--capture streams goes with a table or an export as SOURCE: a dump does not say "
                 "when it was taken");
  bool usable = table.stream_view == "NEW_IMAGE" || table.stream_view == "NEW_AND_OLD_IMAGES";
  source.capture = !options.capture.empty() ? options.capture : scan && usable ? "streams" : "none";
  if (source.capture == "streams" && scan && !usable)
    draft.remarks.push_back(
        table.stream_view ? "The table's stream holds " + *table.stream_view +
                                ", not the new images that capturing needs: disable it and enable "
                                "it with NEW_IMAGE."
                          : "The table has no stream yet: run the plan with --enable-stream.");
  else if (source.capture == "streams" && scan)
    draft.remarks.push_back(
        "The table's stream is on: `run` captures changes from before the load and follows the "
        "table "
        "until it is stopped (capture: streams).");
  else if (scan && options.capture.empty())
    draft.remarks.push_back(
        "The table has no usable stream, so what is written while it is loaded may be missed. To "
        "move it "
        "live, set `capture: streams` in the plan and run it with --enable-stream.");
  return {};
}

Status check_output(const DraftOptions& options) {
  struct stat info;
  if (io::is_written_through(options.output)) return {};
  if (::stat(options.output.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return Error(ErrorKind::kConfig, "plan.folder",
                 options.output + " is a folder; give the plan a file name, e.g. -o " +
                     (std::filesystem::path(options.output) / "plan.yaml").string());
  std::string folder = std::filesystem::path(options.output).parent_path().string();
  if (!folder.empty() && ::stat(folder.c_str(), &info) != 0)
    return Error(ErrorKind::kConfig, "plan.no_folder",
                 "cannot write " + options.output + ": there is no folder " + folder +
                     "; create it, or give another -o");
  std::string journal = Workspace::folder_of(options.output) + "/journal.sqlite";
  if (::stat(journal.c_str(), &info) == 0)
    return Error(ErrorKind::kConflict, "plan.started",
                 options.output + " has already been run (" + journal +
                     " exists); choose another -o, or remove that folder if the "
                     "migration was given up");
  if (!options.overwrite && ::stat(options.output.c_str(), &info) == 0)
    return Error(ErrorKind::kConflict, "plan.exists",
                 options.output +
                     " exists already and may have been edited; give another -o, or --overwrite");
  return {};
}

}  // namespace

Result<Draft> draft_plan(const DraftOptions& options, Progress& progress) {
  TRY(check_output(options));
  const target::Entry* entry = TRY(target::find_entry(options.target_url));
  for (const std::string& url : {options.target_url, options.source_url})
    if (plan::holds_secret(url))
      return Error(ErrorKind::kConfig, "plan.password",
                   "a URL holds a password, and a plan keeps no secrets; take it out and give it "
                   "by PGPASSWORD, a pgpass file "
                   "or the AWS credential chain");
  Draft draft;
  draft.written_through = io::is_written_through(options.output);
  plan::Plan& plan = draft.plan;
  plan.path = draft.written_through
                  ? "plan.yaml"
                  : options.output;  // what goes into a pipe is kept in this folder
  plan.target = target_relative_to_plan(options.target_url, options.output);
  plan.source = TRY(parse_source_url(options.source_url));
  plan.source.load.path = relative_to_plan(plan.source.load.path, options.output);
  for (const std::string& then : options.then)
    plan.source.load.then.push_back(relative_to_plan(then, options.output));
  if (!options.region.empty()) plan.source.region = options.region;
  plan.source.load.s3_endpoint = options.s3_endpoint;
  plan.source.load.plain = options.plain;
  if (!options.then.empty() && plan.source.load.from != plan::LoadSpec::From::kExport)
    return Error(ErrorKind::kConfig, "plan.then", "--then goes with an export as SOURCE");
  if (options.plain && plan.source.load.from != plan::LoadSpec::From::kDump)
    return Error(ErrorKind::kConfig, "plan.plain", "--plain goes with a dump as SOURCE");

  StageFolder stage;
  TRY(stage.open(options, plan.source, draft.written_through));
  auto source = TRY(open_source(plan, stage.path(), options.stop));
  model::TableSpec table = TRY(source->describe());
  auto partitions = TRY(source->partitions());
  bool staged = plan.source.load.path.starts_with("s3://");
  Sampled sampled = TRY(sample(
      *source, choose_partitions(partitions, staged ? kStagedPartitionsMax : kSampledPartitionsMax),
      options.sample, progress, options.stop));
  draft.remarks = source->remarks();
  draft.sampled = sampled.profile.items_seen;
  draft.unreadable = sampled.unreadable;
  if (sampled.profile.items_seen == 0 && !table.key && options.key.empty())
    return Error(ErrorKind::kConfig, "plan.empty",
                 "the source holds no items, so there is nothing to learn a key from; name the "
                 "table's key with --key PK[,SK]");
  table.key = TRY(find_key(options, table, sampled, draft.key_origin));
  plan.source.key = *table.key;
  if (table.name.empty())
    table.name = std::filesystem::path(plan.source.load.path).stem().stem().string();
  plan.source.table = table.name;
  plan.source.indexes = table.indexes;
  plan.source.ttl_attribute = table.ttl_attribute;
  TRY(choose_capture(options, table, draft));

  target::Capabilities capabilities = entry->capabilities();
  mapping::profile::ProposeOptions propose_options;
  propose_options.limits = capabilities.limits;
  propose_options.temporal_types = capabilities.temporal_types;
  propose_options.uuid_type = capabilities.uuid_type;
  auto proposal = TRY(mapping::profile::propose(sampled.profile, table, propose_options));
  plan.tables = std::move(proposal.tables);
  draft.fidelity = std::move(proposal.fidelity);
  // What is written must be what run will accept.
  std::string text = plan::write_plan(plan, proposal.comments);
  TRY_CONTEXT("the proposed plan is not valid, which is a defect of offramp",
              plan::parse_plan(text, options.output));
  TRY_CONTEXT("the proposed plan does not compile, which is a defect of offramp",
              mapping::CompiledMapping::compile(plan.tables, plan.source.key, capabilities.limits));
  TRY(check_output(options));  // sampling took a while
  TRY(io::write_file(options.output, text, 0644));
  return draft;
}

}  // namespace offramp::migrate::draft
