"""C12: the wall clock is stepped by a day, forth and back, or runs fast or slow: the coordinator's, the agents', or
both. The monotonic clock does not. Nobody is taken for away, no run notices, laps stay in their order, and each duration
is what an honest clock would have measured."""
import glob
import os
import signal
import statistics
import time
import unittest

from fleet import BIN, Fleet, eventually, main, times
from programs import SMALL
from promise_row import print_figure, print_tried

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
TRAINER = os.path.join(BIN, "laptime-trainer")
DAY_SECONDS = 86400
STEPS = (0, DAY_SECONDS, -DAY_SECONDS)  # where a clock is stepped to, against an honest one


@unittest.skipUnless(LIBRARIES, "libfaketime is not here (deploy/setup --tests installs it)")
class ClockTest(Fleet):
    LAP_MS = 100
    AGENTS = 2

    def setUp(self):
        self.faked = []  # processes
        self.addCleanup(self.remove_shared_memory)
        super().setUp()
        self.trainer_of = None  # each box's; else the scripted one
        self.offsets = {}
        for clock in ("server", "box"):
            self.set_clock(clock, 0)

    def remove_shared_memory(self):
        """What libfaketime leaves behind of a process that was killed."""
        for pid in self.faked:
            for name in (f"/dev/shm/faketime_shm_{pid}", f"/dev/shm/sem.faketime_sem_{pid}"):
                if os.path.exists(name):
                    os.remove(name)

    def start(self, program, *arguments, **options):
        """With a wall clock that the test sets. A trainer has its agent's."""
        clock = "server" if program == "laptime-server" else "box"
        usual = self.env
        self.env = dict(usual, LD_PRELOAD=LIBRARIES[0], FAKETIME_TIMESTAMP_FILE=self.path(f"clock-{clock}"),
                        FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")
        try:
            started = super().start(program, *arguments, **options)
        finally:
            self.env = usual
        self.faked.append(started.pid)
        return started

    def start_box(self, number, **options):
        if self.trainer_of:
            self.env["LAPTIME_TRAINER"] = self.trainer_of[number]
        return super().start_box(number, **options)

    def set_clock(self, clock, seconds):
        """So far from an honest one, at once."""
        path = self.path(f"clock-{clock}")
        with open(path + ".new", "w") as file:
            file.write(f"{seconds:+.4f}")
        os.replace(path + ".new", path)
        self.offsets[clock] = seconds

    def drift(self, clocks, rate, seconds):
        """By small steps: libfaketime's own rates stretch sleeps, too."""
        end = time.monotonic() + seconds
        last = time.monotonic()
        while last < end:
            time.sleep(0.01)
            now = time.monotonic()
            for clock in clocks:
                self.set_clock(clock, self.offsets[clock] + rate * (now - last))
            last = now

    def disturb(self):
        """A step of one clock or of both, to the same time or not, or a second of drift."""
        clocks = self.random.choice([["server"], ["box"], ["server", "box"]])
        if self.random.random() < 0.25:
            self.drift(clocks, self.random.choice([-0.5, 0.5, 3]), 1)
        else:
            for clock in clocks:
                self.set_clock(clock, self.random.choice([to for to in STEPS if to != self.offsets[clock]]))

    # ---- what an honest clock would have measured ----

    BUSY_MS = 20  # that a sample may be late where other programs want the cores; a faked clock errs by far more

    def check_durations(self, elapsed):
        """Of the scripted trainer, which says the same of each lap and run; and of the agents' samples, which are taken
        each second from their attempt's begin on, or a little later on a busy machine. Returns how many periods there
        were, and by how many milliseconds one errs in the median."""
        self.assertEqual(self.ask_database("SELECT DISTINCT wall_seconds FROM epoch"), [(0.001,)])
        self.assertEqual(self.ask_database("SELECT DISTINCT setup_seconds, warm_up_seconds, fit_seconds, total_seconds "
                                           "FROM attempt WHERE state = 4"), [(0.1, 0.2, 0.1, 0.2)])
        samples = self.ask_database("SELECT DISTINCT attempt, t_ms FROM sample ORDER BY attempt, t_ms")
        self.assertGreaterEqual(min(at for _, at in samples), 0)
        self.assertLessEqual(max(at for _, at in samples), 1000 * elapsed)
        gaps = [later - sooner for (attempt, sooner), (of, later) in zip(samples, samples[1:]) if attempt == of]
        errors = [abs(gap - 1000) for gap in gaps]
        self.assertLessEqual(statistics.median(errors), self.BUSY_MS, gaps)
        self.assertLessEqual(sum(error > 100 for error in errors), len(gaps) // 10, gaps)
        return len(gaps), statistics.median(errors)

    def test_steps_and_drift(self):
        rounds = times(10, 400)
        began = time.monotonic()
        self.train(self.AGENTS, times(4, 400), 80)
        longest = 0
        for number in range(rounds):
            self.disturb()
            since = time.monotonic()
            for box in range(self.AGENTS):
                epochs = self.epochs_of(box)
                eventually(f"box{box} reports", lambda: self.epochs_of(box) > epochs, 30)
            longest = max(longest, time.monotonic() - since)
            for box in range(self.AGENTS):
                self.assertEqual(len(self.device_states(f"box{box}")), 1, f"box{box} is away")
            if number % 4 == 3:  # all connect anew, by clocks that disagree
                self.server.signal(signal.SIGTERM)
                self.assertEqual(self.server.wait(), 0)
                self.forget(self.server)
                self.server = self.start_coordinator()
                self.wait_for_more_epochs()
        # On a fast machine the rounds are over before the first run.
        eventually("a run has succeeded", lambda: self.ask_database("SELECT 1 FROM attempt WHERE state = 4"))
        found = self.stop_training()
        gaps, error = self.check_durations(time.monotonic() - began)
        self.count("C12", f"wall clocks stepped by up to 48 h, or drifting; reports at most {longest:.1f} s later, "
                   f"{gaps} periods of sampling right to {error:.0f} ms in the median", rounds, found)

    # ---- runs that wait ----

    LOST_AFTER = 4

    def test_a_run_that_waits(self):
        """For a machine that has been away for long a run waits its own time, whatever the coordinator's clock does."""
        self.start_fleet(1, "--lost-after", str(self.LOST_AFTER))
        self.kill(self.agents[0])
        self.kill(self.server)
        self.server = self.start_coordinator()  # it knows of no lease that must end first
        self.seconds_until_lost(0)
        steps = [DAY_SECONDS, -DAY_SECONDS]
        waited = [self.seconds_until_lost(step) for step in steps]
        found = self.finish()
        self.assertGreater(min(waited), 0.85 * self.LOST_AFTER)  # the coordinator keeps it to a tenth
        self.count("C12", f"runs that wait for a machine that is away while the clock is stepped: lost after "
                   f"{min(waited):.1f} to {max(waited):.1f} s instead of {self.LOST_AFTER}", len(steps), found)

    def seconds_until_lost(self, step):
        began = time.monotonic()
        self.submit_to(0, 1, 5)
        self.set_clock("server", step)
        eventually("the run is lost", lambda: self.runs_open() == 0, 4 * self.LOST_AFTER)
        return time.monotonic() - began

    # ---- laps as a trainer itself measures them ----

    @unittest.skipUnless(os.path.exists(TRAINER), "the trainer is not built")
    def test_laps(self):
        """Two machines with one clock, which is stepped within laps. The second is the control: its trainer's monotonic
        clock is stepped, too."""
        script = self.path("trainer")
        with open(script, "w") as file:
            file.write(f'#!/bin/sh\nFAKETIME_DONT_FAKE_MONOTONIC=0 exec "{TRAINER}" "$@"\n')
        os.chmod(script, 0o755)
        self.trainer_of = [TRAINER, script]
        self.start_fleet(2)
        tiny = dict(SMALL, batch_size=2, train_images=8, eval_images=4, knn_k=4, max_steps_per_epoch=1)
        began = time.monotonic()
        jobs = [self.submit(f"box{box}/cpu", epochs=times(6, 200), **tiny) for box in range(2)]
        self.runs = [run["id"] for job in jobs for run in self.job_runs(job)]
        while self.runs_open():
            self.wait_for_more_epochs(300)
            self.set_clock("box", self.random.choice([to for to in STEPS if to != self.offsets["box"]]))
        elapsed = time.monotonic() - began
        found = self.finish()
        self.check_laps(self.laps_of(self.runs[0]), elapsed, found)
        laps = self.laps_of(self.runs[1])
        wrong = [seconds for seconds, _ in laps if not 0 < seconds < elapsed]
        print_tried("C12 ctrl", "the same with a monotonic clock that is stepped, too: must be wrong", len(laps),
                  len(wrong), 0)
        self.assertGreater(len(wrong), 0)

    def laps_of(self, run):
        """What each took, and how much later it ended than it began by the wall clock."""
        return self.ask_database(
            "SELECT wall_seconds, (epoch.ended_unix_ms - epoch.started_unix_ms) / 1000.0 FROM epoch "
            "JOIN attempt ON attempt.key = epoch.attempt JOIN run ON run.key = attempt.run WHERE run.id = ?", run)

    def check_laps(self, laps, elapsed, found):
        stepped, even = [], []
        for seconds, apart in laps:
            self.assertTrue(0 < seconds < elapsed, laps)
            days = round((apart - seconds) / DAY_SECONDS)
            error = abs(apart - seconds - days * DAY_SECONDS)
            self.assertLess(error, 0.1, laps)  # the trainer may have lost the processor between its two clocks
            (stepped if days else even).append(error)
        self.assertTrue(stepped, laps)
        print_figure("C12", "a lap with a step within: its duration's error", 1, 1000 * statistics.median(stepped), "ms",
                     f"median of {len(stepped)}, by two wall clock times of whole milliseconds")
        self.assertLessEqual(statistics.median(stepped), 0.002, laps)
        without = f"; without one, {1000 * statistics.median(even):.1f} ms" if even else ""
        self.count("C12", f"the trainer's laps with a step of 24 or 48 h within: right to "
                   f"{1000 * statistics.median(stepped):.1f} ms in the median, {1000 * max(stepped):.1f} ms at most"
                   f"{without}", len(stepped), found)


if __name__ == "__main__":
    main()
