// SOURCE as it is typed on the command line → the plan's source.
#pragma once

#include <string>

#include "base/result.h"
#include "migrate/plan/plan.h"

namespace offramp::migrate::draft {

// dynamodb://TABLE?region=R&endpoint=URL&segments=N, export:DIR, s3://bucket/…/AWSDynamoDB/ID,
// dump:FILE, dump:-. kConfig listing the forms when it is none of them. Nothing is opened.
Result<plan::SourceSpec> parse_source_url(const std::string& url);

}  // namespace offramp::migrate::draft
