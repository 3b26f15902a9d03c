#pragma once

#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <string>

namespace laptime::testing {

// While it lives, what spdlog's default logger is told is kept here (the newest 100 lines) instead
// of written. One at a time; any thread may log.
class KeptLog {
 public:
  KeptLog() {
    auto logger = std::make_shared<spdlog::logger>("test", lines_);
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
  }
  ~KeptLog() { spdlog::set_default_logger(before_); }
  KeptLog(const KeptLog&) = delete;
  KeptLog& operator=(const KeptLog&) = delete;

  // How many lines have `text`.
  auto Count(const std::string& text) const {
    return std::ranges::count_if(lines_->last_formatted(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  const std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
};

}  // namespace laptime::testing
