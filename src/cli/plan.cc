// `offramp plan`: look at the source, propose tables, say what will not fit.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/signals.h"
#include "migrate/draft/draft.h"

namespace offramp::cli {
namespace {

struct Options {
  migrate::draft::DraftOptions draft;
  bool json = false, quiet = false;
};

Result<int> plan_command(const Options& options) {
  StopOnSignal signals;
  migrate::Progress progress(options.quiet ? migrate::Progress::Mode::kQuiet
                                           : migrate::Progress::detect());
  migrate::draft::DraftOptions draft_options = options.draft;
  draft_options.stop = signals.token();
  auto draft = TRY(migrate::draft::draft_plan(draft_options, progress));
  // A plan that goes into a pipe may share standard output with the report, so the report makes
  // way.
  std::FILE* out = draft.written_through ? stderr : stdout;
  if (options.json) {
    std::string remarks;
    for (const std::string& remark : draft.remarks)
      remarks += (remarks.empty() ? "" : ",") + json_quoted(remark);
    fmt::print(out,
               "{{\"plan\":{},\"sampled\":{},\"unreadable\":{},\"key_origin\":{},\"remarks\":[{}],"
               "\"fidelity\":{}}}\n",
               json_quoted(draft_options.output), draft.sampled, draft.unreadable,
               json_quoted(draft.key_origin), remarks,
               mapping::profile::fidelity_json(draft.fidelity));
    return 0;
  }
  for (const std::string& remark : draft.remarks) fmt::print(out, "note: {}\n", remark);
  const model::KeySchema& key = draft.plan.source.key;
  fmt::print(out, "key: {}{} ({})\n", key.partition.name, key.sort ? ", " + key.sort->name : "",
             draft.key_origin);
  if (draft.unreadable)
    fmt::print(out, "{} sampled records are not items; a run keeps them as dead letters\n",
               with_commas(draft.unreadable));
  fmt::print(out, "{}", mapping::profile::fidelity_text(draft.fidelity));
  if (draft.written_through)
    fmt::print(out, "\nwrote the plan to {}; its paths are relative to this folder\n",
               draft_options.output);
  else
    fmt::print(out, "\nwrote {}; read it, edit it, then: offramp run {}\n", draft.plan.path,
               draft.plan.path);
  return 0;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  migrate::draft::DraftOptions& draft = options->draft;
  CLI::App* command = app.add_subcommand(
      "plan", "Sample the source and propose tables, as a plan file to read and edit");
  command->footer(
      "Example:\n"
      "  offramp plan dynamodb://AppTable?region=eu-west-1 postgresql://app@db.internal/app -o "
      "plan.yaml\n"
      "  offramp plan export:AWSDynamoDB/01768385930622-efd1a093 --then "
      "AWSDynamoDB/01768386924000-d339e52d \\\n"
      "      sqlite:app.sqlite -o plan.yaml\n"
      "  offramp plan dump:items.jsonl.gz --key pk,sk sqlite:app.sqlite -o plan.yaml");
  command
      ->add_option("source", draft.source_url,
                   "dynamodb://TABLE?region=…, export:DIR, s3://…, dump:FILE")
      ->required();
  command->add_option("target", draft.target_url, "sqlite:FILE, postgresql://…")->required();
  command->add_option("-o,--output", draft.output, "the plan file to write")->required();
  command
      ->add_option("--then", draft.then,
                   "an incremental export that follows the full one; repeat it for a chain")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--key", draft.key,
                      "the table's key, PK or PK,SK, when the source does not say it");
  command
      ->add_option("--capture", draft.capture,
                   "streams: follow the table while it is written; none: load and verify (default: "
                   "streams when it is on)")
      ->check(CLI::IsMember({"streams", "none"}));
  command->add_option("--sample", draft.sample, "items to look at, spread over the partitions")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  command->add_flag("--plain", draft.plain, "the dump holds plain JSON instead of DynamoDB JSON");
  command->add_option("--region", draft.region, "AWS region (default: environment or profile)");
  command->add_option("--s3-endpoint", draft.s3_endpoint,
                      "an S3-compatible server, e.g. http://127.0.0.1:9000");
  command->add_flag("--overwrite", draft.overwrite, "replace the plan file if it exists");
  command->add_flag("--json", options->json, "print the fidelity report as JSON");
  command->add_flag("-q,--quiet", options->quiet, "no progress on stderr");
  command->callback([options, &action] { action = [options] { return plan_command(*options); }; });
}

}  // namespace offramp::cli
