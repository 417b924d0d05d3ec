// Adapts yaml-cpp's event parser; its exceptions end here.
#include "migrate/plan/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

namespace offramp::migrate::plan {
namespace {

class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode::Ptr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, YamlNode::Kind::kNull, {});
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    leaf(mark, anchor, YamlNode::Kind::kScalar, value);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(mark, "an alias inside its own anchor");
    place(mark, found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    YamlNode::Ptr key;  // of a map: waiting for its value
  };

  [[noreturn]] static void fail(const YAML::Mark& mark, const std::string& text) {
    throw YAML::ParserException(mark, text);
  }
  std::shared_ptr<YamlNode> make(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++made_ > kYamlNodesMax) fail(mark, fmt::format("more than {} values", kYamlNodesMax));
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->at = {mark.line + 1, mark.column + 1};
    return node;
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind,
            const std::string& text) {
    auto node = make(mark, kind);
    node->text = text;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    place(mark, std::move(node));
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() >= kYamlDepthMax)
      fail(mark, fmt::format("nested deeper than {} levels", kYamlDepthMax));
    open_.push_back({make(mark, kind), anchor, mark, nullptr});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = done.node;
    place(done.mark, std::move(done.node));
  }
  void place(const YAML::Mark& mark, YamlNode::Ptr node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = open_.back();
    top.node->weight += node->weight;
    if (top.node->weight > kYamlNodesMax)
      fail(mark, fmt::format("more than {} values with aliases written out", kYamlNodesMax));
    if (top.node->kind == YamlNode::Kind::kSequence) {
      top.node->elements.push_back(std::move(node));
    } else if (!top.key) {
      top.key = std::move(node);
    } else {
      top.node->members.emplace_back(std::move(top.key), std::move(node));
      top.key = nullptr;
    }
  }

  YamlNode::Ptr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode::Ptr> anchors_;
  size_t made_ = 0;
};

Error not_yaml(std::string_view path, int line, int column, std::string_view why) {
  return Error(ErrorKind::kConfig, "plan.not_yaml",
               fmt::format("{}:{}:{}: this is not a YAML document that a plan can be: {}", path,
                           line, column, why));
}

}  // namespace

Result<YamlNode::Ptr> parse_yaml(std::string_view text, std::string_view path) {
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder;
    if (!parser.HandleNextDocument(builder) || !builder.root())
      return not_yaml(path, 1, 1, "it is empty; `offramp plan` writes one");
    TreeBuilder second;
    if (parser.HandleNextDocument(second) && second.root())
      return not_yaml(path, second.root()->at.line, second.root()->at.column,
                      "a second document begins here; a plan is one document");
    return builder.root();
  } catch (const YAML::Exception& e) {
    // The library's mark is 0-based; null marks (-1) become line 0.
    return not_yaml(path, e.mark.line + 1, e.mark.column + 1, e.msg);
  } catch (const std::exception& e) {
    return not_yaml(path, 1, 1, e.what());
  }
}

}  // namespace offramp::migrate::plan
