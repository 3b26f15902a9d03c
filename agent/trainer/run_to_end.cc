#include "agent/trainer/run_to_end.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>
#include <new>
#include <regex>
#include <string>

#include "agent/trainer/contract.h"
#include "agent/trainer/log.h"

namespace laptime::trainer {
namespace {

// Of LibTorch's allocators for the CPU, MPS and (from CUDA itself) NVIDIA devices, and of cuBLAS
// and cuDNN.
constexpr const char* kOutOfMemoryWords[] = {"can't allocate memory", "out of memory",
                                             "ALLOC_FAILED"};
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

std::string TextOf(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  return torch != nullptr ? torch->what_without_backtrace() : error.what();
}

// "out of memory on cpu, which was asked for 4294967296 bytes", as far as LibTorch's text says.
Failure OutOfMemory(const std::string& device, const std::string& text) {
  static const std::regex kAsked("[Tt]ried to allocate ([0-9.]+ [A-Za-z]+)");
  std::smatch asked;
  std::string message = "out of memory on " + device;
  if (std::regex_search(text, asked, kAsked))
    message += ", which was asked for another " + asked[1].str();
  return Because(FailureCause::kWorkload, message, "a smaller batch_size needs less memory");
}

struct End {
  Failure failure;
  bool out_of_memory = false;
};

std::optional<End> Try(const std::string& device, const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Stopped& stopped) {
    return End{{FailureCause::kInfrastructure, stopped.what(), "", kExitStopped}};
  } catch (const TrainerError& error) {
    return End{Because(error.cause(), error.what(), error.hint())};
  } catch (const std::exception& error) {
    const auto* torch = dynamic_cast<const c10::Error*>(&error);
    const std::string text = TextOf(error);
    if (IsOutOfMemory(error)) return End{OutOfMemory(device, text), true};
    if (torch != nullptr) Log(error.what());
    return End{Because(FailureCause::kInfrastructure, torch != nullptr ? "LibTorch: " + text : text,
                       kLogHint)};
  }
}

}  // namespace

bool IsOutOfMemory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
      dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return true;
  }
  const std::string text = TextOf(error);
  return std::ranges::any_of(
      kOutOfMemoryWords, [&](const char* words) { return text.find(words) != std::string::npos; });
}

std::optional<Failure> RunToEnd(const std::string& device, const std::function<void()>& work,
                                const std::function<std::string()>& memory_hint) {
  std::optional<End> end = Try(device, work);
  if (!end) return std::nullopt;
  if (end->out_of_memory && memory_hint) {
    const auto no_hint = Try(device, [&] { end->failure.hint = memory_hint(); });
    if (no_hint) Log("how much would fit is not known: " + no_hint->failure.message);
  }
  return end->failure;
}

void Tell(const Failure& failure) {
  Log("error: " + failure.message);
  if (!failure.hint.empty()) Log("hint: " + failure.hint);
}

}  // namespace laptime::trainer
