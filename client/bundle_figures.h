#pragma once

#include <optional>
#include <vector>

#include "laptime/v1/control.pb.h"

namespace laptime::client {

// A figure of a run, as the run says it and as its laps and its newest attempt give it; absent:
// not measured.
struct RunFigure {
  const char* what;  // "median lap"
  std::optional<double> stated;
  std::optional<double> computed;
};

// Every measured figure of the run but its estimate, by the coordinator's rules
// (storage/transaction_epochs.cc, transaction_attempts.cc). `laps` are those of the newest attempt,
// in order.
std::vector<RunFigure> FiguresOf(const v1::Run& run, const std::vector<v1::Epoch>& laps,
                                 const std::vector<v1::Attempt>& attempts);

// The same but for the last digits, or both absent.
bool Agree(const RunFigure& figure);

}  // namespace laptime::client
