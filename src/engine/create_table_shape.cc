// What a CreateTable request may hold.
#include "engine/table_checks.h"
#include "engine/table_shapes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kAttributeMembers[] = {{"AttributeName", &kString}, {"AttributeType", &kString}};
constexpr Shape kAttribute = structure(kAttributeMembers, "AttributeDefinition");
constexpr Shape kAttributes = list_of(kAttribute);
constexpr Member kKeyMembers[] = {{"AttributeName", &kString}, {"KeyType", &kString}};
constexpr Shape kKey = structure(kKeyMembers, "KeySchemaElement");
constexpr Shape kKeys = list_of(kKey);
constexpr Member kProjectionMembers[] = {{"ProjectionType", &kString},
                                         {"NonKeyAttributes", &kStrings}};
constexpr Shape kProjection = structure(kProjectionMembers, "Projection");
constexpr Member kIndexMembers[] = {{"IndexName", &kString},
                                    {"KeySchema", &kKeys},
                                    {"Projection", &kProjection},
                                    {"ProvisionedThroughput", &kThroughput},
                                    {"OnDemandThroughput", &kOnDemand}};
constexpr Shape kLocalIndex = structure(kIndexMembers, "LocalSecondaryIndex");
constexpr Shape kLocalIndexes = list_of(kLocalIndex);
constexpr Shape kGlobalIndex = structure(kIndexMembers, "GlobalSecondaryIndex");
constexpr Shape kGlobalIndexes = list_of(kGlobalIndex);
constexpr Member kSseMembers[] = {
    {"Enabled", &kBoolean}, {"SSEType", &kString}, {"KMSMasterKeyId", &kString}};
constexpr Shape kSse = structure(kSseMembers, "SSESpecification");
constexpr Member kTagMembers[] = {{"Key", &kString}, {"Value", &kString}};
constexpr Shape kTag = structure(kTagMembers, "Tag");
constexpr Shape kTags = list_of(kTag);

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
