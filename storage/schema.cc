#include "storage/schema.h"

namespace laptime::storage {
namespace {

// Conventions: STRICT tables; a column named after a table holds that table's key; times are
// integers with the unit in the name; enums are their proto numbers (the views give names); NULL
// means "not measured".
constexpr char kTables[] = R"sql(
CREATE TABLE host (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  os TEXT NOT NULL,
  kernel TEXT NOT NULL,
  cpu_model TEXT NOT NULL,
  physical_cores INTEGER,
  logical_cores INTEGER,
  memory_bytes REAL,
  agent_version TEXT NOT NULL,
  first_seen_unix_ms INTEGER NOT NULL,
  last_seen_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
  key INTEGER PRIMARY KEY,
  host TEXT NOT NULL REFERENCES host(id),
  agent_name TEXT NOT NULL,          -- what its agent calls it
  name TEXT NOT NULL,                -- what people call it
  kind INTEGER NOT NULL,
  model TEXT NOT NULL,
  address TEXT NOT NULL,
  threads INTEGER,
  memory_bytes REAL,
  health INTEGER NOT NULL,
  drained INTEGER NOT NULL DEFAULT 0,
  offered INTEGER NOT NULL,
  UNIQUE (host, agent_name),
  UNIQUE (host, name)
) STRICT;

CREATE TABLE device_label (
  device INTEGER NOT NULL REFERENCES device(key),
  label TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (device, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE spool (
  host TEXT NOT NULL REFERENCES host(id),
  spool_id TEXT NOT NULL,
  committed_seq INTEGER NOT NULL,    -- reports up to here are committed
  PRIMARY KEY (host, spool_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
  hash TEXT PRIMARY KEY,             -- SHA-256 of json
  json TEXT NOT NULL
) STRICT;

CREATE TABLE workload (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,                -- the preset it was first submitted as
  spec TEXT NOT NULL                 -- the hashed keys as compact JSON
) STRICT;

CREATE TABLE job (
  key INTEGER PRIMARY KEY,           -- grows: the order of submission
  id TEXT NOT NULL UNIQUE,
  idempotency_key TEXT NOT NULL UNIQUE,
  request_digest TEXT NOT NULL,
  workload TEXT NOT NULL REFERENCES workload(hash),
  preset TEXT NOT NULL,
  config TEXT NOT NULL,              -- every workload key as JSON
  partial INTEGER NOT NULL,
  synthetic INTEGER NOT NULL,
  steps_per_epoch INTEGER NOT NULL,
  epochs INTEGER NOT NULL,
  selectors TEXT NOT NULL,           -- JSON array
  repeats INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  created_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE run (
  key INTEGER PRIMARY KEY,           -- grows: the order of creation
  id TEXT NOT NULL UNIQUE,
  job INTEGER NOT NULL REFERENCES job(key),
  device INTEGER NOT NULL REFERENCES device(key),
  device_model TEXT NOT NULL,        -- as it was when the run was made
  repetition INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  priority INTEGER NOT NULL,         -- of the job
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,  -- number of the newest, 0 before the first
  validity INTEGER NOT NULL,
  created_unix_ms INTEGER NOT NULL,
  started_unix_ms INTEGER,
  ended_unix_ms INTEGER,
  failure_cause INTEGER,
  failure_message TEXT,
  failure_hint TEXT,
  dataset TEXT,                      -- "cifar10@1a2b3c4d"
  -- Figures of the newest attempt, renewed with each of its epochs.
  epochs_done INTEGER NOT NULL DEFAULT 0,
  median_epoch_seconds REAL,
  fit_seconds_per_epoch REAL,
  mean_loss REAL,
  knn_accuracy REAL,
  utilization_percent REAL,
  median_step_seconds REAL,
  peak_memory_bytes REAL
) STRICT;
CREATE INDEX run_by_job ON run (job, state, ended_unix_ms);  -- all that a job's state needs
CREATE INDEX run_by_device ON run (device);
CREATE INDEX run_by_state ON run (state);
CREATE INDEX run_queue ON run (device, priority DESC, job, repetition) WHERE state = 1;

CREATE TABLE attempt (
  key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: it is the fencing token
  run INTEGER NOT NULL REFERENCES run(key),
  number INTEGER NOT NULL,
  command_id TEXT NOT NULL,          -- of its StartRun
  state INTEGER NOT NULL,
  created_unix_ms INTEGER NOT NULL,
  started_unix_ms INTEGER,
  ended_unix_ms INTEGER,
  failure_cause INTEGER,
  failure_message TEXT,
  failure_hint TEXT,
  snapshot TEXT REFERENCES snapshot(hash),
  trainer_json TEXT,                 -- what the trainer said that it does
  setup_seconds REAL,
  time_to_first_batch_seconds REAL,
  warm_up_seconds REAL,
  fit_seconds REAL,
  total_seconds REAL,
  max_knn_accuracy REAL,
  peak_memory_bytes REAL,
  finished_epochs INTEGER,           -- NULL: the trainer did not finish
  UNIQUE (run, number)
) STRICT;
CREATE INDEX attempt_open ON attempt (run) WHERE state < 4;

CREATE TABLE epoch (
  attempt INTEGER NOT NULL REFERENCES attempt(key),
  number INTEGER NOT NULL,
  started_unix_ms INTEGER,
  ended_unix_ms INTEGER,
  wall_seconds REAL,
  train_seconds REAL,
  evaluation_seconds REAL,
  mean_loss REAL,
  first_loss REAL,
  last_loss REAL,
  knn_accuracy REAL,
  images_per_second REAL,
  learning_rate REAL,
  peak_memory_bytes REAL,
  steps INTEGER NOT NULL,
  evaluated_images INTEGER NOT NULL,
  phases_profiled INTEGER,           -- NULL: no phases at all; 1: from a few profiled steps
  load_wait_seconds REAL,
  augment_cpu_seconds REAL,          -- of the loader threads, beside the lap
  host_to_device_seconds REAL,
  forward_seconds REAL,
  loss_seconds REAL,
  backward_seconds REAL,
  optimizer_seconds REAL,
  bank_seconds REAL,
  knn_seconds REAL,
  other_seconds REAL,
  step_p1_seconds REAL,
  step_p5_seconds REAL,
  step_p50_seconds REAL,
  step_p95_seconds REAL,
  step_p99_seconds REAL,
  step_max_seconds REAL,
  utilization_source TEXT,           -- NULL: no utilization at all
  utilization_samples INTEGER,
  utilization_mean_percent REAL,
  utilization_min_percent REAL,
  utilization_p5_percent REAL,
  utilization_above_90_fraction REAL,
  not_a_number TEXT,                 -- JSON array of the columns whose value was measured as NaN
  PRIMARY KEY (attempt, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE sensor (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  source TEXT NOT NULL,
  definition TEXT NOT NULL,
  period_seconds REAL NOT NULL,
  UNIQUE (name, unit, source, definition, period_seconds)
) STRICT;

CREATE TABLE sample (
  attempt INTEGER NOT NULL REFERENCES attempt(key),
  sensor INTEGER NOT NULL REFERENCES sensor(key),
  t_ms INTEGER NOT NULL,             -- since the attempt's start
  value REAL NOT NULL,
  PRIMARY KEY (attempt, sensor, t_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  attempt INTEGER NOT NULL REFERENCES attempt(key),
  offset INTEGER NOT NULL,           -- bytes from the start of the attempt's log
  bytes INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (attempt, offset)
) STRICT;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job(key),
  at_unix_ms INTEGER NOT NULL,
  message BLOB NOT NULL              -- a laptime.v1.JobEvent without seq
) STRICT;
CREATE INDEX event_by_job ON event (job, seq);

CREATE TABLE annotation (
  key INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(key),
  at_unix_ms INTEGER NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX annotation_by_run ON annotation (run);

CREATE TABLE result_import (
  key INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,         -- SHA-256 of the canonical line
  json TEXT NOT NULL,
  published INTEGER NOT NULL,
  imported_unix_ms INTEGER NOT NULL
) STRICT;
)sql";

// What people open in any SQLite tool: names instead of numbers, seconds, devices as host/name.
constexpr char kViews[] = R"sql(
CREATE VIEW run_summary AS
SELECT run.id AS run, job.id AS job, host.name || '/' || device.name AS device,
  run.device_model AS model,
  CASE device.kind WHEN 1 THEN 'cpu' WHEN 2 THEN 'cuda' WHEN 3 THEN 'mps' ELSE 'unknown' END AS kind,
  job.preset AS workload, job.workload AS workload_hash,
  CASE run.state WHEN 1 THEN 'QUEUED' WHEN 2 THEN 'ASSIGNED' WHEN 3 THEN 'RUNNING'
    WHEN 4 THEN 'SUCCEEDED' WHEN 5 THEN 'FAILED' WHEN 6 THEN 'CANCELLED' WHEN 7 THEN 'LOST'
    ELSE 'unknown' END AS state,
  run.attempt, run.repetition, run.seed, run.epochs_done, job.epochs,
  run.median_epoch_seconds, run.fit_seconds_per_epoch, run.mean_loss, run.knn_accuracy,
  run.utilization_percent, run.median_step_seconds, run.peak_memory_bytes,
  job.partial, job.synthetic, run.dataset,
  datetime(run.created_unix_ms / 1000.0, 'unixepoch') AS created_utc,
  datetime(run.started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
  datetime(run.ended_unix_ms / 1000.0, 'unixepoch') AS ended_utc,
  run.failure_message AS failure
FROM run
JOIN job ON job.key = run.job
JOIN device ON device.key = run.device
JOIN host ON host.id = device.host;

CREATE VIEW epoch_detail AS
SELECT run.id AS run, host.name || '/' || device.name AS device, job.preset AS workload,
  attempt.number AS attempt, attempt.number = run.attempt AS newest_attempt,
  epoch.number AS epoch, epoch.wall_seconds, epoch.train_seconds, epoch.evaluation_seconds,
  epoch.mean_loss, epoch.first_loss, epoch.last_loss, epoch.knn_accuracy,
  epoch.images_per_second, epoch.learning_rate, epoch.peak_memory_bytes,
  epoch.steps, epoch.evaluated_images, epoch.phases_profiled,
  epoch.load_wait_seconds, epoch.augment_cpu_seconds, epoch.host_to_device_seconds,
  epoch.forward_seconds, epoch.loss_seconds, epoch.backward_seconds, epoch.optimizer_seconds,
  epoch.bank_seconds, epoch.knn_seconds, epoch.other_seconds,
  epoch.step_p1_seconds, epoch.step_p5_seconds, epoch.step_p50_seconds,
  epoch.step_p95_seconds, epoch.step_p99_seconds, epoch.step_max_seconds,
  epoch.utilization_source, epoch.utilization_samples, epoch.utilization_mean_percent,
  epoch.utilization_min_percent, epoch.utilization_p5_percent,
  epoch.utilization_above_90_fraction, epoch.not_a_number,
  datetime(epoch.started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
  datetime(epoch.ended_unix_ms / 1000.0, 'unixepoch') AS ended_utc
FROM epoch
JOIN attempt ON attempt.key = epoch.attempt
JOIN run ON run.key = attempt.run
JOIN job ON job.key = run.job
JOIN device ON device.key = run.device
JOIN host ON host.id = device.host;

-- Devices on one workload, by the median over their succeeded runs. Only complete, real work has a ratio.
CREATE VIEW device_comparison AS
WITH ranked AS (
  SELECT *, row_number() OVER lap AS place, count(*) OVER (PARTITION BY workload_hash, device) AS runs
  FROM run_summary
  WHERE state = 'SUCCEEDED' AND median_epoch_seconds IS NOT NULL
  WINDOW lap AS (PARTITION BY workload_hash, device ORDER BY median_epoch_seconds)
), by_device AS (
  SELECT workload, workload_hash, device, kind, max(model) AS model, runs,
    avg(CASE WHEN place IN ((runs + 1) / 2, (runs + 2) / 2) THEN median_epoch_seconds END)
      AS median_epoch_seconds,
    min(median_epoch_seconds) AS min_epoch_seconds,
    max(median_epoch_seconds) AS max_epoch_seconds,
    max(knn_accuracy) AS knn_accuracy,
    avg(utilization_percent) AS utilization_percent,
    partial, synthetic
  FROM ranked
  GROUP BY workload_hash, device
)
SELECT *, CASE WHEN partial = 0 AND synthetic = 0 THEN
    median_epoch_seconds / min(median_epoch_seconds) OVER (PARTITION BY workload_hash) END
    AS ratio_to_fastest
FROM by_device
ORDER BY workload, workload_hash, median_epoch_seconds;
)sql";

// Resumed attempts, the development of step times within a lap, estimates of whole laps.
constexpr char kVersion2[] = R"sql(
ALTER TABLE attempt ADD COLUMN resumed_epochs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN estimated_epoch_seconds REAL;  -- NULL: nothing was estimated
ALTER TABLE attempt ADD COLUMN estimated_low_seconds REAL;    -- its 95 % interval
ALTER TABLE attempt ADD COLUMN estimated_high_seconds REAL;
ALTER TABLE attempt ADD COLUMN estimated_from_steps INTEGER;
ALTER TABLE attempt ADD COLUMN estimated_from_images INTEGER;
ALTER TABLE attempt ADD COLUMN estimated_steady INTEGER;

-- The attempt's number that trained the epoch, where a later one went on from its checkpoint.
ALTER TABLE epoch ADD COLUMN measured_in INTEGER;
ALTER TABLE epoch ADD COLUMN cold_steps INTEGER;              -- NULL: no trend at all
ALTER TABLE epoch ADD COLUMN step_warm_seconds REAL;
ALTER TABLE epoch ADD COLUMN step_sustained_seconds REAL;
ALTER TABLE epoch ADD COLUMN step_drift REAL;
ALTER TABLE epoch ADD COLUMN step_jumps INTEGER;
ALTER TABLE epoch ADD COLUMN step_bimodal INTEGER;
ALTER TABLE epoch ADD COLUMN flops_per_second REAL;

DROP VIEW epoch_detail;
CREATE VIEW epoch_detail AS
SELECT run.id AS run, host.name || '/' || device.name AS device, job.preset AS workload,
  attempt.number AS attempt, attempt.number = run.attempt AS newest_attempt,
  epoch.number AS epoch,
  coalesce(epoch.measured_in, attempt.number) AS measured_in, epoch.wall_seconds, epoch.train_seconds, epoch.evaluation_seconds,
  epoch.mean_loss, epoch.first_loss, epoch.last_loss, epoch.knn_accuracy,
  epoch.images_per_second, epoch.learning_rate, epoch.peak_memory_bytes,
  epoch.steps, epoch.evaluated_images, epoch.phases_profiled,
  epoch.load_wait_seconds, epoch.augment_cpu_seconds, epoch.host_to_device_seconds,
  epoch.forward_seconds, epoch.loss_seconds, epoch.backward_seconds, epoch.optimizer_seconds,
  epoch.bank_seconds, epoch.knn_seconds, epoch.other_seconds,
  epoch.step_p1_seconds, epoch.step_p5_seconds, epoch.step_p50_seconds,
  epoch.step_p95_seconds, epoch.step_p99_seconds, epoch.step_max_seconds,
  epoch.cold_steps, epoch.step_warm_seconds, epoch.step_sustained_seconds, epoch.step_drift,
  epoch.step_jumps, epoch.step_bimodal, epoch.flops_per_second,
  epoch.utilization_source, epoch.utilization_samples, epoch.utilization_mean_percent,
  epoch.utilization_min_percent, epoch.utilization_p5_percent,
  epoch.utilization_above_90_fraction, epoch.not_a_number,
  datetime(epoch.started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
  datetime(epoch.ended_unix_ms / 1000.0, 'unixepoch') AS ended_utc
FROM epoch
JOIN attempt ON attempt.key = epoch.attempt
JOIN run ON run.key = attempt.run
JOIN job ON job.key = run.job
JOIN device ON device.key = run.device
JOIN host ON host.id = device.host;
)sql";

// What devices can do, as probed: one probe for each device and snapshot, the newest.
constexpr char kVersion3[] = R"sql(
CREATE TABLE probe (
  key INTEGER PRIMARY KEY,
  device INTEGER NOT NULL REFERENCES device(key),
  snapshot TEXT NOT NULL REFERENCES snapshot(hash),
  device_model TEXT NOT NULL,
  threads INTEGER NOT NULL,
  seconds REAL NOT NULL,             -- that it took
  probed_unix_ms INTEGER NOT NULL,
  UNIQUE (device, snapshot)
) STRICT;

CREATE TABLE capability (
  probe INTEGER NOT NULL REFERENCES probe(key),
  position INTEGER NOT NULL,         -- in the order of the probe
  precision TEXT NOT NULL,
  feature TEXT NOT NULL,
  state INTEGER NOT NULL,
  reason TEXT NOT NULL,
  seconds REAL,
  compared_seconds REAL,
  compared_with TEXT NOT NULL,
  PRIMARY KEY (probe, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE peak_rate (
  probe INTEGER NOT NULL REFERENCES probe(key),
  position INTEGER NOT NULL,
  operation TEXT NOT NULL,
  type TEXT NOT NULL,
  unit TEXT NOT NULL,
  per_second REAL,
  reason TEXT NOT NULL,
  PRIMARY KEY (probe, position)
) STRICT, WITHOUT ROWID;

CREATE VIEW device_capability AS
SELECT host.name || '/' || device.name AS device, probe.device_model AS model,
  capability.precision, capability.feature,
  CASE capability.state WHEN 1 THEN 'works' WHEN 2 THEN 'slower' WHEN 3 THEN 'fails'
    ELSE 'not measured' END AS state,
  capability.reason, capability.seconds, capability.compared_seconds, capability.compared_with,
  probe.threads, probe.snapshot,
  datetime(probe.probed_unix_ms / 1000.0, 'unixepoch') AS probed_utc,
  probe.probed_unix_ms = max(probe.probed_unix_ms) OVER (PARTITION BY probe.device) AS newest
FROM capability
JOIN probe ON probe.key = capability.probe
JOIN device ON device.key = probe.device
JOIN host ON host.id = device.host
ORDER BY device, probed_utc, capability.position;
)sql";

// Whether a run counts, what else went on, energy, the software it ran on, how a job's runs are
// ordered.
constexpr char kVersion4[] = R"sql(
ALTER TABLE job ADD COLUMN interleave INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN until_percent REAL;                -- NULL: as many runs as repeats says
ALTER TABLE job ADD COLUMN most_repeats INTEGER NOT NULL DEFAULT 0;

CREATE TABLE segment (
  name TEXT PRIMARY KEY,             -- the beginning of the SHA-256 of software
  software TEXT NOT NULL             -- OS, driver, LibTorch as one line
) STRICT;

-- In the job's order of execution; of equal ones the lower repetition goes first.
ALTER TABLE run ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
DROP INDEX run_queue;
CREATE INDEX run_queue ON run (device, priority DESC, job, position, repetition) WHERE state = 1;
ALTER TABLE run ADD COLUMN validity_reasons TEXT;             -- JSON array, worst first
ALTER TABLE run ADD COLUMN learning_gate TEXT;                -- passed, failed, not evaluated
ALTER TABLE run ADD COLUMN segment TEXT REFERENCES segment(name);
ALTER TABLE run ADD COLUMN mfu_fraction REAL;
ALTER TABLE run ADD COLUMN above_90_fraction REAL;
ALTER TABLE run ADD COLUMN joules_per_epoch REAL;
ALTER TABLE run ADD COLUMN images_per_joule REAL;

-- For filters over runs.
CREATE INDEX job_by_preset ON job (preset);
CREATE INDEX job_by_workload ON job (workload);

ALTER TABLE epoch ADD COLUMN gate_loss REAL;
ALTER TABLE epoch ADD COLUMN mfu_fraction REAL;
ALTER TABLE epoch ADD COLUMN steal_fraction REAL;
ALTER TABLE epoch ADD COLUMN foreign_cpu_fraction REAL;
ALTER TABLE epoch ADD COLUMN foreign_gpu_fraction REAL;
ALTER TABLE epoch ADD COLUMN throttled_fraction REAL;
ALTER TABLE epoch ADD COLUMN throttle_reasons TEXT;           -- NULL: no conditions at all
ALTER TABLE epoch ADD COLUMN thermal_pressure TEXT;
ALTER TABLE epoch ADD COLUMN swap_in_fraction REAL;
ALTER TABLE epoch ADD COLUMN on_battery INTEGER;
ALTER TABLE epoch ADD COLUMN low_power_mode INTEGER;
ALTER TABLE epoch ADD COLUMN slept_seconds REAL;
ALTER TABLE epoch ADD COLUMN driver_changed INTEGER;
ALTER TABLE epoch ADD COLUMN energy_joules REAL;
ALTER TABLE epoch ADD COLUMN energy_tier TEXT;                -- NULL: no energy at all
ALTER TABLE epoch ADD COLUMN energy_source TEXT;
ALTER TABLE epoch ADD COLUMN energy_mean_watts REAL;
ALTER TABLE epoch ADD COLUMN images_per_joule REAL;

DROP VIEW epoch_detail;
CREATE VIEW epoch_detail AS
SELECT run.id AS run, host.name || '/' || device.name AS device, job.preset AS workload,
  attempt.number AS attempt, attempt.number = run.attempt AS newest_attempt,
  epoch.number AS epoch,
  coalesce(epoch.measured_in, attempt.number) AS measured_in, epoch.wall_seconds, epoch.train_seconds, epoch.evaluation_seconds,
  epoch.mean_loss, epoch.first_loss, epoch.last_loss, epoch.knn_accuracy,
  epoch.images_per_second, epoch.learning_rate, epoch.peak_memory_bytes,
  epoch.steps, epoch.evaluated_images, epoch.phases_profiled,
  epoch.load_wait_seconds, epoch.augment_cpu_seconds, epoch.host_to_device_seconds,
  epoch.forward_seconds, epoch.loss_seconds, epoch.backward_seconds, epoch.optimizer_seconds,
  epoch.bank_seconds, epoch.knn_seconds, epoch.other_seconds,
  epoch.step_p1_seconds, epoch.step_p5_seconds, epoch.step_p50_seconds,
  epoch.step_p95_seconds, epoch.step_p99_seconds, epoch.step_max_seconds,
  epoch.cold_steps, epoch.step_warm_seconds, epoch.step_sustained_seconds, epoch.step_drift,
  epoch.step_jumps, epoch.step_bimodal, epoch.flops_per_second,
  epoch.utilization_source, epoch.utilization_samples, epoch.utilization_mean_percent,
  epoch.utilization_min_percent, epoch.utilization_p5_percent,
  epoch.utilization_above_90_fraction, epoch.gate_loss, epoch.mfu_fraction,
  epoch.steal_fraction, epoch.foreign_cpu_fraction, epoch.foreign_gpu_fraction,
  epoch.throttled_fraction, epoch.throttle_reasons, epoch.thermal_pressure,
  epoch.swap_in_fraction, epoch.on_battery, epoch.low_power_mode, epoch.slept_seconds,
  epoch.driver_changed, epoch.energy_joules, epoch.energy_tier, epoch.energy_source,
  epoch.energy_mean_watts, epoch.images_per_joule, epoch.not_a_number,
  datetime(epoch.started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
  datetime(epoch.ended_unix_ms / 1000.0, 'unixepoch') AS ended_utc
FROM epoch
JOIN attempt ON attempt.key = epoch.attempt
JOIN run ON run.key = attempt.run
JOIN job ON job.key = run.job
JOIN device ON device.key = run.device
JOIN host ON host.id = device.host;

DROP VIEW device_comparison;  -- reads run_summary
DROP VIEW run_summary;
CREATE VIEW run_summary AS
SELECT run.id AS run, job.id AS job, host.name || '/' || device.name AS device,
  run.device_model AS model,
  CASE device.kind WHEN 1 THEN 'cpu' WHEN 2 THEN 'cuda' WHEN 3 THEN 'mps' ELSE 'unknown' END AS kind,
  job.preset AS workload, job.workload AS workload_hash,
  CASE run.state WHEN 1 THEN 'QUEUED' WHEN 2 THEN 'ASSIGNED' WHEN 3 THEN 'RUNNING'
    WHEN 4 THEN 'SUCCEEDED' WHEN 5 THEN 'FAILED' WHEN 6 THEN 'CANCELLED' WHEN 7 THEN 'LOST'
    ELSE 'unknown' END AS state,
  CASE run.validity WHEN 2 THEN 'clean' WHEN 3 THEN 'suspect' WHEN 4 THEN 'contaminated'
    WHEN 5 THEN 'invalid' ELSE 'not evaluated' END AS validity,
  run.validity_reasons, run.learning_gate, run.segment,
  run.attempt, run.repetition, run.seed, run.epochs_done, job.epochs,
  run.median_epoch_seconds, run.fit_seconds_per_epoch, run.mean_loss, run.knn_accuracy,
  run.utilization_percent, run.above_90_fraction, run.mfu_fraction, run.joules_per_epoch,
  run.images_per_joule, run.median_step_seconds, run.peak_memory_bytes,
  job.partial, job.synthetic, run.dataset,
  datetime(run.created_unix_ms / 1000.0, 'unixepoch') AS created_utc,
  datetime(run.started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
  datetime(run.ended_unix_ms / 1000.0, 'unixepoch') AS ended_utc,
  run.failure_message AS failure
FROM run
JOIN job ON job.key = run.job
JOIN device ON device.key = run.device
JOIN host ON host.id = device.host;

-- Devices on one workload, by the median over their succeeded runs that count. Only complete, real work has a ratio.
CREATE VIEW device_comparison AS
WITH ranked AS (
  SELECT *, row_number() OVER lap AS place, count(*) OVER (PARTITION BY workload_hash, device) AS runs
  FROM run_summary
  WHERE state = 'SUCCEEDED' AND median_epoch_seconds IS NOT NULL
    AND validity NOT IN ('contaminated', 'invalid')
  WINDOW lap AS (PARTITION BY workload_hash, device ORDER BY median_epoch_seconds)
), by_device AS (
  SELECT workload, workload_hash, device, kind, max(model) AS model, runs,
    avg(CASE WHEN place IN ((runs + 1) / 2, (runs + 2) / 2) THEN median_epoch_seconds END)
      AS median_epoch_seconds,
    min(median_epoch_seconds) AS min_epoch_seconds,
    max(median_epoch_seconds) AS max_epoch_seconds,
    max(knn_accuracy) AS knn_accuracy,
    avg(utilization_percent) AS utilization_percent,
    partial, synthetic
  FROM ranked
  GROUP BY workload_hash, device
)
SELECT *, CASE WHEN partial = 0 AND synthetic = 0 THEN
    median_epoch_seconds / min(median_epoch_seconds) OVER (PARTITION BY workload_hash) END
    AS ratio_to_fastest
FROM by_device
ORDER BY workload, workload_hash, median_epoch_seconds;
)sql";

// Who may talk to a coordinator that `laptime-server init` has set up.
constexpr char kVersion5[] = R"sql(
CREATE TABLE token (
  id TEXT PRIMARY KEY,               -- its public half
  secret_sha256 TEXT NOT NULL,       -- of its secret half, which is stored nowhere
  role INTEGER NOT NULL,
  label TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_unix_ms INTEGER NOT NULL,
  expires_unix_ms INTEGER,           -- NULL: never
  uses_left INTEGER,                 -- NULL: any number
  revoked_unix_ms INTEGER
) STRICT;

CREATE TABLE certificate (
  serial TEXT PRIMARY KEY,
  host TEXT NOT NULL,                -- the id that it is for; the host may never have attached
  token TEXT REFERENCES token(id),   -- NULL: it followed an earlier certificate
  issued_unix_ms INTEGER NOT NULL,
  expires_unix_ms INTEGER NOT NULL,
  revoked_unix_ms INTEGER
) STRICT;
CREATE INDEX certificate_by_host ON certificate (host);

CREATE TABLE audit (
  key INTEGER PRIMARY KEY,
  at_unix_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  peer TEXT NOT NULL,
  action TEXT NOT NULL,
  detail TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;

ALTER TABLE host ADD COLUMN removed_unix_ms INTEGER;  -- taken away by an administrator

-- What a machine has to do, found without looking at everybody's.
CREATE INDEX run_begun ON run (device) WHERE attempt > 0 AND state < 4;
)sql";

}  // namespace

const std::vector<std::string>& Migrations() {
  static const std::vector<std::string> migrations = {std::string(kTables) + kViews, kVersion2,
                                                      kVersion3, kVersion4, kVersion5};
  return migrations;
}

}  // namespace laptime::storage
