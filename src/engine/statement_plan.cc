// What a SELECT reads: its index, its partitions, its range; and whether it may.
#include <algorithm>

#include "ddb/number.h"
#include "ddb/scalar_order.h"
#include "engine/error.h"
#include "engine/keys.h"
#include "engine/statement_reader.h"

namespace offramp::engine {

Status StatementReader::compile() {
  condition_ = TRY(statement_.condition());
  selection_ = TRY(statement_.selection());
  terms_ = TRY(statement_.key_terms());
  return {};
}

Status StatementReader::bind(const ReadOptions& options) {
  options_ = options;
  table_ = TRY(statement_table(context_, statement_));
  TRY(find_view());
  TRY(check_parts());
  find_partitions();
  TRY(check_key_terms());
  TRY(check_filter());
  TRY(check_order());
  narrow();
  if (!view_->is_table()) return {};
  Result<ddb::ItemView> key = named_key(*table_, terms_, key_nodes_);
  // Equalities that contradict each other select nothing.
  if (!key.ok() || !*key) return {};
  key_ = *key;
  if (only_names_key(*table_, terms_, statement_.conjuncts())) only_key_ = key_;
  return {};
}

const KeyTerm* StatementReader::find_term(std::string_view attribute,
                                          std::initializer_list<KeyTerm::Kind> kinds) const {
  for (KeyTerm::Kind kind : kinds)
    for (const KeyTerm& term : terms_)
      if (term.kind == kind && term.attribute == attribute) return &term;
  return nullptr;
}

Status StatementReader::find_view() {
  int index = -1;
  if (!statement_.index().empty()) {
    index = table_->find_index(statement_.index());
    const IndexInfo::State state =
        index < 0 ? IndexInfo::State::kDeleting : table_->indexes[static_cast<size_t>(index)].state;
    if (state == IndexInfo::State::kDeleting)
      return validation("The table does not have the specified index");
    if (state != IndexInfo::State::kActive)
      return validation("Cannot read from backfilling global secondary index: " +
                        std::string(statement_.index()));
  }
  view_.emplace(*table_, index);
  if (view_->is_global() && options_.consistent)
    return validation("Strongly consistent read is not supported on Global Secondary Indexes");
  range_.table = &table_->served;
  range_.index = view_->is_table() ? nullptr : &view_->index();
  return {};
}

// What the statement may not do with keys, and with what a global index lacks.
Status StatementReader::check_parts() const {
  if (condition_) TRY(check_scalar_keys(*table_, *condition_));
  if (!selection_) return {};
  TRY(check_scalar_keys(*table_, *selection_));
  if (!view_->is_global()) return {};
  std::string missing;
  for (const std::string& name : selection_->attributes())
    if (!view_->projects(name)) missing.append(missing.empty() ? "" : ", ").append(name);
  if (missing.empty()) return {};
  return invalid_parameter("Global secondary index " + view_->index().name + " does not project [" +
                           missing + "]");
}

// As in a Query: when a partition of an index is read, what it does not project may not be asked
// for.
Status StatementReader::check_filter() const {
  if (view_->whole() || partitions_.empty() || !condition_) return {};
  std::string missing;
  for (const std::string& name : condition_->attributes())
    if (!view_->projects(name)) missing.append(missing.empty() ? "" : ", ").append(name);
  if (missing.empty()) return {};
  return invalid_parameter("Secondary index " + view_->index().name +
                           " does not project one or more filter attributes: [" + missing + "]");
}

// Of several values those of another type are never equal; only a partition's must all be of the
// key's.
Status StatementReader::check_key_terms() const {
  Status status;
  view_->for_each_key([&](const model::KeyAttribute& key) {
    const bool partition = view_->is_partition(key.name);
    for (const KeyTerm& term : terms_) {
      if (!status.ok() || term.attribute != key.name) continue;
      const bool among = term.kind == KeyTerm::Kind::kIn;
      if (among && (!partition || partitions_.empty())) continue;
      status = check_term_type(key, term);
      if (!status.ok() && partitions_.empty())
        status = invalid_parameter("Condition parameter type does not match schema type");
      for (ddb::ValueView value : term.values)
        if (status.ok() && !partitions_.empty())
          status = check_key_value(*view_, key.name,
                                   partition ? KeyRole::kPartition : KeyRole::kSort, value);
    }
  });
  return status;
}

void StatementReader::find_partitions() {
  std::vector<model::KeyAttribute> keys;
  view_->for_each_key([&](const model::KeyAttribute& key) {
    if (view_->is_partition(key.name)) keys.push_back(key);
  });
  partitions_.assign(1, {});
  for (const model::KeyAttribute& key : keys) {
    const KeyTerm* term = find_term(key.name, {KeyTerm::Kind::kEqual, KeyTerm::Kind::kIn});
    // Several partition attributes make a partition each by its own equality.
    if (term == nullptr || (keys.size() > 1 && term->values.size() > 1)) {
      partitions_.clear();
      return;
    }
    std::vector<ddb::ValueView> values = term->values;
    const bool typed = std::all_of(values.begin(), values.end(),
                                   [&](ddb::ValueView value) { return value.type() == key.type; });
    if (!typed) return;  // check_key_terms() refuses it
    std::sort(values.begin(), values.end(),
              [](ddb::ValueView a, ddb::ValueView b) { return ddb::compare_scalars(a, b) < 0; });
    values.erase(std::unique(values.begin(), values.end(), ddb::equal), values.end());
    std::vector<Partition> made;
    for (const Partition& begun : partitions_)
      for (ddb::ValueView value : values) {
        made.push_back(begun);
        made.back().push_back(value);
      }
    partitions_ = std::move(made);
  }
  for (const Statement::Order& by : statement_.order())
    if (by.descending && view_->is_partition(by.attribute)) {
      std::reverse(partitions_.begin(), partitions_.end());
      return;
    }
}

Status StatementReader::check_order() const {
  if (statement_.order().empty()) return {};
  if (!statement_.has_where())
    return validation("Must have WHERE clause in the statement when using ORDER BY clause.");
  if (partitions_.empty())
    return validation(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER "
        "BY clause.");
  for (const Statement::Order& by : statement_.order()) {
    bool known = false;
    view_->for_each_key([&](const model::KeyAttribute& key) { known |= key.name == by.attribute; });
    if (!known)
      return validation("Variable reference " + std::string(by.attribute) +
                        " in ORDER BY clause must be part of the primary key");
  }
  return {};
}

// The leading sort attributes that are equal to something, and the range of the next.
void StatementReader::narrow() {
  if (partitions_.empty()) return;
  std::vector<model::KeyAttribute> sort;
  view_->for_each_key([&](const model::KeyAttribute& key) {
    if (!view_->is_partition(key.name)) sort.push_back(key);
  });
  for (const Statement::Order& by : statement_.order())
    if (!view_->is_partition(by.attribute)) {
      range_.forward = !by.descending;
      break;
    }
  for (const model::KeyAttribute& key : sort) {
    if (const KeyTerm* equal = find_term(key.name, {KeyTerm::Kind::kEqual})) {
      range_.sort_equal.push_back(equal->values[0]);
      continue;
    }
    for (const KeyTerm& term : terms_)
      if (term.attribute == key.name) narrow_by(term);
    return;
  }
}

void StatementReader::narrow_by(const KeyTerm& term) {
  const ddb::ValueView value = term.values[0];
  switch (term.kind) {
    case KeyTerm::Kind::kLess:
    case KeyTerm::Kind::kLessEqual:
      return drop_upper(value, term.kind == KeyTerm::Kind::kLessEqual);
    case KeyTerm::Kind::kGreater:
    case KeyTerm::Kind::kGreaterEqual:
      return raise_lower(value, term.kind == KeyTerm::Kind::kGreaterEqual);
    case KeyTerm::Kind::kBetween:
      raise_lower(value, true);
      return drop_upper(term.values[1], true);
    case KeyTerm::Kind::kBeginsWith:
      // A store takes a prefix or bounds.
      if (!range_.lower && !range_.upper && value.type() != ddb::Type::kN) range_.prefix = value;
      return;
    default:
      return;
  }
}

void StatementReader::raise_lower(ddb::ValueView value, bool inclusive) {
  if (range_.prefix) return;
  if (range_.lower) {
    const auto compared = ddb::compare_scalars(value, range_.lower->values[0]);
    if (compared < 0 || (compared == 0 && inclusive)) return;
  }
  range_.lower = target::SortBound{{value}, inclusive};
}

void StatementReader::drop_upper(ddb::ValueView value, bool inclusive) {
  if (range_.prefix) return;
  if (range_.upper) {
    const auto compared = ddb::compare_scalars(value, range_.upper->values[0]);
    if (compared > 0 || (compared == 0 && inclusive)) return;
  }
  range_.upper = target::SortBound{{value}, inclusive};
}

bool StatementReader::may_start(ddb::ItemView start) const {
  if (key_ || !start_key_fits(*view_, start) || !check_start_values(*view_, start).ok())
    return false;
  bool typed = true;
  view_->for_each_key([&](const model::KeyAttribute& key) {
    const ddb::ValueView value = start.find(key.name);
    typed = typed && value && value.type() == key.type;
  });
  return typed && (partitions_.empty() || partition_of(start) < partitions_.size());
}

size_t StatementReader::partition_of(ddb::ItemView item) const {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    size_t n = 0;
    bool same = true;
    view_->for_each_key([&](const model::KeyAttribute& key) {
      if (view_->is_partition(key.name))
        same = same && ddb::equal(item.find(key.name), partitions_[i][n++]);
    });
    if (same) return i;
  }
  return partitions_.size();
}

}  // namespace offramp::engine
