#include "agent/trainer/flop_counter.h"

namespace laptime::trainer {
namespace {

struct Count {
  bool counting = false;
  double multiply_adds = 0;
};

thread_local Count count;

}  // namespace

FlopCounter::FlopCounter() { count = {true, 0}; }
FlopCounter::~FlopCounter() { count = {}; }

double FlopCounter::flops() const { return 2 * count.multiply_adds; }

void FlopCounter::Add(double multiply_adds) {
  if (count.counting) count.multiply_adds += multiply_adds;
}

}  // namespace laptime::trainer
