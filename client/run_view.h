#pragma once

#include <string>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// How runs look. Pure functions of the messages.

// One row a run.
Grid RunGrid(const google::protobuf::RepeatedPtrField<v1::Run>& runs);

// One row a lap: time, loss, kNN, throughput, utilization and what the lap was spent on. Phases are
// per cent of the lap on screens and seconds in csv.
Grid LapGrid(const google::protobuf::RepeatedPtrField<v1::Epoch>& epochs);

// One row an attempt.
Grid AttemptGrid(const google::protobuf::RepeatedPtrField<v1::Attempt>& attempts);

// What the run is not: "partial, synthetic", or empty.
std::string MarksOf(const v1::Run& run);

// `run show` for people: facts, laps, attempts when there is more than one, the snapshot.
// What people noted, oldest first.
Grid NoteGrid(const google::protobuf::RepeatedPtrField<v1::Annotation>& annotations);

std::string RunPage(const v1::GetRunResponse& response, bool wide, bool color);

Style StyleOf(v1::RunState state);

}  // namespace laptime::client
