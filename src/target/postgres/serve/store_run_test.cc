// The store conformance suite on a real PostgreSQL.
#include "target/postgres/serve/postgres_database_test.h"
#include "target/store_conformance_log.h"
#include "target/store_conformance_plan_log.h"
#include "target/store_conformance_random_test.h"
#include "target/store_conformance_test.h"

namespace offramp::target {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, StoreConformance, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Postgres, StoreRandom, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(PostgresOnFibers, StoreConformance, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(PostgresOnFibers, StoreRandom, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(PostgresOnFibers, StoreLog, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(Postgres, StorePlan, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Postgres, StoreLog, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Postgres, StorePlanLog, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(PostgresOnFibers, StorePlanLog, testing::Values(&make_on_fibers));

}  // namespace
}  // namespace offramp::target
