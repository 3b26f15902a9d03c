#include "agent/trainer/run_to_end.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>

#include "agent/trainer/contract.h"
#include "agent/trainer/log.h"

namespace laptime::trainer {
namespace {

constexpr char kLogHint[] = "the run's log has the details";

int ExitCodeOf(FailureCause cause) {
  switch (cause) {
    case FailureCause::kWorkload:
      return kExitWorkload;
    case FailureCause::kSetup:
      return kExitSetup;
    case FailureCause::kInfrastructure:
      break;
  }
  return kExitInfrastructure;
}

Failure Because(FailureCause cause, const std::string& message, const std::string& hint) {
  return {cause, message, hint, ExitCodeOf(cause)};
}

Failure OutOfMemory(const std::string& where) {
  return Because(FailureCause::kWorkload, "out of memory" + where,
                 "a smaller batch_size needs less memory");
}

// LibTorch's CPU allocator has no exception of its own.
bool IsOutOfMemory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what_without_backtrace()).find("can't allocate memory") !=
             std::string::npos;
}

}  // namespace

std::optional<Failure> RunToEnd(const std::string& device, const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Stopped& stopped) {
    return Failure{FailureCause::kInfrastructure, stopped.what(), "", kExitStopped};
  } catch (const TrainerError& error) {
    return Because(error.cause(), error.what(), error.hint());
  } catch (const std::bad_alloc&) {
    return OutOfMemory("");
  } catch (const c10::Error& error) {
    if (IsOutOfMemory(error)) return OutOfMemory(" on " + device);
    Log(error.what());
    return Because(FailureCause::kInfrastructure,
                   std::string("LibTorch: ") + error.what_without_backtrace(), kLogHint);
  } catch (const std::exception& error) {
    return Because(FailureCause::kInfrastructure, error.what(), kLogHint);
  }
}

void Tell(const Failure& failure) {
  Log("error: " + failure.message);
  if (!failure.hint.empty()) Log("hint: " + failure.hint);
}

}  // namespace laptime::trainer
