#include "proto/support/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "proto/support/grpc_log.h"

namespace laptime {
namespace {

// The text of a message, whoever's words it quotes: one line, and nothing that a terminal obeys.
class OneSafeLine : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& line) override {
    const std::string safe = Printable(std::string(message.payload.data(), message.payload.size()));
    line.append(safe.data(), safe.data() + safe.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneSafeLine>();
  }
};

// How many bytes from `at` on are a control character of two bytes, or a character that turns the
// writing direction or breaks lines unseen; 0 when none.
size_t HiddenAt(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const unsigned char last = byte(2);
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;  // U+0080…U+009F
  if (byte(0) == 0xD8 && byte(1) == 0x9C) return 2;                     // U+061C
  if (byte(0) != 0xE2) return 0;
  const bool general =
      byte(1) == 0x80 && (last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE));
  const bool isolates = byte(1) == 0x81 && last >= 0xA6 && last <= 0xA9;
  return general || isolates ? 3 : 0;
}

}  // namespace

void StartLog(const std::string& program, const std::string& level) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = no_color != nullptr && *no_color != '\0';
  const auto mode = plain ? spdlog::color_mode::never : spdlog::color_mode::automatic;
  spdlog::set_default_logger(spdlog::stderr_color_mt(program, mode));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<OneSafeLine>('*').set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %*");
  spdlog::set_formatter(std::move(formatter));
  spdlog::set_level(spdlog::level::from_str(level));
  LimitGrpcLog();
}

std::string Beginning(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  constexpr unsigned char kContinuationMask = 0xc0;
  constexpr unsigned char kContinuation = 0x80;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & kContinuationMask) == kContinuation)
    --end;
  return text.substr(0, end);
}

std::string Printable(const std::string& text, bool keep_lines) {
  std::string shown;
  shown.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool line = byte == '\n' || byte == '\t';
    const size_t hidden = HiddenAt(text, i);
    if (hidden > 0) i += hidden - 1;
    const bool control = hidden > 0 || ((byte < 0x20 || byte == 0x7F) && !(line && keep_lines));
    shown += control ? '?' : text[i];
  }
  return shown;
}

}  // namespace laptime
