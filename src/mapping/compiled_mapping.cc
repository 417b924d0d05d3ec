// The public face of the compiled plan; the work is in compiler.cc, splitter.cc and assembler.cc.
#include "mapping/compiled_mapping.h"

#include "mapping/compiler.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

Result<std::shared_ptr<const CompiledMapping>> CompiledMapping::compile(
    const model::MappingSpec& spec, const model::KeySchema& key, const Limits& limits,
    std::string_view overflow_of) {
  auto impl = TRY(Compiler(spec, key, limits, overflow_of).run());
  return std::shared_ptr<const CompiledMapping>(new CompiledMapping(std::move(impl)));
}

CompiledMapping::CompiledMapping(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CompiledMapping::~CompiledMapping() = default;

const std::vector<Table>& CompiledMapping::tables() const { return impl_->tables; }
uint32_t CompiledMapping::overflow_table() const { return impl_->overflow; }
const model::KeySchema& CompiledMapping::key() const { return impl_->key; }

}  // namespace offramp::mapping
