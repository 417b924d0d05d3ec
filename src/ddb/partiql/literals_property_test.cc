// Any value of the types that literals have, written as a literal, is the value that is read.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ddb/partiql/statement.h"
#include "ddb/wire_json.h"

namespace offramp::ddb::partiql {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

// What a statement says and the JSON that must come out, canonical.
struct Written {
  std::string literal, json;
};

std::string text() {
  return *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab'\"\\ {}[]<>?,:-/*;\n")));
}

Written number() {
  const int whole = *rc::gen::inRange(-100000, 100000);
  const int exponent = *rc::gen::inRange(0, 20);
  const std::string canonical =
      whole == 0 ? "0" : std::to_string(whole) + std::string(static_cast<size_t>(exponent), '0');
  return {std::to_string(whole) + "e" + std::to_string(exponent), "{\"N\":\"" + canonical + "\"}"};
}

Written value(int depth) {
  const int kind = *rc::gen::inRange(0, depth > 0 ? 6 : 4);
  if (kind == 0) return {"null", R"({"NULL":true})"};
  if (kind == 1)
    return *rc::gen::arbitrary<bool>() ? Written{"TRUE", R"({"BOOL":true})"}
                                       : Written{"false", R"({"BOOL":false})"};
  if (kind == 2) return number();
  if (kind == 3) {
    const std::string content = text();
    return {quoted(content), "{\"S\":" + json_quoted(content) + "}"};
  }
  const int count = *rc::gen::inRange(0, 4);
  const bool list = kind == 4;
  Written out{list ? "[" : "{ ", list ? R"({"L":[)" : R"({"M":{)"};
  for (int i = 0; i < count; ++i) {
    const Written member = value(depth - 1);
    const std::string name = "m" + std::to_string(i);
    out.literal += (i > 0 ? ", " : "") + (list ? "" : quoted(name) + " : ") + member.literal;
    out.json += (i > 0 ? "," : "") + (list ? "" : json_quoted(name) + ":") + member.json;
  }
  out.literal += list ? "]" : "}";
  out.json += list ? "]}" : "}}";
  return out;
}

RC_GTEST_PROP(PartiqlLiterals, AreReadAsWritten, ()) {
  const Written written = value(4);
  base::Arena arena;
  const std::string text = "INSERT INTO t VALUE {'v': " + written.literal + "}";
  auto statement = Statement::parse(text, arena);
  RC_ASSERT(statement.ok());
  RC_ASSERT(statement->bind({}).ok());
  const auto item = statement->item();
  RC_ASSERT(item.ok());
  RC_ASSERT(canonical_item_json(*item) == "{\"v\":" + written.json + "}");
}

}  // namespace
}  // namespace offramp::ddb::partiql
