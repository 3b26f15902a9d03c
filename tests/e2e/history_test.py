"""How times develop: real runs, one with a remark; runs of given times, judged by those before them."""
import csv
import io
import sqlite3
import unittest

from programs import LAB, Programs

RUNS = 5
PATIENCE = 400               # seconds for them on a busy machine
SUCCEEDED = 4                # RUN_STATE_…
CLEAN, CONTAMINATED = 2, 4   # VALIDITY_…


class HistoryTest(Programs):
    def measure(self):
        job = self.submit("box/cpu", repeat=RUNS, epochs=1)
        self.client("job", "wait", job, deadline=PATIENCE)
        return sorted(self.job_runs(job), key=lambda run: int(run["started_unix_ms"]))

    def test_runs_over_time(self):
        self.start_server()
        self.start_agent("box")
        runs = self.measure()
        self.client("run", "annotate", runs[1]["id"], "window open")
        measured = [series for series in self.ask("history")["series"] if series["source"] == "measured"]
        self.assertEqual([series["device"] for series in measured], ["box/cpu"])
        points = measured[0]["points"]
        self.assertEqual([point["run_id"] for point in points], [run["id"] for run in runs])
        self.assertEqual([point["seconds"] for point in points], [run["median_epoch_seconds"] for run in runs])
        self.assertEqual([remark["text"] for remark in points[1]["annotations"]], ["window open"])
        page = self.client("history", "--device", "box/cpu", "--workload", runs[0]["workload_hash"][:8],
                           "--since", "1h")
        self.assertTrue(page.startswith("simclr-synthetic-cifar10 " + runs[0]["workload_hash"][:8] + " on box/cpu, "))
        self.assertIn("window open", page)
        self.assertEqual("next run" in page, "mean_seconds" in measured[0], page)
        self.assertNotIn("elsewhere", page)
        self.assertEqual(self.ask("history", "--where", "state=succeeded", "--where", "since=1h")["series"],
                         measured)
        table = list(csv.DictReader(io.StringIO(self.client("history", "--device", "box/cpu", "-o", "csv"))))
        self.assertEqual([row["run_id"] for row in table], [run["id"] for run in runs])
        self.assertEqual(len(self.client("history", "--device", "box/cpu", "-o", "jsonl").splitlines()), 1)
        chosen = self.client("history", "--device", "box/cpu", "-o", "jsonl", "--fields", "run_id,seconds")
        self.assertEqual(len(chosen.splitlines()), RUNS)

    def fill(self, runs):
        """Host lab with one cpu and these runs of one job, as (lap in seconds, validity), a minute apart."""
        self.start_server().end()
        self.programs.clear()
        with sqlite3.connect(self.path("server/laptime.db")) as database:
            database.executescript(LAB + """
                INSERT INTO segment VALUES ('s1', 'one software');
                INSERT INTO workload VALUES ('abc', 'simclr-cifar10', '{}');
                INSERT INTO job (key, id, idempotency_key, request_digest, workload, preset, config, partial, synthetic,
                  steps_per_epoch, epochs, selectors, repeats, priority, created_unix_ms)
                  VALUES (1, 'j1', 'k', '', 'abc', 'simclr-cifar10', '{}', 0, 0, 390, 2, '[]', 1, 0, 1);
            """)
            database.executemany(
                "INSERT INTO run (key, id, job, device, device_model, repetition, seed, priority, state, attempt, "
                f"validity, created_unix_ms, started_unix_ms, median_epoch_seconds, segment) VALUES (?1, 'r' || ?1, 1, 1, "
                f"'chip', ?1, ?1, 0, {SUCCEEDED}, 1, ?3, ?1 * 60000, ?1 * 60000, ?2, 's1')",
                [(number, *run) for number, run in enumerate(runs, start=1)])
        self.start_server()

    def test_verdicts(self):
        self.fill([(10.0, CLEAN), (10.1, CLEAN), (10.2, CLEAN), (10.1, CLEAN), (13.0, CLEAN), (13.0, CONTAMINATED),
                   (10.15, CLEAN), (7.0, CLEAN)])
        series, = (each for each in self.ask("history", "--device", "lab/cpu")["series"])
        points = series["points"]
        self.assertNotIn("changes", {key for key, value in series.items() if value})
        self.assertEqual([point.get("verdict", "") for point in points],
                         ["", "", "", "expected", "slower", "", "expected", "faster"])
        for point in points:
            if not point.get("verdict"):
                continue
            inside = point["low_seconds"] <= point["seconds"] <= point["high_seconds"]
            self.assertEqual(inside, point["verdict"] == "expected", point)
        page = self.client("history", "--device", "lab/cpu")
        self.assertRegex(page, r"13\.0 s +\S+ s to \S+ s +\+28\.\d % +slower")

    def test_a_change_of_level(self):
        self.fill([(10.0, CLEAN), (10.1, CLEAN), (10.2, CLEAN), (10.1, CLEAN), (12.0, CLEAN), (12.1, CLEAN), (12.2, CLEAN),
                   (12.1, CLEAN)])
        series, = (each for each in self.ask("history", "--device", "lab/cpu")["series"])
        self.assertEqual([(change["point"], change["run_id"]) for change in series["changes"]], [(4, "r5")])
        self.assertEqual([point.get("verdict", "") for point in series["points"]],
                         ["", "", "", "expected", "", "", "", "expected"])
        self.assertIn("── 19.8 % slower from here (10.1 s → 12.1 s)", self.client("history", "--device", "lab/cpu"))

    def test_nothing_measured_and_wrong_words(self):
        self.start_server()
        empty = self.run_client("history")
        self.assertEqual(empty.returncode, 0)
        self.assertIn("no run has succeeded yet", empty.stderr)
        self.assertIn("Measured elsewhere", empty.stdout)  # the published results
        nothing = self.run_client("history", "--since", "1d")
        self.assertEqual((nothing.returncode, nothing.stdout), (0, ""))
        self.assertIn("no run that succeeded matches", nothing.stderr)
        for words, code, message in [(("--device", "macbook-pro-14-m1-pro/mp"), 3, "did you mean 'macbook-pro-14-m1-pro/mps'"),
                                     (("--workload", "simclr-cifar"), 3, "did you mean 'simclr-cifar10'"),
                                     (("--since", "soon"), 2, "is no age"),
                                     (("--where", "colour=red"), 2, "colour"),
                                     (("--device", "colour=red"), 2, "colour")]:
            refused = self.run_client("history", *words)
            self.assertEqual(refused.returncode, code, refused.stderr)
            self.assertIn(message, refused.stderr)
            self.assertEqual(refused.stdout, "")


if __name__ == "__main__":
    unittest.main()
