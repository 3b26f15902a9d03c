// The real trainer with a mistake in it, for tests of the learning gate. The linker (--wrap) puts
// the functions below in place of the trainer's; LAPTIME_MISTAKE chooses:
//   no_backward  gradients are never computed, so nothing is learned
//   one_view     both views of an image are the same one, which is too easy
#include <cstdlib>
#include <optional>
#include <string_view>

#include "agent/trainer/ntxent.h"
#include "agent/trainer/sgd.h"

namespace laptime::trainer {

namespace {

bool Makes(std::string_view mistake) {
  const char* chosen = std::getenv("LAPTIME_MISTAKE");
  return chosen != nullptr && chosen == mistake;
}

}  // namespace

#define LAPTIME_REAL(symbol) __asm__("__real_" symbol)
#define LAPTIME_WRAP(symbol) __asm__("__wrap_" symbol)
#define LAPTIME_LOSS "_ZN7laptime7trainer10NtXentLossERKN2at6TensorES4_dPNS0_9RankGroupE"
#define LAPTIME_STEP "_ZN7laptime7trainer3Sgd4StepERKSt7variantIJdN2at6TensorEEEPNS0_10GradScalerE"
#define LAPTIME_BACKWARD "_ZNK2at6Tensor9_backwardEN3c108ArrayRefIS0_EERKSt8optionalIS0_ES4_IbEb"

at::Tensor RealLoss(const at::Tensor&, const at::Tensor&, double, RankGroup*)
    LAPTIME_REAL(LAPTIME_LOSS);
at::Tensor WrapLoss(const at::Tensor&, const at::Tensor&, double, RankGroup*)
    LAPTIME_WRAP(LAPTIME_LOSS);
void RealStep(Sgd*, const Rate&, GradScaler*) LAPTIME_REAL(LAPTIME_STEP);
void WrapStep(Sgd*, const Rate&, GradScaler*) LAPTIME_WRAP(LAPTIME_STEP);
void RealBackward(const at::Tensor*, at::TensorList, const std::optional<at::Tensor>&,
                  std::optional<bool>, bool) LAPTIME_REAL(LAPTIME_BACKWARD);
void WrapBackward(const at::Tensor*, at::TensorList, const std::optional<at::Tensor>&,
                  std::optional<bool>, bool) LAPTIME_WRAP(LAPTIME_BACKWARD);

at::Tensor WrapLoss(const at::Tensor& first, const at::Tensor& second, double temperature,
                    RankGroup* ranks) {
  return RealLoss(first, Makes("one_view") ? first : second, temperature, ranks);
}

void WrapStep(Sgd* sgd, const Rate& learning_rate, GradScaler* scaler) {
  if (!Makes("no_backward")) RealStep(sgd, learning_rate, scaler);
}

void WrapBackward(const at::Tensor* loss, at::TensorList inputs,
                  const std::optional<at::Tensor>& gradient, std::optional<bool> keep_graph,
                  bool create_graph) {
  if (!Makes("no_backward")) RealBackward(loss, inputs, gradient, keep_graph, create_graph);
}

}  // namespace laptime::trainer
