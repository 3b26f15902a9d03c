#pragma once

namespace laptime::trainer {

// While it lives, counts the floating-point operations of this thread's forward passes: those of
// convolutions and matrix products alone, as is usual, a multiply-add as two. One at a time in a
// thread.
class FlopCounter {
 public:
  FlopCounter();
  ~FlopCounter();

  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;

  double flops() const;

  // What a layer has just done; nothing where nobody counts.
  static void Add(double multiply_adds);
};

}  // namespace laptime::trainer
