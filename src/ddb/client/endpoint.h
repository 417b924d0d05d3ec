// Where the DynamoDB and the DynamoDB Streams API are: what the caller says, then the environment,
// then AWS. Pure.
//
// AWS serves Streams under another host than tables, every other server (DynamoDB Local, compatible
// databases) serves both at one address. So an endpoint that was given for tables is good for
// Streams unless it is AWS's own. Source of the variables: AWS SDKs and Tools Reference Guide,
// "Service-specific endpoints".
#pragma once

#include <string>

#include "ddb/client/client.h"

namespace offramp::ddb::client {

// `given`, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL; empty when none of them is set.
std::string configured_endpoint(const std::string& given, const io::aws::Environment& environment);
// AWS_ENDPOINT_URL_DYNAMODB_STREAMS when `given` is empty or AWS's own; `given`;
// AWS_ENDPOINT_URL_DYNAMODB unless it is AWS's own; AWS_ENDPOINT_URL.
std::string configured_streams_endpoint(const std::string& given,
                                        const io::aws::Environment& environment);
// AWS's own public endpoint.
std::string aws_endpoint(Api api, const std::string& region);

}  // namespace offramp::ddb::client
