"""Design of experiments with the real programs: blocks, repeats until the interval is narrow, matrix and fill.

How quiet this machine is decides which runs count; what is tested here holds either way.
"""
import json
import unittest

from programs import SMALL, Programs, eventually

WORKLOAD = "simclr-synthetic-cifar10"
PATIENCE = 600  # seconds for a handful of runs on a busy machine
DEVICES = ["box/1t", "box/2t"]
TINY = [word for key, value in dict(SMALL, epochs=1).items() for word in ("--set", f"{key}={value}")]


class ExperimentTest(Programs):
    def setUp(self):
        super().setUp()
        config = self.path("agent.toml")
        with open(config, "w") as file:
            for threads in (1, 2):
                file.write(f'[[device]]\nname = "{threads}t"\nkind = "cpu"\nthreads = {threads}\n')
        self.start_server()
        self.start_agent("box", "--config", config)

    def devices(self):
        return [word for device in DEVICES for word in ("--device", device)]

    def as_run(self, job):
        """The devices of the job's runs in the order in which they were started, by the coordinator's own record."""
        with self.database() as database:
            return [row[0] for row in database.execute(
                "SELECT host.name || '/' || device.name FROM attempt JOIN run ON run.key = attempt.run "
                "JOIN job ON job.key = run.job JOIN device ON device.key = run.device "
                "JOIN host ON host.id = device.host WHERE job.id = ? ORDER BY attempt.key", (job,))]

    def cells(self):
        return self.ask("matrix", "--workload", WORKLOAD, *self.devices(), *TINY)["cells"]

    def check_generous_until(self):
        """Met by the first three runs, unless foreign load keeps some from counting."""
        done = self.run_client("submit", WORKLOAD, "--device", "box/1t", "--until", "50%", "--max-repeats", 4, *TINY,
                               deadline=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        repeats = self.ask("job", "show", "last")["repeats"][0]
        if repeats["state"] == "narrow enough":
            self.assertLessEqual(repeats["half_width_percent"], 50)
            self.assertIn(f"after {repeats['runs']} runs", done.stderr)
        else:
            self.assertEqual((repeats["state"], repeats["runs"]), ("most repeats", 4))

    def check_fill(self):
        fill = ("fill", "--workload", WORKLOAD, *self.devices(), *TINY)
        before = {cell["device"]: cell["runs_missing"] for cell in self.cells()}
        self.assertEqual(before["box/2t"], 3)
        planned = self.ask(*fill, "--dry-run")["jobs"]
        self.assertEqual(sum(int(job["runs"]) for job in planned), sum(before.values()))

        # Other work keeps the machine, so that none of them ends before it was looked at.
        other = self.submit("box/1t", epochs=1000, train_images=2 * SMALL["train_images"])
        self.wait_for_state(self.job_runs(other)[0]["id"], "RUNNING")
        jobs = self.client(*fill, "--detach").split()
        self.assertEqual(len(jobs), len(planned))
        again = self.run_client(*fill, "--detach")
        self.assertEqual((again.returncode, again.stdout), (0, ""), again.stderr)
        self.assertIn("runs are on their way", again.stderr)
        self.assertIn(f"{before['box/2t']} running", self.client("matrix", "--workload", WORKLOAD, *TINY))
        self.client("job", "cancel", other)
        for job in jobs:
            self.client("job", "wait", job, deadline=PATIENCE)
        submitted = {device: 0 for device in DEVICES}
        for job in jobs:
            for run in self.job_runs(job):
                submitted[run["device"]] += 1
        self.assertEqual(submitted, before)

    def check_matrix(self):
        for cell in self.cells():
            self.assertTrue(cell["libtorch"].startswith("2."), cell)
            if cell["runs"] < 3:  # foreign load: some do not count
                self.assertIn(cell["state"], ("missing", "invalid"))
            else:
                self.assertEqual(cell["state"], "fresh")
        page = self.client("matrix", "--workload", WORKLOAD, *TINY)
        self.assertRegex(page, f"^DEVICE +LIBTORCH +{WORKLOAD}\n")
        self.assertRegex(page, r"box/1t +2\.\S+ +(fresh|missing|invalid)")
        # A month is enough for everything above; a second soon is not.
        eventually("no cell is fresh within a second", lambda: "fresh" not in {
            cell["state"] for cell in self.ask("matrix", "--workload", WORKLOAD, "--fresh", "0.00001", *TINY)["cells"]})

    def check_tight_until_in_blocks(self):
        """The half-width of real times, with four runs, is never a thousandth."""
        done = self.run_client("submit", WORKLOAD, *self.devices(), "--interleave", "--until", "0.1", "--max-repeats", 4,
                               "-o", "json", *TINY, deadline=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["job"]["runs"], 8)
        self.assertEqual({repeats["state"] for repeats in answer["repeats"]}, {"most repeats"})
        order = self.as_run(answer["job"]["id"])
        self.assertEqual([run["device"] for run in answer["runs"]], order)
        for block in range(0, len(order), len(DEVICES)):
            self.assertEqual(sorted(order[block:block + len(DEVICES)]), DEVICES, order)
        for device in DEVICES:
            self.assertIn(f"{device} #4: one more, queued", done.stderr)
            self.assertIn(f"{device} #4: succeeded", done.stderr)
            self.assertRegex(done.stderr, f"{device}: .* after 4 runs.*asked ±0.1 %: 4 are the most allowed")
        self.assertIn("after 4 runs", self.client("job", "show", "last"))

    def check_away(self):
        self.programs[1].end()
        eventually("its devices are away", lambda: not self.device_states("box"))
        away = self.run_client("fill", "--workload", WORKLOAD, *self.devices(), *TINY, "--runs", 99, "--dry-run")
        self.assertEqual(away.returncode, 0, away.stderr)
        self.assertEqual(away.stderr.count("skipped box/"), 2, away.stderr)

    def test_an_experiment(self):
        self.assertEqual([cell["state"] for cell in self.cells()], ["missing", "missing"])
        self.check_generous_until()
        self.check_fill()
        self.check_matrix()
        self.check_tight_until_in_blocks()
        self.check_away()

    def test_refuses(self):
        for arguments, words in ((("--until", "0.01"), "0.1 to 50 %"), (("--max-repeats", 5), "--until"),
                                 (("--until", "1", "--repeat", 2), "repeat: 2 with --until"),
                                 (("--until", "1", "--repeat", 6, "--max-repeats", 5), "max-repeats: 5")):
            refused = self.run_client("submit", WORKLOAD, "--device", "all", *arguments)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn(words, refused.stderr)
        self.assertEqual(self.run_client("matrix", "--workload", "nonsense").returncode, 2)
        self.assertEqual(self.run_client("fill", "--device", "elsewhere/cpu", "--dry-run").returncode, 6)


if __name__ == "__main__":
    unittest.main()
