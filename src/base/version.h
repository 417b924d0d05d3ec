// The version of offramp.
#pragma once
#include <string_view>
namespace offramp::base {
std::string_view version();
}
