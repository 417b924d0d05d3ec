// What a CreateTable request may hold.
#include "engine/table_checks.h"
#include "engine/table_shapes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kSseMembers[] = {
    {"Enabled", &kBoolean}, {"SSEType", &kString}, {"KMSMasterKeyId", &kString}};
constexpr Shape kSse = structure(kSseMembers, "SSESpecification");

constexpr Member kMembers[] = {{"AttributeDefinitions", &kAttributes},
                               {"TableName", &kString},
                               {"KeySchema", &kKeys},
                               {"LocalSecondaryIndexes", &kLocalIndexes},
                               {"GlobalSecondaryIndexes", &kGlobalIndexes},
                               {"BillingMode", &kString},
                               {"ProvisionedThroughput", &kThroughput},
                               {"OnDemandThroughput", &kOnDemand},
                               {"StreamSpecification", &kStream},
                               {"SSESpecification", &kSse},
                               {"Tags", &kTags},
                               {"TableClass", &kString},
                               {"DeletionProtectionEnabled", &kBoolean}};

}  // namespace

const Shape kCreateTableShape = structure(kMembers, "CreateTableInput");

}  // namespace offramp::engine
