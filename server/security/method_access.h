#pragma once

#include <string_view>

#include "laptime/v1/access.pb.h"

namespace laptime {

// Who may call a method: nobody known, machines alone, or people of at least a role.
enum class Access { kAnyone, kAgent, kViewer, kUser, kAdmin };

// The one table of who may call what. `method` is the descriptor's full name,
// "laptime.v1.ControlService.SubmitJob". A method that is not in it is kAdmin; a test demands that
// every method of every service is.
Access AccessTo(std::string_view method);

// Whether it has a row of its own.
bool HasAccessRow(std::string_view method);

// Whether an identity of that role may.
bool Allows(Access access, v1::Role role);

}  // namespace laptime
