"""How times develop: real runs, judged by those before them; one with a remark."""
import csv
import io
import unittest

from programs import Programs

RUNS = 5


class HistoryTest(Programs):
    def measure(self):
        job = self.submit("box/cpu", repeat=RUNS, epochs=1)
        self.client("job", "wait", job)
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
        counting = 0  # so far: how many do depends on what else this machine does
        for point in points:
            counts = point["validity"] not in ("VALIDITY_CONTAMINATED", "VALIDITY_INVALID")
            judged = counts and counting >= 3
            counting += counts
            if judged and not measured[0]["changes"]:
                self.assertIn(point["verdict"], ("expected", "slower", "faster"))
                inside = point["low_seconds"] <= point["seconds"] <= point["high_seconds"]
                self.assertEqual(inside, point["verdict"] == "expected")

        page = self.client("history", "--device", "box/cpu", "--workload", runs[0]["workload_hash"][:8],
                           "--since", "1h")
        self.assertTrue(page.startswith("simclr-synthetic-cifar10 " + runs[0]["workload_hash"][:8] + " on box/cpu, "))
        self.assertIn("window open", page)
        self.assertEqual("next run" in page, "low_seconds" in measured[0], page)
        self.assertNotIn("elsewhere", page)
        self.assertEqual(self.ask("history", "--where", "state=succeeded", "--where", "since=1h")["series"],
                         measured)
        table = list(csv.DictReader(io.StringIO(self.client("history", "--device", "box/cpu", "-o", "csv"))))
        self.assertEqual([row["run_id"] for row in table], [run["id"] for run in runs])
        self.assertEqual(len(self.client("history", "--device", "box/cpu", "-o", "jsonl").splitlines()), 1)
        chosen = self.client("history", "--device", "box/cpu", "-o", "jsonl", "--fields", "run_id,seconds")
        self.assertEqual(len(chosen.splitlines()), RUNS)

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
