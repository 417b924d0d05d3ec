// Parts that the requests of CreateTable and UpdateTable share.
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

}  // namespace offramp::engine::shapes
