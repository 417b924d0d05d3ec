// The public face over parser, values and translation.
#include "ddb/partiql/statement.h"

#include "ddb/expression/lexer.h"
#include "ddb/partiql/translate.h"

namespace offramp::ddb::partiql {
namespace {

Statement::Kind kind_of(StatementKind kind) {
  switch (kind) {
    case StatementKind::kSelect:
      return Statement::Kind::kSelect;
    case StatementKind::kInsert:
      return Statement::Kind::kInsert;
    case StatementKind::kUpdate:
      return Statement::Kind::kUpdate;
    case StatementKind::kDelete:
      return Statement::Kind::kDelete;
    case StatementKind::kExists:
      return Statement::Kind::kExists;
  }
  return Statement::Kind::kSelect;
}

// The conditions that AND joins at the top.
void collect_conjuncts(const Syntax& syntax, uint32_t node, std::vector<uint32_t>& out) {
  // AND's left side may be a long chain.
  while (syntax.nodes[node].kind == NodeKind::kAnd) {
    const SyntaxNode& junction = syntax.nodes[node];
    collect_conjuncts(syntax, syntax.children[junction.first + 1], out);
    node = syntax.children[junction.first];
  }
  out.push_back(node);
}

class KeyTerms {
 public:
  KeyTerms(const Syntax& syntax, Values& values) : syntax_(syntax), values_(values) {}

  Status add(const SyntaxNode& node) {
    switch (node.kind) {
      case NodeKind::kCompare:
        return compare(node);
      case NodeKind::kBetween:
        if (path(node, 0) && is_value(node, 1) && is_value(node, 2))
          TRY(add(KeyTerm::Kind::kBetween, node, 0, {operand(node, 1), operand(node, 2)}));
        return {};
      case NodeKind::kIn:
        return in(node);
      case NodeKind::kFunction:
        if (node.count == 2 && is_begins_with(node) && path(node, 0) && is_value(node, 1))
          TRY(add(KeyTerm::Kind::kBeginsWith, node, 0, {operand(node, 1)}));
        return {};
      default:
        return {};
    }
  }
  std::vector<KeyTerm> take() { return std::move(terms_); }

 private:
  using Kind = KeyTerm::Kind;

  uint32_t operand(const SyntaxNode& node, uint32_t n) const {
    return syntax_.children[node.first + n];
  }
  bool is_value(const SyntaxNode& node, uint32_t n) const {
    return Values::is_value(syntax_.child(node, n).kind);
  }
  bool path(const SyntaxNode& node, uint32_t n) const {
    const SyntaxNode& operand = syntax_.child(node, n);
    return operand.kind == NodeKind::kPath && operand.count == 1;
  }
  bool is_begins_with(const SyntaxNode& node) const {
    return is_keyword(syntax_.token_of(node).text, "BEGINS_WITH");
  }

  Status add(Kind kind, const SyntaxNode& node, uint32_t attribute,
             const std::vector<uint32_t>& values) {
    KeyTerm term;
    term.kind = kind;
    term.attribute = syntax_.parts[syntax_.child(node, attribute).first].name;
    for (uint32_t value : values) term.values.push_back(TRY(values_.value(value)));
    terms_.push_back(std::move(term));
    return {};
  }

  Status compare(const SyntaxNode& node) {
    struct Named {
      std::string_view token;
      Kind kind, turned;
    };
    constexpr Named kNamed[] = {{"=", Kind::kEqual, Kind::kEqual},
                                {"<", Kind::kLess, Kind::kGreater},
                                {"<=", Kind::kLessEqual, Kind::kGreaterEqual},
                                {">", Kind::kGreater, Kind::kLess},
                                {">=", Kind::kGreaterEqual, Kind::kLessEqual}};
    for (const Named& named : kNamed) {
      if (named.token != syntax_.token_of(node).text) continue;
      if (path(node, 0) && is_value(node, 1)) return add(named.kind, node, 0, {operand(node, 1)});
      if (path(node, 1) && is_value(node, 0)) return add(named.turned, node, 1, {operand(node, 0)});
    }
    return {};
  }

  Status in(const SyntaxNode& node) {
    const SyntaxNode& list = syntax_.child(node, 1);
    if (!path(node, 0) || (list.kind != NodeKind::kList && list.kind != NodeKind::kBag)) return {};
    std::vector<uint32_t> values;
    for (uint32_t i = 0; i < list.count; ++i) {
      if (!is_value(list, i)) return {};
      values.push_back(operand(list, i));
    }
    if (values.empty()) return {};
    return add(Kind::kIn, node, 0, values);
  }

  const Syntax& syntax_;
  Values& values_;
  std::vector<KeyTerm> terms_;
};

}  // namespace

Statement::Statement(std::unique_ptr<Syntax> syntax, base::Arena& arena)
    : syntax_(std::move(syntax)),
      values_(std::make_unique<Values>(*syntax_, arena)),
      arena_(&arena) {}
Statement::~Statement() = default;
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;

Result<Statement> Statement::parse(std::string_view text, base::Arena& arena) {
  if (text.size() > kStatementBytesMax) return not_well_formed("Statement is too long");
  return Statement(std::make_unique<Syntax>(TRY(parse_syntax(text, arena))), arena);
}

Statement::Kind Statement::kind() const { return kind_of(syntax_->kind); }
std::string_view Statement::table() const { return syntax_->table; }
std::string_view Statement::index() const { return syntax_->index; }
Returning Statement::returning() const { return syntax_->returning; }
bool Statement::has_where() const { return syntax_->where.has_value(); }

std::vector<Statement::Order> Statement::order() const {
  std::vector<Order> out;
  for (const OrderKey& key : syntax_->order) out.push_back({key.name, key.descending});
  return out;
}

Status Statement::bind(std::span<const ValueView> parameters) { return values_->bind(parameters); }

Result<std::optional<expression::Condition>> Statement::condition() {
  if (!syntax_->where) return std::optional<expression::Condition>();
  return std::optional(TRY(make_condition(*syntax_, *syntax_->where, *values_, *arena_)));
}

Result<std::vector<KeyTerm>> Statement::key_terms() {
  KeyTerms terms(*syntax_, *values_);
  std::vector<uint32_t> conjuncts;
  if (syntax_->where) collect_conjuncts(*syntax_, *syntax_->where, conjuncts);
  for (size_t i = conjuncts.size(); i-- > 0;) TRY(terms.add(syntax_->nodes[conjuncts[i]]));
  return terms.take();
}

size_t Statement::conjuncts() const {
  std::vector<uint32_t> conjuncts;
  if (syntax_->where) collect_conjuncts(*syntax_, *syntax_->where, conjuncts);
  return conjuncts.size();
}

Result<expression::Update> Statement::update() { return make_update(*syntax_, *values_, *arena_); }

Result<ItemView> Statement::item() { return values_->item(*syntax_->item); }

}  // namespace offramp::ddb::partiql
