"""Many runs in, rows out: export against a database that holds more than anybody's memory should, filters, bundles.

The database is filled with SQL, so that no training is needed for what is only about reading.
"""
import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import unittest

from programs import BIN, LAB, Programs, eventually

RUNS = 60
SAMPLES = 5000  # of each run
INTERRUPTED = 130


class ExportTest(Programs):
    def fill(self):
        """Host lab with one cpu, RUNS runs of one job; every second one failed."""
        self.start_server().end()
        self.programs.clear()
        with sqlite3.connect(self.path("server/laptime.db")) as database:
            database.executescript(LAB + f"""
                UPDATE device SET model = '=chip';
                INSERT INTO workload VALUES ('abc', 'simclr-cifar10', '{{}}');
                INSERT INTO job (key, id, idempotency_key, request_digest, workload, preset, config, partial, synthetic,
                  steps_per_epoch, epochs, selectors, repeats, priority, created_unix_ms)
                  VALUES (1, 'j1', 'k', '', 'abc', 'simclr-cifar10', '{{"batch_size":128}}', 0, 0, 390, 2, '[]', 1, 0, 1);
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS})
                INSERT INTO run (key, id, job, device, device_model, repetition, seed, priority, state, attempt, validity,
                  created_unix_ms, median_epoch_seconds, failure_message, failure_hint, failure_cause)
                  SELECT i, printf('%012x', i), 1, 1, '=chip', i, i, 0, 4 + i % 2, 1, 2, i, i + 1.0 / 3,
                  CASE i % 2 WHEN 1 THEN 'out of memory, badly' END, CASE i % 2 WHEN 1 THEN '' END,
                  CASE i % 2 WHEN 1 THEN 1 END FROM n;
                INSERT INTO attempt (run, number, command_id, state, created_unix_ms) SELECT key, 1, key, 4, 1 FROM run;
                INSERT INTO epoch (attempt, number, steps, evaluated_images, wall_seconds)
                  SELECT key, n, 1, 1, run / 3.0 FROM attempt, (SELECT 1 AS n UNION SELECT 2);
                INSERT INTO sensor VALUES (1, 'power', 'watts', 'nvml', 'of the board', 1);
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SAMPLES})
                INSERT INTO sample SELECT key, 1, i, i / 7.0 FROM attempt, n;
            """)
        self.start_server()

    def rows(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.client("export", *arguments))))

    def popen(self, *arguments):
        command = [os.path.join(BIN, "laptime"), "export", *arguments, "--server", self.address]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, cwd=self.dir)
        self.addCleanup(started.stdout.close)
        self.addCleanup(started.stderr.close)
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        return started

    def test_rows(self):
        self.fill()
        with self.subTest("runs"):
            runs = self.rows("runs")
            self.assertEqual([run["seed"] for run in runs], [str(i) for i in range(1, RUNS + 1)])  # oldest first
            self.assertEqual(runs[0]["device_model"], "'=chip")
            self.assertEqual(runs[0]["failure.message"], "out of memory, badly")
            self.assertEqual(float(runs[1]["median_epoch_seconds"]), 2 + 1 / 3)
        with self.subTest("filters"):
            self.assertEqual(len(self.rows("runs", "--where", "state=failed", "--where", "epoch_seconds<10")), 5)
            self.assertEqual(len(self.rows("epochs", "--where", "seed=3|4")), 4)
            listed = self.ask("run", "list", "--where", "seed>=58, state=succeeded")["runs"]
            self.assertEqual([run["seed"] for run in listed], [60, 58])
        with self.subTest("epochs and samples are whole"):
            laps = [json.loads(line) for line in self.client("export", "epochs", "--format", "jsonl").splitlines()]
            self.assertEqual(len(laps), 2 * RUNS)
            self.assertEqual(laps[0]["epoch"]["wall_seconds"], 1 / 3)
            samples = self.rows("samples", "--where", "seed=7")
            self.assertEqual(len(samples), SAMPLES)
            self.assertEqual([int(row["time_ms"]) for row in samples], list(range(1, SAMPLES + 1)))
            self.assertEqual(float(samples[0]["value"]), 1 / 7)
        with self.subTest("nothing"):
            text = self.client("export", "samples", "--where", "seed=0")
            self.assertEqual(text, "run_id,device,sensor,source,unit,time_ms,value\n")
            self.assertEqual(self.client("export", "samples", "--where", "seed=0", "--format", "jsonl"), "")
        with self.subTest("fields"):
            self.assertEqual(self.client("export", "runs", "--where", "seed=1", "--fields", "id,state"),
                             "id,state\n000000000001,failed\n")
        with self.subTest("mistakes"):
            for words, wrong in ((["runs", "--where", "stat=failed"], "did you mean 'state'?"),
                                 (["runs", "--where", "x'; DROP TABLE run; --=1"], "unknown condition"),
                                 (["runs", "-o", "md"], "csv or jsonl, not md"),
                                 (["runs", "--fields", "stat"], "did you mean 'state'?")):
                done = self.run_client("export", *words)
                self.assertEqual(done.returncode, 2, words)
                self.assertIn(wrong, done.stderr)
                self.assertEqual(done.stdout, "")
        with self.subTest("nobody there"):
            self.assertEqual(self.run_client("export", "runs", "--server", "127.0.0.1:1", server=False).returncode, 5)
        self.ends_early()
        self.has_a_limit()

    def ends_early(self):
        with self.subTest("a closed pipe ends it without a word"):
            process = self.popen("samples")
            self.assertTrue(process.stdout.readline())
            process.stdout.close()
            self.assertIn(process.wait(60), (0, -signal.SIGPIPE))
            self.assertEqual(process.stderr.read(), b"")
        with self.subTest("Ctrl-C leaves whole lines"):
            process = self.popen("samples", "--format", "jsonl")
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            text = first + process.stdout.read()
            self.assertEqual(process.wait(60), INTERRUPTED)
            self.assertTrue(text.endswith(b"\n"))
            for line in text.splitlines():
                json.loads(line)
            self.assertLess(len(text.splitlines()), RUNS * SAMPLES)
            self.assertIn(b"interrupted after", process.stderr.read())
        with self.subTest("a full disk is an error"):
            if os.path.exists("/dev/full"):
                with open("/dev/full", "w") as full:
                    done = self.run_client("export", "runs", stdout=full)
                self.assertEqual(done.returncode, 1)
                self.assertIn("cannot write to standard output", done.stderr)

    def has_a_limit(self):
        """Clients that do not read hold a thread each; the server takes only so many."""
        waiting = [self.popen("samples") for _ in range(4)]
        for process in waiting:
            self.assertTrue(process.stdout.readline())
        refused = self.run_client("export", "runs")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("4 are being sent already", refused.stderr)
        for process in waiting:
            process.kill()
        eventually("their places are free", lambda: self.run_client("export", "runs").returncode == 0)

    def test_notes(self):
        self.fill()
        self.client("run", "annotate", "00000000000a", "  fan was loud, window open ")
        self.client("run", "annotate", "00000000000a", "second")
        shown = self.ask("run", "show", "00000000000a")["annotations"]
        self.assertEqual([note["text"] for note in shown], ["fan was loud, window open", "second"])
        self.assertTrue(shown[0]["author"])
        self.assertIn("fan was loud", self.client("run", "show", "00000000000a"))
        found = self.ask("run", "list", "--where", 'note~"LOUD, w"')["runs"]
        self.assertEqual([run["seed"] for run in found], [10])
        for text, wrong in (("", "is empty"), ("   ", "is empty"), ("x" * 1001, "1001 characters"),
                            ("bell\x07", "control character")):
            done = self.run_client("run", "annotate", "00000000000a", text)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(wrong, done.stderr)
        self.assertEqual(self.run_client("run", "annotate", "nothing", "x").returncode, 3)


if __name__ == "__main__":
    unittest.main()
