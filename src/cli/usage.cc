// The parser knows that a word is wrong; this finds out which, and what was meant.
#include "cli/usage.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/plan/mistakes.h"

namespace offramp::cli {
namespace {

// " (did you mean X?)" or nothing.
std::string suggestion(std::string_view word, const std::vector<std::string>& names) {
  std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string_view meant = migrate::plan::nearest(word, candidates);
  return meant.empty() ? "" : " (did you mean " + std::string(meant) + "?)";
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Error wrong(const CLI::App& app, const std::string& what) {
  std::string path;
  for (const CLI::App* at = &app; at; at = at->get_parent())
    path = at->get_name() + (path.empty() ? "" : " ") + path;
  return Error(ErrorKind::kConfig, "usage", what + "; see `" + path + " --help`");
}

}  // namespace

Error usage_error(const CLI::App& app, int argc, const char* const* argv,
                  const CLI::ParseError& refused) {
  std::vector<std::string> words(argv + 1, argv + argc);
  // The innermost command that was recognized, and the words behind it.
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().back();
  auto begin =
      command == &app ? words.begin() : std::find(words.begin(), words.end(), command->get_name());
  if (command != &app && begin != words.end()) ++begin;

  auto names = command_names(*command);
  if (!names.empty()) {
    // The commands are asked for: the first word that is none (of `letters`: behind the plan).
    size_t before = command == &app ? 0 : 1;
    std::vector<std::string> plain;
    std::copy_if(begin, words.end(), std::back_inserter(plain),
                 [](const std::string& word) { return !word.starts_with("-"); });
    if (plain.size() > before)
      return wrong(*command, "'" + plain[before] + "' is not a command" +
                                 suggestion(plain[before], names) +
                                 ". There are: " + joined(names));
    bool dashed = std::any_of(begin, words.end(),
                              [](const std::string& word) { return word.starts_with("--"); });
    if (!dashed && plain.size() == before)
      return wrong(*command, "a command is missing: " + joined(names));
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  for (auto word = begin; word != words.end(); ++word) {
    if (!word->starts_with("--")) continue;
    std::string name = word->substr(0, word->find('='));
    if (std::find(options.begin(), options.end(), name) == options.end())
      return wrong(*command, "'" + name + "' is not an option" + suggestion(name, options));
  }
  return wrong(*command, refused.what());
}

}  // namespace offramp::cli
