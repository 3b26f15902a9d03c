#include "client/progress_display.h"

#include <algorithm>
#include <ostream>

#include "client/console.h"
#include "client/text.h"

namespace laptime::client {
namespace {

constexpr char kClearLine[] = "\033[K";
constexpr char kClearBelow[] = "\033[J";

}  // namespace

void TerminalDisplay::Draw(const std::vector<std::string>& lines) {
  std::string text;
  if (drawn_ > 0) text = "\033[" + std::to_string(drawn_) + "A\r";
  for (const std::string& line : lines) text += line + kClearLine + "\n";
  if (lines.size() < drawn_) text += kClearBelow;
  out_ << text << std::flush;
  drawn_ = lines.size();
}

void TerminalDisplay::Update(const ProgressBoard& board, const std::optional<std::string>&) {
  const TerminalSize size = CurrentTerminalSize();
  // A line as wide as the terminal would wrap on some, and the cursor must stay on the screen.
  last_ = board.Lines(size.columns - 1, std::max(1, size.rows - 2));
  Draw(last_);
}

void TerminalDisplay::Remark(const std::string& line) {
  std::vector<std::string> lines = last_;
  lines.push_back(Truncate(SafeText(line), CurrentTerminalSize().columns - 1));
  Draw(lines);
}

void PlainDisplay::Update(const ProgressBoard&, const std::optional<std::string>& line) {
  if (line) out_ << SafeText(*line) << "\n" << std::flush;
}

void PlainDisplay::Remark(const std::string& line) { out_ << SafeText(line) << "\n" << std::flush; }

}  // namespace laptime::client
