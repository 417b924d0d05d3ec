// The service's errors: made as base::Error whose code is the service's type, written as an answer
// at the edge.
//
// Messages are the service's own words and may repeat what the client sent.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace offramp::engine {

struct Reply;

Error service_error(std::string type, std::string message);
Error validation(std::string message);  // ValidationException
Error invalid_parameter(
    std::string_view message);  // "One or more parameter values were invalid: " + message
Error serialization(std::string message);  // SerializationException; an empty message is left out
Error table_not_found();  // ResourceNotFoundException "Requested resource not found"
Error table_not_found(std::string_view table);  // DescribeTable's: "…: Table: t not found"
Error duplicate_item();                         // DuplicateItemException
Error condition_failed();                       // ConditionalCheckFailedException

// Whether the error is one for the client (its code is a service type); a store's own has a code
// with a dot.
bool is_service_error(const Error& error);
// What the client is told of any error. A store's error keeps its text to itself.
Error as_service_error(const Error& error);

// Fills status, body and error_type. `extra`: further members, each with a comma before it
// (",\"Item\":{…}").
void write_error(const Error& error, std::string_view extra, Reply& reply);

}  // namespace offramp::engine
