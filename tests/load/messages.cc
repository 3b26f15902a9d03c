#include "tests/load/messages.h"

#include <algorithm>
#include <array>
#include <string>

#include "proto/support/channel.h"
#include "proto/support/clock.h"

namespace laptime::load {
namespace {

int64_t NowMs() { return UnixMs(SystemClock().WallNow()); }

// As long as a real one; the same for all, as on machines of one kind.
std::string Snapshot() {
  return R"({"dataset":{"name":"synthetic-cifar10@1"},"host":{"facts":")" + std::string(1500, 'x') +
         R"(","name":"load"},"trainer":{"versions":{"laptime":"0.1","libtorch":"2.11.0"}}})";
}

}  // namespace

v1::AgentMessage HelloOf(int number) {
  const std::string name = "load-" + std::to_string(number);
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(kProtocolVersion);
  v1::Host& host = *hello.mutable_host();
  host.set_id("id-" + name);
  host.set_name(name);
  host.set_os("Debian GNU/Linux 12 (bookworm)");
  host.set_kernel("6.1.0");
  host.set_cpu_model("a processor");
  host.set_logical_cores(16);
  host.set_memory_bytes(6e10);
  host.set_agent_version(kVersion);
  v1::Device& device = *hello.add_devices();
  device.set_name("cpu");
  device.set_address("cpu");
  device.set_kind(v1::DEVICE_KIND_CPU);
  device.set_model("a processor");
  hello.set_spool_id("spool-" + name);
  return message;
}

v1::AttemptStarted StartedOf(int epochs) {
  v1::AttemptStarted started;
  started.set_started_unix_ms(NowMs());
  started.set_snapshot_json(Snapshot());
  v1::TrainerStarted& trainer = *started.mutable_trainer();
  (*trainer.mutable_config()->mutable_fields())["epochs"].set_number_value(epochs);
  trainer.set_device("cpu");
  trainer.set_train_images(50000);
  trainer.set_steps_per_epoch(390);
  return started;
}

v1::Epoch LapOf(int number, double wall_seconds) {
  v1::Epoch lap;
  lap.set_number(number);
  lap.set_wall_seconds(wall_seconds);
  lap.set_train_seconds(0.9 * wall_seconds);
  lap.set_evaluation_seconds(0.1 * wall_seconds);
  lap.set_mean_loss(4.1);
  lap.set_first_loss(4.8);
  lap.set_last_loss(3.9);
  lap.set_knn_accuracy(0.4);
  lap.set_images_per_second(1000);
  lap.set_learning_rate(0.06);
  lap.set_peak_memory_bytes(2e9);
  lap.set_steps(390);
  lap.set_evaluated_images(60000);
  lap.set_ended_unix_ms(NowMs());
  lap.set_started_unix_ms(lap.ended_unix_ms() - 1000);
  v1::Phases& phases = *lap.mutable_phases();
  phases.set_load_wait(0.01);
  phases.set_augment(0.2);
  phases.set_forward(0.3);
  phases.set_loss(0.01);
  phases.set_backward(0.5);
  phases.set_optimizer(0.02);
  phases.set_bank(0.05);
  phases.set_knn(0.05);
  phases.set_other(0.01);
  v1::Utilization& utilization = *lap.mutable_utilization();
  utilization.set_source("procfs");
  utilization.set_samples(60);
  utilization.set_mean_percent(97);
  utilization.set_min_percent(80);
  utilization.set_p5_percent(90);
  utilization.set_above_90_fraction(0.97);
  v1::StepQuantiles& steps = *lap.mutable_step_seconds();
  steps.set_p1(0.1);
  steps.set_p5(0.1);
  steps.set_p50(0.11);
  steps.set_p95(0.12);
  steps.set_p99(0.13);
  steps.set_max(0.2);
  lap.mutable_conditions()->set_steal_fraction(0);
  lap.mutable_conditions()->set_foreign_cpu_fraction(0.01);
  lap.mutable_conditions()->set_swap_in_fraction(0);
  return lap;
}

v1::AttemptFinished FinishedOf(int epochs) {
  v1::AttemptFinished finished;
  finished.set_ended_unix_ms(NowMs());
  finished.mutable_trainer()->set_epochs(epochs);
  finished.mutable_trainer()->set_fit_seconds(60);
  finished.mutable_trainer()->set_total_seconds(65);
  finished.mutable_trainer()->set_max_knn_accuracy(0.4);
  finished.mutable_warm_up()->set_setup_seconds(3);
  return finished;
}

v1::SampleBatch SamplesOf(int32_t first_ms, int times, int sensors) {
  static constexpr std::array<const char*, kSimulatedSensors> kNames = {
      "cpu_utilization", "cpu_frequency", "memory_used", "cpu_temperature", "power", "load"};
  v1::SampleBatch batch;
  for (int sensor = 0; sensor < std::min(sensors, kSimulatedSensors); ++sensor) {
    v1::SampleSeries& series = *batch.add_series();
    series.mutable_sensor()->set_name(kNames[static_cast<size_t>(sensor)]);
    series.mutable_sensor()->set_unit("percent");
    series.mutable_sensor()->set_source("procfs");
    series.mutable_sensor()->set_definition("a simulated reading");
    series.mutable_sensor()->set_period_seconds(1);
    for (int i = 0; i < times; ++i) {
      series.add_times_ms(first_ms + 1000 * i);
      series.add_values(50 + i % 7);
    }
  }
  return batch;
}

}  // namespace laptime::load
