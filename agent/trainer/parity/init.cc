#include "agent/trainer/model.h"
#include "agent/trainer/model_state.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

void Answer(const InitOptions& options, EventWriter& lines) {
  Model model(options.seed);
  WriteTensors(options.output, StateOf(model));
}

}  // namespace laptime::trainer
