// offramp_generate: the options, and the order of things. See README.md beside this file.
//
// Data files of one export are written by as many threads as there are processors; each file is one
// thread's.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "generate/export_writer.h"
#include "generate/rng.h"
#include "generate/table.h"

namespace offramp::generate {
namespace {

struct Options {
  std::string mode = "shop", format = "json", out, keys = "S,S";
  uint64_t items = 1000, seed = 1, duplicates = 0, changes = 0;
  int files = 4, windows = 1;
  bool plain_wrapper = false;  // dumps: the item itself a line, without {"Item": …}
};

std::unique_ptr<Table> make_table(const Options& options) {
  if (options.mode == "bench") return bench_table(options.seed);
  if (options.mode == "shop") return shop_table(options.seed);
  return random_table(options.seed, options.keys[0],
                      options.keys.size() > 2 ? options.keys[2] : '\0');
}

// What the item behind place `place` of the output is: the last `duplicates` places repeat the
// first items, by turns as they were and in another version.
struct Which {
  uint64_t index, version;
};
Which which(const Options& options, uint64_t place) {
  uint64_t fresh = options.items - options.duplicates;
  if (place < fresh) return {place, 0};
  return {(place - fresh) % fresh, (place - fresh) % 2};
}

void append_full_record(const Table& table, Which what, Format format, std::string& text) {
  if (format == Format::kIon) text += "$ion_1_0 ";
  ItemWriter out(format, text);
  out.open_struct({});
  out.open_struct("Item");
  table.item(what.index, what.version, out);
  out.close_struct();
  out.close_struct();
  text += '\n';
}

Status write_full(const Options& options, const Table& table, Format format) {
  auto writer = TRY(ExportWriter::create({options.out, table.name(), format, 0, options.seed}));
  std::vector<std::unique_ptr<DataFile>> files;
  for (int i = 0; i < options.files; ++i) files.push_back(TRY(writer->data_file(i)));
  std::atomic<size_t> next{0};
  std::mutex mutex;  // guards failure
  std::optional<Error> failure;
  auto work = [&] {
    for (size_t number; (number = next++) < files.size();) {
      DataFile& file = *files[number];
      Status status;
      for (uint64_t place = number; status.ok() && place < options.items; place += files.size()) {
        append_full_record(table, which(options, place), format, file.text());
        status = file.add_record();
      }
      if (status.ok()) status = file.close();
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      failure = std::move(status).error();
      return;
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back(work);
  threads.clear();
  if (failure) return *failure;
  TRY(writer->finish(files));
  fmt::print("{}\n", writer->folder());
  return {};
}

// What each key's newest version is; kGone when it does not exist.
constexpr uint32_t kGone = ~0u;

// One change a key and window: three of five are updates, one a deletion, one a new item.
Status write_window(const Options& options, const Table& table, Format format, int window,
                    std::vector<uint32_t>& versions) {
  auto writer =
      TRY(ExportWriter::create({options.out, table.name(), format, window, options.seed}));
  std::vector<std::unique_ptr<DataFile>> files;
  for (int i = 0; i < options.files; ++i) files.push_back(TRY(writer->data_file(i)));
  Rng rng = Rng::of(options.seed + 3, static_cast<uint64_t>(window), 0);
  std::unordered_set<uint64_t> touched;
  for (uint64_t change = 0; change < options.changes; ++change) {
    uint64_t kind = change % 5, index;
    if (kind == 4 || touched.size() >= versions.size()) {
      index = versions.size();
      versions.push_back(kGone);
    } else {
      do index = rng.below(versions.size());
      while (touched.contains(index));
    }
    touched.insert(index);
    uint32_t before = versions[index];
    bool deletes = kind == 3 && before != kGone;
    versions[index] = deletes ? kGone : static_cast<uint32_t>(window);
    DataFile& file = *files[change % files.size()];
    std::string& text = file.text();
    if (format == Format::kIon) text += "$ion_1_0 ";
    ItemWriter out(format, text);
    out.open_struct({});
    if (format == Format::kIon) out.open_struct("Record");
    out.open_struct("Metadata");
    out.number("WriteTimestampMicros", write_time_us(window, change));
    out.close_struct();
    out.open_struct("Keys");
    table.key(index, out);
    out.close_struct();
    if (before != kGone) {
      out.open_struct("OldImage");
      table.item(index, before, out);
      out.close_struct();
    }
    if (!deletes) {
      out.open_struct("NewImage");
      table.item(index, versions[index], out);
      out.close_struct();
    }
    if (format == Format::kIon) out.close_struct();
    out.close_struct();
    text += '\n';
    TRY(file.add_record());
  }
  for (auto& file : files) TRY(file->close());
  TRY(writer->finish(files));
  fmt::print("{}\n", writer->folder());
  return {};
}

Status write_lines(const Options& options, const Table& table) {
  std::string text;
  for (uint64_t place = 0; place < options.items; ++place) {
    Which what = which(options, place);
    ItemWriter out(Format::kJson, text);
    if (!options.plain_wrapper) {
      append_full_record(table, what, Format::kJson, text);
    } else {
      out.open_struct({});
      table.item(what.index, what.version, out);
      out.close_struct();
      text += '\n';
    }
    if (text.size() < (1 << 20) && place + 1 < options.items) continue;
    if (fwrite(text.data(), 1, text.size(), stdout) != text.size())
      return Error(ErrorKind::kUnavailable, "generate.write",
                   "standard output could not be written");
    text.clear();
  }
  return {};
}

Status run(const Options& options) {
  auto table = make_table(options);
  Format format = options.format == "ion" ? Format::kIon : Format::kJson;
  if (options.duplicates * 2 > options.items)
    return Error(ErrorKind::kConfig, "generate.options",
                 "--duplicates may be half of --items at most");
  if (options.out.empty()) {
    if (format == Format::kIon || options.changes > 0)
      return Error(ErrorKind::kConfig, "generate.options",
                   "--format ion and --changes need --out DIR");
    return write_lines(options, *table);
  }
  TRY(write_full(options, *table, format));
  std::vector<uint32_t> versions(options.items, 0);
  for (int window = 1; options.changes > 0 && window <= options.windows; ++window)
    TRY(write_window(options, *table, format, window, versions));
  return {};
}

}  // namespace
}  // namespace offramp::generate

int main(int argc, char** argv) {
  using namespace offramp::generate;
  Options options;
  CLI::App app{"Writes made-up DynamoDB tables: exports, or dumps to standard output"};
  app.add_option("--mode", options.mode, "what the items are")
      ->check(CLI::IsMember({"shop", "bench", "random"}));
  app.add_option("--items", options.items, "how many items");
  app.add_option("--seed", options.seed, "the same seed gives the same bytes");
  app.add_option("--format", options.format, "of an export")->check(CLI::IsMember({"json", "ion"}));
  app.add_option("--out", options.out, "write an export below this folder");
  app.add_option("--files", options.files, "data files per export")->check(CLI::Range(1, 10000));
  app.add_option("--duplicates", options.duplicates,
                 "of the items, how many repeat the key of another");
  app.add_option("--changes", options.changes, "records per incremental export");
  app.add_option("--windows", options.windows, "incremental exports")->check(CLI::Range(1, 1000));
  app.add_option("--keys", options.keys, "key types of --mode random")
      ->check(CLI::IsMember(
          {"S", "N", "B", "S,S", "S,N", "S,B", "N,S", "N,N", "N,B", "B,S", "B,N", "B,B"}));
  app.add_flag("--bare", options.plain_wrapper,
               R"(dumps: the item itself a line, without {"Item": ...})");
  CLI11_PARSE(app, argc, argv);
  offramp::Status status = run(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "offramp_generate: {}\n", status.error().message());
  return offramp::base::exit_code(status.error().kind());
}
