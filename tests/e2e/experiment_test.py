"""Design of experiments with the real programs: blocks, repeats until the interval is narrow, matrix and fill.

How quiet this machine is decides which runs count; what is tested here holds either way.
"""
import unittest

from programs import SMALL, Programs, eventually

WORKLOAD = "simclr-synthetic-cifar10"
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

    def check_blocks(self, order):
        for block in range(0, len(order), len(DEVICES)):
            self.assertEqual(sorted(order[block:block + len(DEVICES)]), DEVICES, order)

    def test_blocks_and_until(self):
        # A generous wish is met by the first three, unless foreign load keeps runs from counting.
        job = self.client("submit", WORKLOAD, *self.devices(), "--interleave", "--until", "50%", "--max-repeats", 4,
                          "--detach", *TINY).strip()
        # While it runs a second one waits behind it, which will not be satisfied: followed to its end.
        tight = self.run_client("submit", WORKLOAD, *self.devices(), "--interleave", "--until", "0.1", "--max-repeats", 4,
                                "-o", "json", *TINY)
        self.assertEqual(tight.returncode, 0, tight.stderr)
        self.check_blocks(self.as_run(job))
        shown = self.ask("job", "show", job)
        self.assertEqual([run["device"] for run in shown["runs"]], self.as_run(job))
        for repeats in shown["repeats"]:
            self.assertIn(repeats["state"], ("narrow enough", "most repeats"))
            if repeats["state"] == "narrow enough":
                self.assertLessEqual(repeats["half_width_percent"], 50)
            self.assertLessEqual(repeats["runs"], 4)

        # The half-width of real times, with three runs, is never a thousandth.
        last = self.ask("job", "show", "last")
        self.assertEqual(last["job"]["runs"], 8)
        self.assertEqual({repeats["state"] for repeats in last["repeats"]}, {"most repeats"})
        self.check_blocks(self.as_run(last["job"]["id"]))
        for device in DEVICES:
            self.assertIn(f"{device} #4: one more, queued", tight.stderr)
            self.assertIn(f"{device} #4: succeeded", tight.stderr)
            self.assertRegex(tight.stderr, f"{device}: .* after 4 runs.*asked ±0.1 %: 4 are the most allowed")
        self.assertIn("after 4 runs", self.client("job", "show", "last"))

    def test_refuses(self):
        for arguments, words in ((("--until", "0.01"), "0.1 to 50 %"), (("--max-repeats", 5), "--until"),
                                 (("--until", "1", "--repeat", 2), "repeat: 2 with --until"),
                                 (("--until", "1", "--repeat", 6, "--max-repeats", 5), "max-repeats: 5")):
            refused = self.run_client("submit", WORKLOAD, "--device", "all", *arguments)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn(words, refused.stderr)
        self.assertEqual(self.run_client("matrix", "--workload", "nonsense").returncode, 2)
        self.assertEqual(self.run_client("fill", "--device", "elsewhere/cpu", "--dry-run").returncode, 6)

    def cells(self):
        return self.ask("matrix", "--workload", WORKLOAD, *TINY)["cells"]

    def test_matrix_and_fill(self):
        fill = ("fill", "--workload", WORKLOAD, *TINY)
        self.assertEqual([cell["state"] for cell in self.cells()], ["missing", "missing"])
        done = self.run_client("submit", WORKLOAD, "--device", "box/1t", *TINY)
        self.assertEqual(done.returncode, 0, done.stderr)
        planned = self.ask(*fill, "--dry-run")["jobs"]
        before = {cell["device"]: cell["runs_missing"] for cell in self.cells()}
        self.assertEqual(sum(job["runs"] for job in planned), sum(before.values()))
        self.assertEqual(before["box/2t"], 3)

        jobs = self.client(*fill, "--detach").split()
        self.assertEqual(len(jobs), len(planned))
        again = self.run_client(*fill, "--detach")
        self.assertEqual((again.returncode, again.stdout), (0, ""), again.stderr)
        self.assertIn("nothing to submit", again.stderr)
        for job in jobs:
            self.client("job", "wait", job)
        submitted = {device: 0 for device in DEVICES}
        for job in jobs:
            for run in self.job_runs(job):
                submitted[run["device"]] += 1
        self.assertEqual(submitted, before)

        for cell in self.cells():
            self.assertTrue(cell["libtorch"].startswith("2."), cell)
            if cell.get("runs", 0) < 3:  # foreign load: some do not count
                self.assertNotEqual(cell["state"], "fresh")
            else:
                self.assertEqual(cell["state"], "fresh")
        page = self.client("matrix", "--workload", WORKLOAD, *TINY)
        self.assertRegex(page, f"^DEVICE +LIBTORCH +{WORKLOAD}\n")
        self.assertRegex(page, r"box/1t +2\.\S+ +(fresh|missing|invalid)")
        # A month is enough for everything above; a second soon is not.
        eventually("no cell is fresh within a second", lambda: "fresh" not in {
            cell["state"] for cell in self.ask("matrix", "--workload", WORKLOAD, "--fresh", "0.00001", *TINY)["cells"]})

        # What is away is passed over.
        self.programs[1].end()
        eventually("its devices are away", lambda: not self.device_states("box"))
        away = self.run_client(*fill, "--runs", 9, "--dry-run")
        self.assertEqual(away.returncode, 0, away.stderr)
        self.assertEqual(away.stderr.count("skipped box/"), 2, away.stderr)


if __name__ == "__main__":
    unittest.main()
