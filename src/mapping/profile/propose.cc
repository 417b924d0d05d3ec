#include "mapping/profile/propose.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mapping/convert.h"
#include "mapping/key_template.h"
#include "mapping/profile/columns.h"
#include "mapping/profile/key_labels.h"
#include "mapping/profile/key_naming.h"
#include "mapping/profile/kinds.h"
#include "mapping/profile/value_stats.h"

namespace offramp::mapping::profile {
namespace {

constexpr size_t kUuidKeysMin = 5;  // fewer items are too few to bind a key to a type

std::string percent(uint64_t part, uint64_t whole) {
  if (whole == 0 || part == whole) return "100 %";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

class Proposer {
 public:
  Proposer(const Profile& profile, const model::TableSpec& table, const ProposeOptions& options)
      : sample_(profile.sample),
        profile_(profile),
        source_(table),
        key_(*table.key),
        options_(options),
        table_names_("", options.limits.identifier_bytes_max, options.reserved_words,
                     out_.fidelity.name_fixes) {}

  Proposal run() {
    kinds_ = find_kinds(sample_, key_);
    std::vector<std::string> names = table_base_names(kinds_.kinds, source_.name);
    bool rest = false;
    for (size_t k = 0; k < kinds_.kinds.size(); ++k) {
      add_table(kinds_.kinds[k], names[k]);
      rest = rest || kinds_.kinds[k].takes_all();
    }
    if (!rest) add_rest();
    FidelityReport& report = out_.fidelity;
    report.items_seen = profile_.items_seen;
    report.items_sampled = sample_.size();
    report.items_odd = kinds_.odd_items;
    report.items_keyless = kinds_.keyless_items;
    write_header();
    return std::move(out_);
  }

 private:
  std::vector<std::string> key_attributes() const {
    std::vector<std::string> names{key_.partition.name};
    if (key_.sort) names.push_back(key_.sort->name);
    return names;
  }

  void add_table(const Kind& kind, const std::string& base_name) {
    model::TableMapping table;
    // Names the kind in the report, and gives tables of one noun different suffixes.
    std::string source = base_name;
    for (const std::string& signature : kind.signatures) {
      source += ' ';
      for (char c : signature) source += c == kPlaceholderMark ? '*' : c;
    }
    if (kind.match) source += " if " + *kind.match;
    table.into = table_names_.claim(base_name, source);
    table.match = kind.match;
    NameScope columns(table.into, options_.limits.identifier_bytes_max, options_.reserved_words,
                      out_.fidelity.name_fixes);
    columns.reserve("extra");
    NamedKey key = name_key(kind, sample_, key_attributes(), columns);
    bool plain = true;
    for (size_t a = 0; a < key.patterns.size(); ++a) {
      table.key.push_back({key_attributes()[a], key.patterns[a], {}});
      plain = plain && key.patterns[a] == "{" + key_attributes()[a] + "}";
    }
    // One column per key attribute under its own name is what the plan means without `key`.
    if (plain) table.key.clear();
    type_keys(kind, key, table);

    ValueStats stats;
    for (uint32_t i : kind.items) stats.add(sample_.item(i));
    ColumnContext context{table.into,  singular(table.into),   key_attributes(),
                          key.columns, find_copies(kind, key), source_.ttl_attribute.value_or("")};
    ColumnProposal proposed =
        propose_columns(stats, context, options_, columns, table_names_, out_.fidelity.name_fixes);
    std::ranges::move(proposed.columns, std::back_inserter(table.columns));
    table.children = std::move(proposed.children);
    add_indexes(key, proposed, table);

    TableComments comments;
    comments.heading = {heading(kind, key)};
    comments.columns = std::move(proposed.notes);
    out_.comments.tables.push_back(std::move(comments));
    FidelityReport& report = out_.fidelity;
    uint64_t items =
        kind.items.size() + (kind.takes_all() ? kinds_.odd_items - kinds_.keyless_items : 0);
    report.tables.push_back({table.into, items});
    for (size_t a = 0; a < key.patterns.size(); ++a) {
      report.attributes.push_back({table.into, key_attributes()[a], list_of(key.by_attribute[a]),
                                   "key", kind.items.size(), 0, 0});
      report.notes.push_back(key.patterns[a]);
    }
    std::ranges::move(proposed.fates, std::back_inserter(report.attributes));
    std::ranges::move(proposed.fate_notes, std::back_inserter(report.notes));
    if (stats.beyond_bound() > 0) {
      report.attributes.push_back({table.into, "(beyond the first 4096 paths)", "", "",
                                   stats.beyond_bound(), stats.beyond_bound(), 0});
      report.notes.emplace_back("too many different paths for columns");
    }
    out_.tables.push_back(std::move(table));
  }

  static std::string list_of(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) (out += out.empty() ? "" : ", ") += name;
    return out;
  }

  std::string heading(const Kind& kind, const NamedKey& key) const {
    std::string out = fmt::format("{} {} of the sample ({})", kind.items.size(),
                                  kind.items.size() == 1 ? "item" : "items",
                                  percent(kind.items.size(), sample_.size()));
    if (kind.takes_all()) return out + (kinds_.kinds.size() > 1 ? ": all other keys" : "");
    out += ": ";
    for (size_t a = 0; a < key.patterns.size(); ++a)
      out += fmt::format("{}{} {}", a ? ", " : "", key_attributes()[a], key.patterns[a]);
    return out;
  }

  // A key column that always holds a UUID is stored as one.
  void type_keys(const Kind& kind, const NamedKey& key, model::TableMapping& table) {
    if (!options_.uuid_type || kind.items.size() < kUuidKeysMin) return;
    for (const std::string& name : key.columns) {
      base::Arena bytes, cells;
      bool all = true;
      for (size_t i = 0; all && i < kind.items.size(); ++i) {
        std::string_view part = key.part(name, sample_.item(kind.items[i]));
        ddb::Node node{nullptr, part.data(),   0,    static_cast<uint32_t>(part.size()),
                       1,       ddb::Type::kS, false};
        Cell cell;
        bytes.reset();
        all = key.is_text(name, key_) && part.size() == 36 &&
              to_cell({model::ColumnType::kUuid}, ddb::ValueView(&node), bytes, cells, cell);
      }
      if (!all) continue;
      model::ColumnSpec column;
      column.name = name;
      column.type = model::ColumnType::kUuid;
      table.columns.push_back(std::move(column));
    }
  }

  // Text attributes that hold the same as a key column in every item of the kind.
  std::map<std::string, std::string> find_copies(const Kind& kind, const NamedKey& key) const {
    std::map<std::string, std::string> copies;
    if (kind.items.empty()) return copies;
    for (ddb::ValueView value : sample_.item(kind.items[0])) {
      if (value.type() != ddb::Type::kS) continue;
      std::string attribute(value.name());
      if (attribute == key_.partition.name || (key_.sort && attribute == key_.sort->name)) continue;
      for (const std::string& column : key.columns) {
        bool all = std::ranges::all_of(kind.items, [&](uint32_t i) {
          ddb::ValueView found = sample_.item(i).find(attribute);
          return found && found.type() == ddb::Type::kS &&
                 found.bytes() == key.part(column, sample_.item(i));
        });
        if (all) {
          copies[attribute] = column;
          break;
        }
      }
    }
    return copies;
  }

  void add_indexes(const NamedKey& key, const ColumnProposal& proposed,
                   model::TableMapping& table) const {
    auto columns_of = [&](const std::string& attribute) -> std::vector<std::string> {
      for (size_t a = 0; a < key.by_attribute.size(); ++a)
        if (key_attributes()[a] == attribute) return key.by_attribute[a];
      auto found = proposed.by_attribute.find(attribute);
      return found == proposed.by_attribute.end() ? std::vector<std::string>{}
                                                  : std::vector<std::string>{found->second};
    };
    std::set<std::vector<std::string>> seen;
    for (const model::SecondaryIndex& index : source_.indexes) {
      std::vector<std::string> columns;
      bool complete = true;
      for (const auto* attributes : {&index.partition, &index.sort}) {
        for (const model::KeyAttribute& attribute : *attributes) {
          std::vector<std::string> found = columns_of(attribute.name);
          complete = complete && !found.empty();
          for (std::string& column : found)
            if (std::ranges::find(columns, column) == columns.end()) columns.push_back(column);
        }
      }
      // The primary key serves its own prefixes already.
      bool prefix = columns.size() <= key.columns.size() &&
                    std::equal(columns.begin(), columns.end(), key.columns.begin());
      if (complete && !columns.empty() && !prefix && seen.insert(columns).second)
        table.indexes.push_back({"", columns, {}});
    }
  }

  // The table for what fits no kind: whole keys, everything else in `extra`.
  void add_rest() {
    model::TableMapping table;
    table.into = table_names_.claim("other_items", "(the rest)");
    NameScope columns(table.into, options_.limits.identifier_bytes_max, options_.reserved_words,
                      out_.fidelity.name_fixes);
    columns.reserve("extra");
    bool plain = true;
    for (const std::string& attribute : key_attributes()) {
      std::string column = columns.claim(attribute, attribute);
      plain = plain && column == attribute;
      table.key.push_back({attribute, "{" + column + "}", {}});
    }
    if (plain) table.key.clear();
    uint64_t items = kinds_.odd_items - kinds_.keyless_items;
    out_.comments.tables.push_back(
        {{items == 0 ? std::string("the rest: nothing in the sample")
                     : fmt::format("the rest: {} of the sample with rare or odd keys", items)},
         {}});
    out_.fidelity.tables.push_back({table.into, items});
    out_.tables.push_back(std::move(table));
  }

  void write_header() {
    std::vector<std::string>& header = out_.comments.header;
    header.push_back(fmt::format("Proposed from a sample of {} of {} items{}.", sample_.size(),
                                 profile_.items_seen,
                                 source_.name.empty() ? "" : " of " + source_.name));
    if (kinds_.kinds.size() > 1) {
      header.push_back(fmt::format(
          "{} kinds of items were found by their keys{}:", kinds_.kinds.size(),
          std::ranges::any_of(kinds_.kinds, [](const Kind& kind) { return kind.match.has_value(); })
              ? " and type attributes"
              : ""));
      for (const FidelityReport::TableLine& line : out_.fidelity.tables)
        header.push_back(fmt::format("  {:<28} {:>9}  {:>7}", line.table, line.items,
                                     line.items == 0 ? "-" : percent(line.items, sample_.size())));
    }
    header.emplace_back(
        "The first table that fits takes an item; what no column holds goes, typed, to `extra`.");
    if (kinds_.keyless_items > 0)
      header.push_back(fmt::format("{} sampled items lack a usable key and would be refused.",
                                   kinds_.keyless_items));
    if (source_.ttl_attribute)
      header.push_back(fmt::format("TTL attribute: {}. The target does not expire rows by itself.",
                                   *source_.ttl_attribute));
  }

  const ddb::ItemBatch& sample_;
  const Profile& profile_;
  const model::TableSpec& source_;
  const model::KeySchema& key_;
  const ProposeOptions& options_;
  Kinds kinds_;
  Proposal out_;
  NameScope table_names_;
};

}  // namespace

Result<Proposal> propose(const Profile& profile, const model::TableSpec& table,
                         const ProposeOptions& options) {
  if (!table.key)
    return Error(ErrorKind::kConfig, "profile.no_key",
                 "the source does not say which attributes are its key; name the partition key and "
                 "the sort key");
  ProposeOptions names = options;
  names.reserved_words.insert(names.reserved_words.end(),
                              options.limits.column_names_reserved.begin(),
                              options.limits.column_names_reserved.end());
  Proposal proposal = Proposer(profile, table, names).run();
  if (profile.sample.size() > 0 && proposal.fidelity.items_keyless == profile.sample.size())
    return Error(ErrorKind::kConfig, "profile.wrong_key",
                 fmt::format("none of {} sampled items has the key ({}{}); is it another table's?",
                             profile.sample.size(), table.key->partition.name,
                             table.key->sort ? ", " + table.key->sort->name : ""));
  return proposal;
}

}  // namespace offramp::mapping::profile
