#include <mach/mach.h>

#include "agent/telemetry/apple_frameworks.h"
#include "agent/telemetry/apple_states.h"
#include "agent/telemetry/host_states.h"
#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/sleep_clock.h"

namespace laptime::agent {
namespace {

std::optional<double> SwappedInPages() {
  vm_statistics64_data_t memory = {};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&memory),
                        &count) != KERN_SUCCESS) {
    return std::nullopt;
  }
  return static_cast<double>(memory.swapins);
}

class MacStates : public Telemetry {
 public:
  const std::vector<v1::Sensor>& sensors() const override { return none_; }
  std::vector<std::optional<double>> Read() override { return {}; }
  void Observe(Moment& moment) override {
    moment.slept_seconds = SleptSeconds();
    moment.swapped_in_pages = SwappedInPages();
    if (cf_ && io_) moment.on_battery = BatteryProvides(io_->PowerSource(*cf_));
    moment.low_power_mode = LowPowerMode("/");
    if (const auto level = NotifyState("com.apple.system.thermalpressurelevel"))
      moment.thermal = ThermalPressureOf(*level);
  }

 private:
  const std::optional<CoreFoundation> cf_ = CoreFoundation::Open();
  const std::optional<IoKit> io_ = IoKit::Open();
  const std::vector<v1::Sensor> none_;
};

}  // namespace

std::unique_ptr<Telemetry> OpenHostStates(const std::filesystem::path& /*root*/) {
  return std::make_unique<MacStates>();
}

}  // namespace laptime::agent
