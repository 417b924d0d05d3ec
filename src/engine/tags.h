// The rules of tags: what TagResource and CreateTable accept.
//
// Texts and limits are observed ones of the service: 50 tags, keys of 1 to 128 characters, values
// of at most 256, of letters, digits, spaces and + - = . _ : / @; keys beginning with "aws:" in any
// case are the service's own. Of characters outside of ASCII all but emoji are taken for letters.
#pragma once

#include "base/result.h"
#include "engine/json.h"

namespace offramp::engine {

constexpr size_t kTagsMax = 50;

// Members Key and Value of every element; none twice, not too many.
Status check_tags(Json tags);
Status check_tag_key(Json key);
Error too_many_tags();

}  // namespace offramp::engine
