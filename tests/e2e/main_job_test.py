"""The main job: coordinator, agents, a SimCLR job, results in SQLite."""
import unittest

from programs import LASTING, Programs
from results import check_result

class MainJobTest(Programs):
    def test_job_on_the_synthetic_set(self):
        self.start_server()
        self.start_agent("box")
        job = self.submit("box/cpu", epochs=2, **LASTING)
        self.client("job", "wait", job)
        run = self.job_runs(job)[0]
        self.assertTrue(run["synthetic"])
        check_result(self, run, "synthetic-cifar10")
        log = self.client("run", "logs", run["id"])
        for fact in ("backbone", "11,168,832", "head", "328,960", "libtorch: 2.11.0", "cpu"):
            self.assertIn(fact, log)

    def test_quick_job_estimates_a_lap(self):
        self.start_server()
        self.start_agent("box")
        job = self.submit("box/cpu", workload="simclr-cifar10-quick", dataset="synthetic-cifar10", train_images=256,
                          max_steps_per_epoch=0)
        self.client("job", "wait", job)
        run = self.job_runs(job)[0]
        self.assertEqual(run["state"], "RUN_STATE_SUCCEEDED")
        self.assertTrue(run["partial"])
        estimate = run["estimate"]
        self.assertLess(estimate["low_seconds"], estimate["epoch_seconds"])
        self.assertLess(estimate["epoch_seconds"], estimate["high_seconds"])
        lap = self.ask("run", "show", run["id"])["epochs"][0]
        # 64 steps an epoch; the quick lap takes 12 at least, and about as much of the evaluation.
        self.assertGreaterEqual(lap["steps"], 12)
        self.assertLess(lap["steps"], 64)
        self.assertNotIn("knn_accuracy", lap)
        self.assertIn("estimated lap", self.client("run", "show", run["id"]))

    def test_two_agents_on_one_machine_serve_one_job(self):
        self.start_server()
        config = self.path("second.toml")
        with open(config, "w") as file:
            file.write('[[device]]\nname = "cpu-1t"\nkind = "cpu"\nthreads = 1\n')
        self.start_agent("first")
        self.start_agent("second", "--config", config)
        job = self.submit("all", repeat=2, epochs=1)
        self.client("job", "wait", job)
        runs = self.job_runs(job)
        self.assertEqual(sorted((run["device"], run["repetition"]) for run in runs),
                         sorted((device, repetition) for device in ("first/cpu", "second/cpu", "second/cpu-1t")
                                for repetition in (1, 2)))
        self.assertEqual({run["state"] for run in runs}, {"RUN_STATE_SUCCEEDED"})
        # One machine, two agents: never two trainings at a time.
        with self.database() as database:
            laps = database.execute("SELECT started_unix_ms, ended_unix_ms FROM epoch ORDER BY 1").fetchall()
        for (_, ended), (started, _) in zip(laps, laps[1:]):
            self.assertGreaterEqual(started, ended)

    def test_table_shows_this_machine_beside_the_published_devices(self):
        self.start_server()
        self.start_agent("box")
        job = self.submit("box/cpu", epochs=1)
        self.client("job", "wait", job)
        rows = self.ask("table", "simclr-cifar10")["rows"]
        marks = {row["device"]: row["marks"] for row in rows}
        self.assertEqual(sum("published" in mark for mark in marks.values()), 4)
        # The small job has another batch size: other work, so it is not in this table.
        self.assertNotIn("box/cpu", marks)
        job = self.submit("box/cpu", epochs=1, batch_size=128, train_images=256, knn_k=200,
                          max_steps_per_epoch=1)
        self.client("job", "wait", job)
        rows = {row["device"]: row for row in self.ask("table", "simclr-cifar10")["rows"]}
        self.assertEqual(rows["box/cpu"]["marks"][:3], ["estimated", "partial", "synthetic"])
        self.assertNotIn("ratio", rows["box/cpu"])


if __name__ == "__main__":
    unittest.main()
