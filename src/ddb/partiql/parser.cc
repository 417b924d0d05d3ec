// Statements and their clauses.
#include "ddb/expression/lexer.h"
#include "ddb/partiql/expression_parser.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;

constexpr size_t kSourceParts = 2;

Error unexpected_token() { return not_well_formed("Unexpected token after expression"); }
Error aliasing() { return invalid_request("Aliasing is not supported"); }

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens, base::Arena& arena)
      : expressions_(syntax_, arena) {
    syntax_.text = text;
    syntax_.nodes.reserve(tokens.size());
    syntax_.tokens = std::move(tokens);
  }

  Result<Syntax> run() {
    TRY(statement());
    (void)expressions_.take_symbol(";");
    if (!at_end()) return unexpected_token();
    return std::move(syntax_);
  }

 private:
  bool take(std::string_view keyword) { return expressions_.take_keyword(keyword); }
  bool at(std::string_view keyword) const { return expressions_.at_keyword(keyword); }
  const Token& peek() const { return expressions_.peek(); }
  bool at_end() const { return peek().kind == TokenKind::kEnd; }
  bool at_symbol(std::string_view symbol) const { return expressions_.at_symbol(symbol); }

  Status statement() {
    if (take("SELECT")) return select();
    if (take("INSERT")) return insert();
    if (take("UPDATE")) return update();
    if (take("DELETE")) return remove();
    if (take("FROM")) return update_from();
    if (at("EXISTS") && expressions_.at_symbol("(", 1)) return exists();
    for (std::string_view known : {"CREATE", "DROP"})
      if (at(known))
        return invalid_request(known == "DROP" ? "Unsupported operation: DropTable"
                                               : "Unsupported operation: CreateTable");
    return not_well_formed("Expected data manipulation");
  }

  Status exists() {
    expressions_.skip();
    expressions_.skip();
    if (!take("SELECT"))
      return invalid_request("EXISTS() must contain a single item read with additional condition");
    TRY(select());
    syntax_.kind = StatementKind::kExists;
    if (!expressions_.take_symbol(")")) return unexpected_token();
    return {};
  }

  Status select() {
    syntax_.kind = StatementKind::kSelect;
    TRY(selection());
    if (!take("FROM")) return not_well_formed("Expected FROM");
    TRY(source());
    if (at_symbol(",") || at("JOIN") || at("CROSS") || at("INNER") || at("LEFT") || at("RIGHT") ||
        at("FULL"))
      return invalid_request("Only select from a single table or index is supported.");
    TRY(refuse_alias({"WHERE", "ORDER", "GROUP", "HAVING", "LIMIT", "OFFSET", "UNION"}));
    TRY(where());
    if (at("GROUP")) return invalid_request("Unsupported clause: GROUP BY");
    for (std::string_view clause : {"HAVING", "LIMIT", "OFFSET"})
      if (at(clause))
        return invalid_request("Unsupported clause: " + std::string(clause) +
                               position(syntax_.text, expressions_.peek(1)));
    return order();
  }

  Status selection() {
    if (at("DISTINCT")) return invalid_request("Unsupported token in expression: DISTINCT");
    if (at("VALUE") || at("PIVOT"))
      return invalid_request("Select projection doesn't support value or pivot keywords");
    if (expressions_.take_symbol("*")) return {};
    do {
      const Token& first = peek();
      const bool is_name = expressions_.at_name() && !expressions_.at_symbol("(", 1);
      if (!is_name) {
        TRY(expressions_.condition());
        return invalid_request("Unexpected path component" + position(syntax_.text, first));
      }
      const uint32_t node = TRY(expressions_.path());
      if (at("AS") || expressions_.at_name()) return aliasing();
      if (!at("FROM") && !at_symbol(",") && !at_end())
        return invalid_request("Unexpected path component" + position(syntax_.text, peek()));
      syntax_.selected.push_back(node);
    } while (expressions_.take_symbol(","));
    return {};
  }

  // A table, and for SELECT its index.
  Status source() {
    if (!expressions_.at_name()) {
      if (peek().kind == TokenKind::kWord || at_end())
        return not_well_formed("Expected identifier for simple path");
      return invalid_request("Unexpected from source");
    }
    TRY(named(syntax_.table));
    size_t parts = 1;
    while (expressions_.take_symbol(".")) {
      if (!expressions_.at_name()) return not_well_formed("Invalid path dot component");
      TRY(named(syntax_.index));
      if (++parts > kSourceParts)
        return invalid_request("A path may contain at most 2 components in the FROM clause");
    }
    return {};
  }

  Status named(std::string_view& out) {
    out = expressions_.name();
    if (out.empty()) return invalid_request("Path component cannot be an empty string");
    return {};
  }

  // Only keywords that may follow a source are no alias of it.
  Status refuse_alias(std::initializer_list<std::string_view> followers) {
    if (at("AS")) return aliasing();
    if (peek().kind != TokenKind::kWord && peek().kind != TokenKind::kQuotedWord) return {};
    for (std::string_view keyword : followers)
      if (at(keyword)) return {};
    return expressions_.at_name() ? Status(aliasing()) : Status();
  }

  Status where() {
    if (!take("WHERE")) return {};
    syntax_.where = TRY(expressions_.condition());
    return {};
  }

  Status order() {
    if (!take("ORDER")) return {};
    if (!take("BY")) return not_well_formed("Expected BY after ORDER");
    do {
      const Token& first = peek();
      const uint32_t node = TRY(expressions_.sum());
      const SyntaxNode& key = syntax_.nodes[node];
      if (key.kind != NodeKind::kPath || key.count != 1)
        return invalid_request("Argument to ORDER BY must be of type VariableReference. Type: " +
                               (key.kind == NodeKind::kPath ? "PATH" : std::string(first.text)));
      const bool descending = take("DESC");
      if (!descending) (void)take("ASC");
      syntax_.order.push_back({syntax_.parts[key.first].name, descending});
    } while (expressions_.take_symbol(","));
    return {};
  }

  Status insert() {
    syntax_.kind = StatementKind::kInsert;
    if (!take("INTO")) return not_well_formed("Expected INTO");
    TRY(source());
    if (!syntax_.index.empty())
      return invalid_request(
          "FROM clause may only contain a single table name in data manipulation statements");
    if (!take("VALUE")) return unexpected_token();
    const Token& first = peek();
    const uint32_t item = TRY(expressions_.condition());
    if (syntax_.nodes[item].kind != NodeKind::kTuple)
      return invalid_request(
          "Unsupported format in item expression. Please use struct format {...} to express item "
          "values for insert statement." +
          position(syntax_.text, first));
    syntax_.item = item;
    if (at("RETURNING")) return invalid_request("RETURNING is not supported in INSERT");
    return {};
  }

  Status write_source() {
    TRY(source());
    if (!syntax_.index.empty())
      return invalid_request("This operation is not supported on an index");
    return {};
  }

  Status update() {
    syntax_.kind = StatementKind::kUpdate;
    TRY(write_source());
    TRY(refuse_alias({"SET", "REMOVE", "WHERE"}));
    while (at("SET") || at("REMOVE")) TRY(change());
    if (syntax_.changes.empty()) return not_well_formed("Expected data manipulation");
    TRY(where());
    return returning();
  }

  // UPDATE with its clauses in another order.
  Status update_from() {
    syntax_.kind = StatementKind::kUpdate;
    TRY(write_source());
    TRY(refuse_alias({"SET", "REMOVE", "WHERE"}));
    TRY(where());
    while (at("SET") || at("REMOVE")) TRY(change());
    if (syntax_.changes.empty()) return not_well_formed("Expected data manipulation");
    return returning();
  }

  Status change() {
    if (take("REMOVE")) {
      syntax_.changes.push_back({TRY(expressions_.path()), std::nullopt});
      return {};
    }
    expressions_.skip();
    do {
      const uint32_t path = TRY(expressions_.path());
      if (!expressions_.take_symbol("=")) return not_well_formed("Expected '='");
      const uint32_t value = TRY(expressions_.condition());
      syntax_.changes.push_back({path, value});
    } while (expressions_.take_symbol(","));
    return {};
  }

  Status remove() {
    syntax_.kind = StatementKind::kDelete;
    if (!take("FROM")) return not_well_formed("Expected FROM");
    TRY(write_source());
    TRY(refuse_alias({"WHERE"}));
    TRY(where());
    return returning();
  }

  Status returning() {
    if (!take("RETURNING")) return {};
    const bool modified = at("MODIFIED");
    if (!modified && !at("ALL"))
      return not_well_formed("Expected ALL or MODIFIED in a returning clause");
    expressions_.skip();
    const bool old = at("OLD");
    if (!old && !at("NEW")) return not_well_formed("Expected OLD or NEW in a returning clause");
    expressions_.skip();
    if (!expressions_.take_symbol("*"))
      return invalid_request(
          "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
    syntax_.returning = modified ? (old ? Returning::kModifiedOld : Returning::kModifiedNew)
                                 : (old ? Returning::kAllOld : Returning::kAllNew);
    if (syntax_.kind == StatementKind::kDelete && syntax_.returning != Returning::kAllOld)
      return invalid_request("Invalid returning clause: RETURNING " +
                             std::string(modified ? "MODIFIED" : "ALL") + (old ? " OLD" : " NEW") +
                             " *. Only RETURNING ALL OLD * is allowed in DELETE statements.");
    return {};
  }

  Syntax syntax_;
  ExpressionParser expressions_;
};

}  // namespace

Result<Syntax> parse_syntax(std::string_view text, base::Arena& arena) {
  std::vector<Token> tokens = TRY(tokenize(text));
  return Parser(text, std::move(tokens), arena).run();
}

}  // namespace offramp::ddb::partiql
