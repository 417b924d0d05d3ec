// A retried letter replaces what the target holds for its key: one transaction of the target, then
// the journal.
#include "migrate/letters.h"

#include <algorithm>

#include "ddb/wire_json.h"
#include "migrate/item_key.h"

namespace offramp::migrate {
namespace {

// Why the letter cannot be applied, or nothing when it has been.
Result<std::optional<std::string>> retry(Migration& migration, const Letter& letter,
                                         mapping::Splitter& splitter, ddb::JsonDecoder& decoder) {
  std::string text = letter.body;
  size_t size = text.size();
  text.append(ddb::kJsonPadding, '\0');
  ddb::ItemBatch batch;
  auto root = decoder.decode_item({text.data(), size}, {}, ddb::JsonForm::kTyped, batch);
  if (!root.ok())
    root = decoder.decode_item({text.data(), size}, "Item", ddb::JsonForm::kTyped, batch);
  if (!root.ok()) return std::optional<std::string>(root.error().message());
  batch.add_root(*root, 0);
  ddb::ItemView item = batch.item(0);
  ItemKey key(migration.mapping->key());
  mapping::RowBatch keys, rows;
  keys.reset(migration.mapping->tables().size());
  rows.reset(migration.mapping->tables().size());
  std::string why;
  switch (splitter.split(item, rows, why)) {
    case mapping::Outcome::kRefused:
      return std::optional<std::string>(why);
    case mapping::Outcome::kSkipped:
      return std::optional<std::string>("the plan skips this item");
    case mapping::Outcome::kRow:
    case mapping::Outcome::kOverflow:
      break;
  }
  if (!key.take(item)) return std::optional<std::string>("the item has no usable key");
  TRY(splitter.key_rows(key.view(), keys));
  TRY(migration.target->apply(keys, rows));
  TRY(migration.journal->set_letter_state(letter.id, LetterState::kApplied, ""));
  return std::optional<std::string>();
}

}  // namespace

Result<RetryOutcome> retry_letters(Migration& migration, const std::vector<int64_t>& ids) {
  RetryOutcome outcome;
  if (!TRY(migration.journal->fact("loaded")))
    return Error(ErrorKind::kConfig, "letters.not_loaded",
                 "the load has not finished; finish it first with `offramp run " +
                     migration.plan.name() + "`");
  mapping::Splitter splitter(migration.mapping);
  ddb::JsonDecoder decoder;
  std::vector<int64_t> chosen = ids;
  if (chosen.empty())
    for (const Letter& letter : TRY(migration.journal->letters(Journal::Bodies::kWithout)))
      if (letter.state == LetterState::kOpen && letter.code != "item.duplicate_key")
        chosen.push_back(letter.id);
  for (int64_t id : chosen) {
    auto letter = TRY(migration.journal->letter(id));
    if (!letter)
      return Error(ErrorKind::kConfig, "letters.unknown",
                   "there is no letter " + std::to_string(id) + "; `offramp letters " +
                       migration.plan.name() + " list` shows their numbers");
    if (letter->state == LetterState::kApplied) continue;
    auto why = TRY(retry(migration, *letter, splitter, decoder));
    if (why)
      outcome.still_refused.emplace_back(id, *why);
    else
      ++outcome.applied;
  }
  return outcome;
}

}  // namespace offramp::migrate
