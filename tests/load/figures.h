#pragma once

#include <string>
#include <vector>

namespace laptime::load {

// The value below which so many percent lie; 0 of none. Sorts `values`.
double Percentile(std::vector<double>& values, double percent);

// "1,234", "0.123": three digits that count.
std::string Text(double value, const std::string& unit);
// "median 3.1 ms, p99 12 ms" of seconds. Sorts `seconds`.
std::string Milliseconds(std::vector<double>& seconds);

enum class Asked { kAtMost, kAtLeast };

// The table of measurements on standard output: what was asked, what was measured, whether that
// keeps it; and rows of the table of promises. Belongs to one thread.
class Figures {
 public:
  // What stands above the table: the machine and its disk.
  void Head(const std::string& state_dir);
  // The disk again, when the measurement is over.
  void Disk(const std::string& state_dir);
  // A figure of promises: `more` says it in other words.
  void Line(const std::string& id, const std::string& what, Asked asked, double limit,
            double measured, const std::string& unit, const std::string& more = "");
  // A figure that nothing is asked of.
  void Note(const std::string& id, const std::string& what, const std::string& text);
  // Must be 0: anything else fails the program.
  void Count(const std::string& id, const std::string& what, long long wrong,
             const std::string& more = "");

  // False when a count was not 0.
  bool counts_are_right() const { return counts_are_right_; }

 private:
  void Row(const std::string& id, const std::string& what, const std::string& asked,
           const std::string& measured, const std::string& verdict, const std::string& more);

  bool counts_are_right_ = true;
};

}  // namespace laptime::load
