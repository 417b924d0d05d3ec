// Parts that the requests about tables share.
#pragma once

#include "engine/shape.h"

namespace offramp::engine::shapes {

inline constexpr Member kThroughputMembers[] = {{"ReadCapacityUnits", &kLong},
                                                {"WriteCapacityUnits", &kLong}};
inline constexpr Shape kThroughput = structure(kThroughputMembers, "ProvisionedThroughput");
inline constexpr Member kOnDemandMembers[] = {{"MaxReadRequestUnits", &kLong},
                                              {"MaxWriteRequestUnits", &kLong}};
inline constexpr Shape kOnDemand = structure(kOnDemandMembers, "OnDemandThroughput");
inline constexpr Member kStreamMembers[] = {{"StreamEnabled", &kBoolean},
                                            {"StreamViewType", &kString}};
inline constexpr Shape kStream = structure(kStreamMembers, "StreamSpecification");

inline constexpr Member kAttributeMembers[] = {{"AttributeName", &kString},
                                               {"AttributeType", &kString}};
inline constexpr Shape kAttribute = structure(kAttributeMembers, "AttributeDefinition");
inline constexpr Shape kAttributes = list_of(kAttribute);
inline constexpr Member kKeyMembers[] = {{"AttributeName", &kString}, {"KeyType", &kString}};
inline constexpr Shape kKey = structure(kKeyMembers, "KeySchemaElement");
inline constexpr Shape kKeys = list_of(kKey);
inline constexpr Member kProjectionMembers[] = {{"ProjectionType", &kString},
                                                {"NonKeyAttributes", &kStrings}};
inline constexpr Shape kProjection = structure(kProjectionMembers, "Projection");
inline constexpr Member kIndexMembers[] = {{"IndexName", &kString},
                                           {"KeySchema", &kKeys},
                                           {"Projection", &kProjection},
                                           {"ProvisionedThroughput", &kThroughput},
                                           {"OnDemandThroughput", &kOnDemand}};
inline constexpr Shape kLocalIndex = structure(kIndexMembers, "LocalSecondaryIndex");
inline constexpr Shape kLocalIndexes = list_of(kLocalIndex);
inline constexpr Shape kGlobalIndex = structure(kIndexMembers, "GlobalSecondaryIndex");
inline constexpr Shape kGlobalIndexes = list_of(kGlobalIndex);
inline constexpr Member kTagMembers[] = {{"Key", &kString}, {"Value", &kString}};
inline constexpr Shape kTag = structure(kTagMembers, "Tag");
inline constexpr Shape kTags = list_of(kTag);

}  // namespace offramp::engine::shapes
