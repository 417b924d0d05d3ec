// Names at a target: cut to its length, and kept unlike others by a hash of the whole.
#pragma once

#include <string>
#include <string_view>

namespace offramp::mapping {

// "_" and eight characters that depend on the whole of `name`. Stored at targets: never change it.
std::string hash_tail(std::string_view name);
// Cuts `name` so that it stays unlike others: its tail is replaced by a hash of the whole.
std::string shortened(const std::string& name, size_t bytes_max);
// Letters, digits and '_' stay, all else becomes '_'.
std::string plain_identifier(std::string_view name);

}  // namespace offramp::mapping
