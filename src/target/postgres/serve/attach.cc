#include "target/postgres/serve/attach.h"

namespace offramp::target::postgres {

// Reading is correct without: rows that no index orders are sorted by the server.
Status attach_table(Connection&, std::string_view, const ServedTable&) { return {}; }

}  // namespace offramp::target::postgres
