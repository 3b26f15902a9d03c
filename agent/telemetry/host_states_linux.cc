#include "agent/telemetry/host_states.h"
#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/proc_files.h"
#include "agent/telemetry/sleep_clock.h"

namespace laptime::agent {
namespace {

class LinuxStates : public Telemetry {
 public:
  explicit LinuxStates(const std::filesystem::path& root) : root_(root) {}

  const std::vector<v1::Sensor>& sensors() const override { return none_; }
  std::vector<std::optional<double>> Read() override { return {}; }
  void Observe(Moment& moment) override {
    moment.slept_seconds = SleptSeconds();
    moment.swapped_in_pages = ReadNumber(root_ / "proc/vmstat", "pswpin");
    moment.on_battery = OnBattery(root_);
    moment.low_power_mode = LowPowerMode(root_);
  }

 private:
  const std::filesystem::path root_;
  const std::vector<v1::Sensor> none_;
};

}  // namespace

std::unique_ptr<Telemetry> OpenHostStates(const std::filesystem::path& root) {
  return std::make_unique<LinuxStates>(root);
}

}  // namespace laptime::agent
