#include "agent/trainer/event_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <utility>

namespace laptime::trainer {
namespace {

using nlohmann::json;

// nlohmann writes non-finite numbers as null, which protobuf reads as absent.
void NameNonFinite(json& value) {
  if (value.is_structured()) {
    for (json& child : value) NameNonFinite(child);
  } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    const double number = value;
    value = std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
  }
}

bool WriteAll(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    done += static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

void EventWriter::Write(const std::string& event, json body) {
  WriteLine({{event, std::move(body)}});
}

void EventWriter::WriteLine(json line) {
  NameNonFinite(line);
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mu_);
  if (!reader_gone_ && !WriteAll(fd_, text)) reader_gone_ = true;
}

bool EventWriter::reader_gone() const {
  const std::lock_guard lock(mu_);
  return reader_gone_;
}

}  // namespace laptime::trainer
