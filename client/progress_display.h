#pragma once

#include <iosfwd>
#include <memory>

#include "client/progress.h"

namespace laptime::client {

// Shows a board that changes. Used by one thread; the stream must outlive it.
class ProgressDisplay {
 public:
  virtual ~ProgressDisplay() = default;
  // `board` has taken an event in; `line` is what plain output says about it, if anything.
  virtual void Update(const ProgressBoard& board, const std::optional<std::string>& line) = 0;
  // A remark between the progress, such as a lost connection.
  virtual void Remark(const std::string& line) = 0;
};

// Redraws the lines in place. The last ones stay on the screen.
class TerminalDisplay : public ProgressDisplay {
 public:
  explicit TerminalDisplay(std::ostream& out) : out_(out) {}
  void Update(const ProgressBoard& board, const std::optional<std::string>& line) override;
  void Remark(const std::string& line) override;

 private:
  void Draw(const std::vector<std::string>& lines);

  std::ostream& out_;
  size_t drawn_ = 0;  // lines on the screen that the next drawing replaces
  std::vector<std::string> last_;
};

// One line for each change of state and each lap; no animation.
class PlainDisplay : public ProgressDisplay {
 public:
  explicit PlainDisplay(std::ostream& out) : out_(out) {}
  void Update(const ProgressBoard& board, const std::optional<std::string>& line) override;
  void Remark(const std::string& line) override;

 private:
  std::ostream& out_;
};

// Nothing at all: --quiet.
class SilentDisplay : public ProgressDisplay {
 public:
  void Update(const ProgressBoard&, const std::optional<std::string>&) override {}
  void Remark(const std::string&) override {}
};

}  // namespace laptime::client
