// The conformance suite on the memory target; the store stands for the database.
#include "target/conformance_apply_test.h"
#include "target/conformance_test.h"
#include "target/memory/memory_target.h"

namespace offramp::target {

namespace {

class MemoryDatabase : public TestDatabase {
 public:
  Result<std::unique_ptr<Target>> open() override {
    return std::unique_ptr<Target>(std::make_unique<memory::MemoryTarget>(store_));
  }
  void wipe() override { store_ = std::make_shared<memory::MemoryStore>(); }
  void make_foreign_table(const std::string& name) override {
    store_->tables[name] = "somebody else";
  }

 private:
  std::shared_ptr<memory::MemoryStore> store_ = std::make_shared<memory::MemoryStore>();
};

std::unique_ptr<TestDatabase> make_database() { return std::make_unique<MemoryDatabase>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, TargetConformance, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Memory, ApplierConformance, testing::Values(&make_database));

}  // namespace offramp::target
