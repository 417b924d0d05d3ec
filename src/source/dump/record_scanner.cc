#include "source/dump/record_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "source/json_cut.h"

namespace offramp::source::dump {
namespace {

constexpr size_t kStackMax = 8;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr std::array<std::string_view, 8> kPageMembers = {"Items",
                                                          "Count",
                                                          "ScannedCount",
                                                          "ConsumedCapacity",
                                                          "LastEvaluatedKey",
                                                          "NextToken",
                                                          "ResponseMetadata",
                                                          "$metadata"};

bool is_page_member(std::string_view name) {
  return std::find(kPageMembers.begin(), kPageMembers.end(), name) != kPageMembers.end();
}

bool is_type_tag(std::string_view name) {
  for (std::string_view tag : {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"})
    if (name == tag) return true;
  return false;
}

}  // namespace

Step RecordScanner::fail(ErrorKind kind, std::string code, std::string message, size_t at) {
  failed_at_ = at;
  error_ = Error(kind, std::move(code), std::move(message));
  return Step::kError;
}

Step RecordScanner::short_of(std::string_view what, size_t at, bool last) {
  if (!last) return Step::kNeedMore;
  return fail(
      ErrorKind::kCorrupt, "dump.truncated",
      fmt::format("the file ends inside {}; it was cut off: make the dump again or copy it again",
                  what),
      at);
}

// What the object at `at` is. kUnclear: its first member is not in the text yet.
RecordScanner::Kind RecordScanner::classify(std::string_view text, size_t at, bool last) const {
  if (plain_) return Kind::kItem;
  Member first = read_member(text, at + 1);
  if (first.state == CutState::kIncomplete) return last ? Kind::kItem : Kind::kUnclear;
  if (first.state == CutState::kBad || first.end) return Kind::kItem;
  char value = text[first.value];
  if (value == '[') return first.name == "Items" ? Kind::kPage : Kind::kTables;
  if (value != '{') return is_page_member(first.name) ? Kind::kPage : Kind::kItem;
  bool wrapper =
      first.name == "Item" || first.name == "PutRequest" || first.name == "DeleteRequest";
  bool response = first.name == "ConsumedCapacity" || first.name == "LastEvaluatedKey" ||
                  first.name == "ResponseMetadata" || first.name == "$metadata";
  if (!wrapper && !response && first.name != "RequestItems") return Kind::kItem;
  Member inner = read_member(text, first.value + 1);
  if (inner.state == CutState::kIncomplete) return last ? Kind::kItem : Kind::kUnclear;
  if (inner.state == CutState::kBad) return Kind::kItem;
  if (!inner.end && is_type_tag(inner.name)) {
    Cut whole = cut_json_value(text, first.value);
    if (whole.state == CutState::kIncomplete && !last) return Kind::kUnclear;
    if (whole.state != CutState::kDone) return Kind::kItem;
    if (looks_like_attribute_value(text.substr(first.value, whole.end - first.value)))
      return Kind::kItem;
  }
  if (first.name == "Item") return Kind::kWrapped;
  if (first.name == "PutRequest") return Kind::kPut;
  if (first.name == "DeleteRequest") return Kind::kDelete;
  return Kind::kPage;
}

Step RecordScanner::put_request(std::string_view text, size_t start, size_t end,
                                FoundRecord& found) {
  Member request = read_member(text.substr(0, end), start + 1);
  Cut cut = cut_json_value(text.substr(0, end), request.value);
  found.start = request.value;
  found.size = (cut.state == CutState::kDone ? cut.end : end) - request.value;
  found.wrapped = true;
  return Step::kRecord;
}

Step RecordScanner::object(std::string_view text, size_t& at, bool last, FoundRecord& found) {
  Kind kind = classify(text, at, last);
  if (kind == Kind::kUnclear) return short_of("an object", at, last);
  if (kind == Kind::kDelete) {
    return fail(ErrorKind::kUnsupported, "dump.delete_request",
                "a DeleteRequest: only items can be loaded; take the deletions out of the file, or "
                "apply them to the "
                "table and dump it",
                at);
  }
  if (kind == Kind::kPage || kind == Kind::kTables) {
    if (stack_.size() >= kStackMax)
      return fail(ErrorKind::kCorrupt, "dump.bad_structure", "too many wrappers inside each other",
                  at);
    stack_.push_back(kind == Kind::kPage ? Context::kPage : Context::kTables);
    ++at;
    return Step::kNeedMore;  // next() goes on
  }
  Cut cut = cut_json_value(text, at);
  if (cut.state != CutState::kDone) return short_of("an item", at, last);
  size_t start = at;
  at = cut.end;
  if (kind == Kind::kPut) return put_request(text, start, cut.end, found);
  found.start = start;
  found.size = cut.end - start;
  found.wrapped = kind == Kind::kWrapped;
  return Step::kRecord;
}

Step RecordScanner::page_member(std::string_view text, size_t& at, bool last) {
  Member member = read_member(text, at);
  if (member.state == CutState::kIncomplete) return short_of("a page of items", at, last);
  if (member.state == CutState::kBad)
    return fail(ErrorKind::kCorrupt, "dump.bad_structure",
                "a member of a page of items is expected", member.next);
  if (member.end) {
    stack_.pop_back();
    at = member.next;
    return Step::kNeedMore;
  }
  if (member.name == "Items" && text[member.value] == '[') {
    stack_.push_back(Context::kArray);
    at = member.value + 1;
    return Step::kNeedMore;
  }
  if (member.name == "RequestItems" && text[member.value] == '{') {
    stack_.push_back(Context::kTables);
    at = member.value + 1;
    return Step::kNeedMore;
  }
  Cut value = cut_json_value(text, member.value);
  if (value.state == CutState::kIncomplete) return short_of("a page of items", at, last);
  if (value.state == CutState::kBad)
    return fail(ErrorKind::kCorrupt, "dump.bad_structure", "a JSON value is expected",
                member.value);
  at = value.end;
  return Step::kNeedMore;
}

Step RecordScanner::table_member(std::string_view text, size_t& at, bool last) {
  Member member = read_member(text, at);
  if (member.state == CutState::kIncomplete) return short_of("a list of write requests", at, last);
  if (member.state == CutState::kBad)
    return fail(ErrorKind::kCorrupt, "dump.bad_structure", "a table's write requests are expected",
                member.next);
  at = member.next;
  if (member.end) {
    stack_.pop_back();
    return Step::kNeedMore;
  }
  if (text[member.value] != '[') {
    return fail(
        ErrorKind::kCorrupt, "dump.bad_structure",
        "a list of write requests is expected; if these are plain JSON items, say so (plain form)",
        member.value);
  }
  if (!table_.empty() && table_ != member.name) {
    return fail(
        ErrorKind::kConfig, "dump.two_tables",
        fmt::format("write requests for two tables, {} and {}; split the file, one table each",
                    table_, member.name),
        member.value);
  }
  table_ = member.name.substr(0, 255);
  stack_.push_back(Context::kRequests);
  at = member.value + 1;
  return Step::kNeedMore;
}

// One line at the top level; kEnd here means "not a record of one line: go on by structure".
Step RecordScanner::next_line(std::string_view text, size_t& at, bool last, FoundRecord& found) {
  size_t newline = text.find('\n', at);
  if (newline == text.npos && !last) return Step::kNeedMore;
  size_t end = newline == text.npos ? text.size() : newline;
  std::string_view line = text.substr(at, end - at);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
    line.remove_suffix(1);
  // An array, or the head of something pretty-printed.
  if (line[0] == '[' || line.back() == '{' || line.back() == '[' || line.back() == ',')
    return Step::kEnd;
  Kind kind = line[0] == '{' ? classify(line, 0, true) : Kind::kItem;
  if (kind == Kind::kPage || kind == Kind::kTables || kind == Kind::kPut || kind == Kind::kDelete)
    return Step::kEnd;
  if (newline == text.npos && line[0] == '{' &&
      cut_json_value(line, 0).state == CutState::kIncomplete)
    return short_of("an item", at, last);
  found.start = at;
  found.size = line.size();
  found.wrapped = kind == Kind::kWrapped;
  if (line[0] != '{' || line.back() != '}')
    found.bad = Error(ErrorKind::kBadItem, "dump.bad_line", "the line is not a JSON object");
  at = newline == text.npos ? end : end + 1;
  return Step::kRecord;
}

Step RecordScanner::next(std::string_view text, size_t& at, bool last, FoundRecord& found) {
  found = FoundRecord();
  while (true) {
    if (stack_.back() == Context::kTop && text.substr(at).starts_with(kByteOrderMark))
      at += kByteOrderMark.size();
    at = skip_json_blanks(text, at);
    if (stack_.back() == Context::kTop && at == text.size())
      return last ? Step::kEnd : Step::kNeedMore;
    if (at == text.size()) return short_of("a list of items", at, last);
    size_t depth = stack_.size();
    size_t before = at;
    Step step = Step::kNeedMore;
    char c = text[at];
    switch (stack_.back()) {
      case Context::kPage:
        step = page_member(text, at, last);
        break;
      case Context::kTables:
        step = table_member(text, at, last);
        break;
      case Context::kArray:
      case Context::kRequests:
        if (c == ',') {
          ++at;
        } else if (c == ']') {
          ++at;
          stack_.pop_back();
        } else if (c == '{') {
          step = object(text, at, last, found);
        } else {
          return fail(ErrorKind::kCorrupt, "dump.bad_structure", "an item is expected", at);
        }
        break;
      case Context::kTop:
        if (lines_) {
          step = next_line(text, at, last, found);
          if (step != Step::kEnd) return step;
          lines_ = false;
          continue;
        }
        if (c == '[') {
          stack_.push_back(Context::kArray);
          ++at;
        } else if (c == '{') {
          step = object(text, at, last, found);
          if (step == Step::kRecord && found.start == before) {
            // A record that fills its line: from here on lines are records.
            size_t behind = text.find_first_not_of(" \t\r", at);
            bool line_ends = behind == text.npos ? last : text[behind] == '\n';
            lines_ = line_ends && text.substr(before, at - before).find('\n') == text.npos;
          }
        } else {
          return fail(
              ErrorKind::kCorrupt, "dump.not_json",
              "this is not a dump: items, pages of items or write requests in JSON are expected",
              at);
        }
        break;
    }
    if (step == Step::kRecord || step == Step::kError) return step;
    // Nothing was dealt with: the text ends inside something.
    if (at == before && stack_.size() == depth) return Step::kNeedMore;
  }
}

}  // namespace offramp::source::dump
