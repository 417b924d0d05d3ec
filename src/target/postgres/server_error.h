// What an SQLSTATE means for us: SQLSTATE → ErrorKind and next step, in one table.
//
// Source of the classes: PostgreSQL documentation, appendix A. Messages of the server may quote a
// value, so of class 22 only the part before the quotation is kept (C12).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace offramp::target::postgres {

// `where`: "host:port/database". `doing`: "write to orders". `primary`: the server's primary
// message.
Error server_error(std::string_view sqlstate, std::string_view primary, std::string_view doing,
                   std::string_view where);

// The SQLSTATE inside a verbose message of libpq ("FATAL:  28P01: password …"); empty when there is
// none.
std::string_view sqlstate_of_message(std::string_view message);

}  // namespace offramp::target::postgres
