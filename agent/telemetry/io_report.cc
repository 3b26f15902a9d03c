#include "agent/telemetry/io_report.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "agent/telemetry/apple_frameworks.h"
#include "agent/telemetry/io_report_channels.h"
#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {
namespace {

// Counts what this reader takes channels and units to mean; it stands in the definitions, so that
// series of two meanings are two sensors.
constexpr int kReaderVersion = 1;
constexpr int kSimple = 1, kState = 2;  // formats of a channel

// Prototypes as the projects that use the library have found them.
struct IoReport {
  CfType (*channels_in_group)(CfType, CfType, uint64_t, uint64_t, uint64_t);
  void (*merge)(CfType, CfType, CfType);
  void* (*subscribe)(void*, void*, void**, uint64_t, CfType);
  CfType (*sample)(void*, void*, CfType);
  CfType (*delta)(CfType, CfType, CfType);
  CfType (*group)(CfType);
  CfType (*subgroup)(CfType);
  CfType (*name)(CfType);
  CfType (*unit)(CfType);
  int (*format)(CfType);
  int64_t (*integer)(CfType, int);
  int (*state_count)(CfType);
  CfType (*state_name)(CfType, int);
  int64_t (*state_time)(CfType, int);

  bool Open() {
    void* library = dlopen("/usr/lib/libIOReport.dylib", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr &&
           FindSymbol(library, "IOReportCopyChannelsInGroup", channels_in_group) &&
           FindSymbol(library, "IOReportMergeChannels", merge) &&
           FindSymbol(library, "IOReportCreateSubscription", subscribe) &&
           FindSymbol(library, "IOReportCreateSamples", sample) &&
           FindSymbol(library, "IOReportCreateSamplesDelta", delta) &&
           FindSymbol(library, "IOReportChannelGetGroup", group) &&
           FindSymbol(library, "IOReportChannelGetSubGroup", subgroup) &&
           FindSymbol(library, "IOReportChannelGetChannelName", name) &&
           FindSymbol(library, "IOReportChannelGetUnitLabel", unit) &&
           FindSymbol(library, "IOReportChannelGetFormat", format) &&
           FindSymbol(library, "IOReportSimpleGetIntegerValue", integer) &&
           FindSymbol(library, "IOReportStateGetCount", state_count) &&
           FindSymbol(library, "IOReportStateGetNameForIndex", state_name) &&
           FindSymbol(library, "IOReportStateGetResidency", state_time);
  }
};

// A table of the power manager ("pmgr" in the device tree).
std::vector<double> Clocks(const CoreFoundation& cf, const IoKit& io, const char* table) {
  std::vector<double> clocks;
  IoObject iterator = 0;
  if (io.services(0, io.matching("AppleARMIODevice"), &iterator) != KERN_SUCCESS) return clocks;
  for (IoObject entry = io.next(iterator); entry != 0; entry = io.next(iterator)) {
    char name[128] = {};
    if (io.entry_name(entry, name) == KERN_SUCCESS && std::string(name) == "pmgr") {
      const CfType key = cf.String(table);
      if (const CfType data = io.property(entry, key, nullptr, 0)) {
        const unsigned char* bytes = cf.data_bytes(data);
        clocks = ParseVoltageStates({bytes, bytes + cf.data_length(data)});
        cf.release(data);
      }
      cf.release(key);
    }
    io.release(entry);
  }
  io.release(iterator);
  return clocks;
}

class IoReportTelemetry : public Telemetry {
 public:
  IoReportTelemetry(const CoreFoundation& cf, const IoReport& report, IoReportClocks clocks,
                    bool gpu_device)
      : cf_(cf), report_(report), clocks_(std::move(clocks)), gpu_device_(gpu_device) {}
  ~IoReportTelemetry() override {
    for (const CfType owned :
         {before_, CfType{subscribed_}, CfType{subscription_}, CfType{wanted_}}) {
      if (owned != nullptr) cf_.release(owned);
    }
  }
  IoReportTelemetry(const IoReportTelemetry&) = delete;
  IoReportTelemetry& operator=(const IoReportTelemetry&) = delete;

  // False where the channels are not as expected.
  bool Begin() {
    if (!Subscribe()) return false;
    before_ = report_.sample(subscription_, subscribed_, nullptr);
    if (before_ == nullptr) return false;
    const auto first = Take();
    if (first) AddSensors(*first);
    return !sensors_.sensors().empty();
  }

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override {
    past_ = {};
    // After a failed reading the next period is the longer.
    if (Count()) {
      const auto now = std::chrono::steady_clock::now();
      seconds_ = std::chrono::duration<double>(now - read_at_).count();
      read_at_ = now;
      past_ = std::exchange(since_, {});
    }
    return sensors_.Read();
  }
  void Observe(Moment& moment) override {
    const bool counted = Count();
    const auto& joules = gpu_device_ ? gpu_joules_ : cpu_joules_;
    if (!counted || !joules) return;
    moment.joules = joules;
    moment.energy_source = "ioreport";
  }

 private:
  bool Subscribe() {
    CfType all = nullptr;
    for (const char* group : {"Energy Model", "GPU Stats", "CPU Stats"}) {
      const CfType name = cf_.String(group);
      const CfType channels = report_.channels_in_group(name, nullptr, 0, 0, 0);
      cf_.release(name);
      if (channels == nullptr) continue;
      if (all == nullptr) {
        all = channels;
      } else {
        report_.merge(all, channels, nullptr);
        cf_.release(channels);
      }
    }
    if (all == nullptr) return false;
    wanted_ = cf_.dictionary_copy(nullptr, cf_.dictionary_count(all), all);
    cf_.release(all);
    subscription_ = report_.subscribe(nullptr, wanted_, &subscribed_, 0, nullptr);
    return subscription_ != nullptr && subscribed_ != nullptr;
  }

  // What the channels did since the last call that gave something.
  std::optional<IoReportReading> Take() {
    const CfType now = report_.sample(subscription_, subscribed_, nullptr);
    if (now == nullptr) return std::nullopt;
    const CfType delta = report_.delta(before_, now, nullptr);
    cf_.release(delta == nullptr ? now : std::exchange(before_, now));
    if (delta == nullptr) return std::nullopt;
    const IoReportReading reading = ReadChannels(ChannelsOf(delta), clocks_);
    cf_.release(delta);
    return reading;
  }

  std::vector<IoReportChannel> ChannelsOf(CfType delta) const {
    std::vector<IoReportChannel> channels;
    const CfType key = cf_.String("IOReportChannels");
    const CfType array = cf_.dictionary_value(delta, key);
    cf_.release(key);
    const long count = array == nullptr ? 0 : cf_.array_count(array);
    for (long i = 0; i < count; ++i) {
      const CfType item = cf_.array_value(array, i);
      IoReportChannel channel{cf_.Text(report_.group(item)),
                              cf_.Text(report_.subgroup(item)),
                              cf_.Text(report_.name(item)),
                              "",
                              0,
                              {}};
      if (report_.format(item) == kSimple) {
        channel.unit = cf_.Text(report_.unit(item));
        channel.value = report_.integer(item, 0);
      } else if (report_.format(item) == kState) {
        for (int state = 0; state < report_.state_count(item); ++state) {
          channel.states.emplace_back(cf_.Text(report_.state_name(item, state)),
                                      report_.state_time(item, state));
        }
      }
      channels.push_back(std::move(channel));
    }
    return channels;
  }

  // Adds up the energy; the rest is that of the newest stretch. False when nothing could be read.
  bool Count() {
    const auto taken = Take();
    if (!taken) return false;
    const IoReportReading& now = *taken;
    const auto add = [](std::optional<double>& sum, std::optional<double> part) {
      if (part) sum = sum.value_or(0) + *part;
    };
    add(cpu_joules_, now.cpu_joules);
    add(gpu_joules_, now.gpu_joules);
    add(since_.cpu_joules, now.cpu_joules);
    add(since_.gpu_joules, now.gpu_joules);
    if (now.gpu_active_percent) since_.gpu_active_percent = now.gpu_active_percent;
    if (now.cpu_megahertz) since_.cpu_megahertz = now.cpu_megahertz;
    if (now.gpu_megahertz) since_.gpu_megahertz = now.gpu_megahertz;
    return true;
  }

  void Add(const std::string& name, const std::string& unit, const std::string& definition,
           SensorList::Reader read) {
    sensors_.Add(NewSensor(name, unit, "ioreport",
                           definition + " (reader " + std::to_string(kReaderVersion) + ")"),
                 std::move(read));
  }

  void AddSensors(const IoReportReading& first) {
    const auto watts = [this](std::optional<double> joules) -> std::optional<double> {
      return joules && seconds_ > 0 ? std::optional(*joules / seconds_) : std::nullopt;
    };
    if (first.gpu_joules) {
      Add(gpu_device_ ? kDevicePower : "gpu_power", "watts",
          "growth of \"GPU Energy\" of the Energy Model in the past period over its length",
          [this, watts] { return watts(past_.gpu_joules); });
    }
    if (first.cpu_joules) {
      Add("package_power", "watts",
          "growth of \"CPU Energy\" of the Energy Model in the past period over its length",
          [this, watts] { return watts(past_.cpu_joules); });
    }
    if (first.gpu_active_percent) {
      Add("gpu_active", "percent",
          "share of time in which the GPU (GPUPH) was not in the state OFF",
          [this] { return past_.gpu_active_percent; });
    }
    if (!clocks_.gpu.empty()) {
      Add("gpu_frequency", "megahertz", "mean clock of the GPU while it ran, from its states",
          [this] { return past_.gpu_megahertz; });
    }
    if (!clocks_.performance_cores.empty()) {
      Add("cpu_frequency", "megahertz",
          "mean clock of the performance cores while they ran, from their states",
          [this] { return past_.cpu_megahertz; });
    }
  }

  const CoreFoundation cf_;
  const IoReport report_;
  const IoReportClocks clocks_;
  const bool gpu_device_;
  void* wanted_ = nullptr;
  void* subscribed_ = nullptr;
  void* subscription_ = nullptr;
  CfType before_ = nullptr;
  std::chrono::steady_clock::time_point read_at_ = std::chrono::steady_clock::now();
  double seconds_ = 0;            // of the period that ended with the last Read
  IoReportReading past_, since_;  // of that period; since the last Read
  std::optional<double> cpu_joules_, gpu_joules_;
  SensorList sensors_;
};

}  // namespace

std::unique_ptr<Telemetry> OpenIoReport(v1::DeviceKind device) {
  const auto cf = CoreFoundation::Open();
  const auto io = IoKit::Open();
  IoReport report = {};
  if (!cf || !io || !report.Open()) {
    spdlog::info("no energy is measured: libIOReport is missing or another one");
    return nullptr;
  }
  IoReportClocks clocks{Clocks(*cf, *io, "voltage-states5-sram"),
                        Clocks(*cf, *io, "voltage-states9")};
  auto telemetry = std::make_unique<IoReportTelemetry>(*cf, report, std::move(clocks),
                                                       device == v1::DEVICE_KIND_MPS);
  if (!telemetry->Begin()) {
    spdlog::info("no energy is measured: IOReport's channels are not those of M1 to M4");
    return nullptr;
  }
  return telemetry;
}

}  // namespace laptime::agent
