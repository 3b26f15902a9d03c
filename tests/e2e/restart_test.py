"""An orderly stop and start of the coordinator, which running jobs do not notice."""
import os
import signal
import sqlite3
import subprocess
import time
import unittest

from fake_fleet import FakeFleet
from programs import BIN, Program, eventually

STOPS_WITHIN = 5  # seconds
SAMPLES = 300_000  # more than lies on the way to an export that nobody reads


class RestartTest(FakeFleet):
    def seed_samples(self):
        """Many samples of a run that has ended, so that an export of them takes as long as its reader likes."""
        self.env["LAPTIME_FAKE_SCRIPT"] = "succeed"
        server = self.start_server()
        agent = self.start_agent("box", bin=self.bin)
        self.finished_run()
        self.stop(agent)
        self.stop(server)
        with sqlite3.connect(self.path("server/laptime.db")) as database:
            database.execute("INSERT INTO sensor VALUES (1000, 'seeded', 'percent', 'test', '', 1)")
            database.executemany("INSERT INTO sample VALUES (1, 1000, ?, 1.5)", ((i,) for i in range(SAMPLES)))
        database.close()

    def watch(self, job):
        watcher = Program([os.path.join(BIN, "laptime"), "job", "watch", job, "--server", self.address],
                          self.path(f"watch-{len(self.programs)}.log"), self.env)
        self.programs.append(watcher)
        eventually("the watcher follows", watcher.output)
        return watcher

    def stuck_export(self):
        """An export whose reader has taken the first line and no more."""
        export = subprocess.Popen([os.path.join(BIN, "laptime"), "export", "samples", "--server", self.address],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.env)
        self.addCleanup(export.stdout.close)
        self.addCleanup(export.wait)
        self.addCleanup(export.kill)
        self.assertIn(b"run_id", export.stdout.readline())
        return export

    def test_a_run_goes_on_over_a_restart(self):
        self.seed_samples()
        gate = self.env["LAPTIME_FAKE_GATE"] = self.path("gate")
        server = self.start_server()
        port = self.address.rsplit(":", 1)[1]
        agent = self.start_agent("box", bin=self.bin)
        job = self.submit("box/cpu", epochs=12)
        run = self.job_runs(job)[0]["id"]
        self.wait_for_epochs(run, 1)
        trainer = self.trainers(agent)
        watchers = [self.watch(job) for _ in range(3)]
        export = self.stuck_export()

        began = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0, server.output())
        took = time.monotonic() - began
        self.assertLessEqual(took, STOPS_WITHIN)
        self.assertEqual(self.trainers(agent), trainer)
        export.stdout.read()
        self.assertNotEqual(export.wait(), 0)  # it says that it is not whole

        open(gate, "w").close()  # eleven laps while nobody is there to hear of them
        eventually("the trainer has ended", lambda: not self.trainers(agent))
        self.start_server(port=port)
        self.wait_for_state(run, "SUCCEEDED")
        shown = self.ask("run", "show", run)
        self.assertEqual([epoch["number"] for epoch in shown["epochs"]], list(range(1, 13)))
        self.assertEqual([attempt["state"] for attempt in shown["attempts"]], ["ATTEMPT_STATE_SUCCEEDED"])
        for watcher in watchers:
            self.assertEqual(watcher.wait(), 0, watcher.output())
        self.client("server", "check")
        print(f"restart: stopped in {took:.2f} s with 1 agent, 3 watchers and 1 export; laps kept 12 of 12, doubled 0",
              flush=True)

    def test_it_stops_while_nobody_is_attached(self):
        server = self.start_server()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertLessEqual(time.monotonic() - began, STOPS_WITHIN)


if __name__ == "__main__":
    unittest.main()
