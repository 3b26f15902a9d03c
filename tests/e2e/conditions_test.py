"""What else went on during a lap: another process's load is seen, the run's own is not taken for it."""
import math
import os
import subprocess
import sys
import time
import unittest

from programs import SMALL, Programs, eventually

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
# Between the end of a lap and our seeing it more or less CPU time passes; other processes run as well.
TOLERANCE = 0.1
# Twice the share of the machine's CPUs from which on a run is contaminated (server/validity).
BURNERS = max(1, math.ceil(0.3 * CPUS))
LEAST_STEPS = 8  # of a lap
LAP = 1  # second at least: laps below half of one tell no shares of CPU time (agent/telemetry)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


@unittest.skipUnless(os.path.isdir("/proc/self"), "reads Linux's /proc")
class ConditionsTest(Programs):
    def steps_of_a_lap(self):
        """So many that a lap is long enough on this machine, however fast it is."""
        job = self.submit("box/cpu", epochs=1, max_steps_per_epoch=LEAST_STEPS)
        self.client("job", "wait", job)
        lap, = self.ask("run", "show", self.job_runs(job)[0]["id"])["epochs"]
        return max(LEAST_STEPS, math.ceil(LAP / lap["step_seconds"]["p5"]))

    def laps_watched(self, run, pids):
        """Laps 2 to 4: their epochs, and the share of all CPUs that each of the processes had meanwhile."""
        self.wait_for_epochs(run, 1)
        begin, before = time.monotonic(), {pid: cpu_seconds(pid) for pid in pids}
        self.wait_for_epochs(run, 4)
        length, after = time.monotonic() - begin, {pid: cpu_seconds(pid) for pid in pids}
        return self.ask("run", "show", run)["epochs"][1:4], [(after[pid] - before[pid]) / length / CPUS for pid in pids]

    def test_load_of_another_process_counts_and_that_of_the_run_does_not(self):
        self.start_server()
        agent = self.start_agent("box")
        steps = self.steps_of_a_lap()
        burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BURNERS)]
        for burner in burners:
            self.addCleanup(burner.wait)
            self.addCleanup(burner.kill)
        job = self.submit("box/cpu", epochs=6, max_steps_per_epoch=steps, train_images=steps * SMALL["batch_size"])
        run = self.job_runs(job)[0]["id"]
        self.wait_for_state(run, "RUNNING")
        trainer = eventually("the trainer runs", lambda: self.trainers(agent))[0]
        laps, (own, *burnt) = self.laps_watched(run, [trainer, *(burner.pid for burner in burners)])
        burnt = sum(burnt)
        seconds = sum(lap["wall_seconds"] for lap in laps)
        foreign = sum(lap["conditions"]["foreign_cpu_fraction"] * lap["wall_seconds"] for lap in laps) / seconds
        self.assertGreater(foreign, burnt - TOLERANCE, f"the burners alone had {burnt:.2f} of the machine")
        self.assertLess(foreign, 1 - own + TOLERANCE, f"the run itself had {own:.2f} of the machine")
        for lap in laps:
            self.assertEqual(lap["conditions"]["slept_seconds"], 0)
            self.assertGreaterEqual(lap["conditions"]["steal_fraction"], 0)
        page = self.client("run", "show", run)
        self.assertRegex(page, r"beside the laps: foreign CPU load up to \d+")
        self.assertIn("foreign_cpu_fraction", self.client("run", "show", run, "-o", "csv").splitlines()[0])

        self.client("job", "wait", job)
        judged = self.ask("run", "show", run)["run"]
        self.assertEqual(judged["validity"], "VALIDITY_CONTAMINATED", judged)
        self.assertIn("foreign CPU load: ", judged["validity_reasons"][0])
        self.assertIn("contaminated: foreign CPU load: ", self.client("run", "show", run))


if __name__ == "__main__":
    unittest.main()
