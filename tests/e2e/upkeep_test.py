"""`laptime server backup`, `check` and `gc`, as a person uses them."""
import json
import os
import signal
import sqlite3
import stat
import unittest

from fake_fleet import FakeFleet

DAY_MS = 24 * 60 * 60 * 1000


class UpkeepTest(FakeFleet):
    def change(self, sql):
        """Changes the database of a coordinator that does not run."""
        with sqlite3.connect(self.path("server/laptime.db")) as database:
            database.executescript(sql)
        database.close()

    def test_a_backup_while_a_run_goes_on_restores_what_was_acknowledged(self):
        gate = self.env["LAPTIME_FAKE_GATE"] = self.path("gate")
        server = self.start_server()
        self.start_agent("box", bin=self.bin)
        run = self.job_runs(self.submit("box/cpu", epochs=5))[0]["id"]
        self.wait_for_epochs(run, 1)
        copy = self.path("copy.db")
        told = json.loads(self.client("server", "backup", copy, "-o", "json"))
        self.assertEqual(told["bytes"], os.path.getsize(copy))
        self.assertEqual(stat.S_IMODE(os.stat(copy).st_mode), 0o600)
        # The control: the file alone, without its write-ahead log, does not know the run.
        with open(self.path("server/laptime.db"), "rb") as file, open(self.path("plain.db"), "wb") as plain:
            plain.write(file.read())
        open(gate, "w").close()
        self.wait_for_state(run, "SUCCEEDED")
        self.stop(server)
        lost = []
        for name in ("plain", "copy"):
            with sqlite3.connect(f"file:{self.path(name)}.db?immutable=1", uri=True) as database:
                try:
                    rows = database.execute("SELECT count(*) FROM epoch").fetchone()[0]
                except sqlite3.DatabaseError:
                    rows = 0
            database.close()
            lost.append(rows < 1)
        self.assertEqual(lost, [True, False])

        os.mkdir(self.path("restored"))
        os.rename(copy, self.path("restored/laptime.db"))
        self.start_server(state="restored")
        self.assertEqual(len(self.ask("run", "show", run)["epochs"]), 1)
        self.client("server", "check")
        # The agent's reports since then were acknowledged to another database: what is told is what this one has.
        self.assertNotEqual(self.run_state(run), "RUN_STATE_SUCCEEDED")

    def test_a_backup_replaces_a_file_only_when_told_to(self):
        self.start_server()
        copy = self.path("copy.db")
        with open(copy, "w") as file:
            file.write("precious")
        refused = self.run_client("server", "backup", copy)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is there already", refused.stderr)
        self.assertIn("--yes", refused.stderr)
        with open(copy) as file:
            self.assertEqual(file.read(), "precious")
        self.client("server", "backup", copy, "--yes")
        self.assertGreater(os.path.getsize(copy), 4096)
        for bad in (self.path("nowhere/copy.db"), self.dir):
            refused = self.run_client("server", "backup", bad, "--yes")
            self.assertEqual(refused.returncode, 1, bad)
        self.assertEqual([name for name in os.listdir(self.dir) if name.endswith(".part")], [])

    def test_a_backup_that_fails_keeps_the_older_one(self):
        server = self.start_server()
        copy = self.path("copy.db")
        self.client("server", "backup", copy)
        before = os.path.getsize(copy)
        server.signal(signal.SIGKILL)
        server.wait()
        failed = self.run_client("server", "backup", copy, "--yes")
        self.assertEqual(failed.returncode, 5, failed.stderr)
        self.assertEqual(os.path.getsize(copy), before)

    def test_check_finds_a_lost_lap(self):
        server = self.start_server()
        agent = self.start_agent("box", bin=self.bin)
        run = self.finished_run(epochs=3)
        table = self.client("server", "check")
        self.assertIn("epochs are numbered without a gap", table)
        self.stop(agent)
        self.stop(server)
        self.change("DELETE FROM epoch WHERE number = 2")
        self.start_server()
        found = self.run_client("server", "check", "-o", "json")
        self.assertEqual(found.returncode, 1)
        self.assertIn("wrong in", found.stderr)
        wrong = [check for check in json.loads(found.stdout)["checks"] if check.get("wrong")]
        self.assertIn(f"run {run}", wrong[0]["examples"][0])

    def test_gc_takes_samples_of_old_runs_and_no_laps(self):
        server = self.start_server()
        agent = self.start_agent("box", bin=self.bin)
        run = self.finished_run()
        self.stop(agent)
        self.stop(server)
        self.change("INSERT INTO sensor VALUES (1000, 'seeded', 'percent', 'test', '', 1);"
                    "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 50000) "
                    "INSERT INTO sample SELECT 1, 1000, n, 1.5 FROM number;"
                    f"UPDATE run SET ended_unix_ms = ended_unix_ms - 200 * {DAY_MS}")
        self.start_server()
        told = self.ask("server", "gc", "--dry-run")
        self.assertEqual((told["runs"], told["samples"], told["keep_days"]), (1, 50000, 180))
        self.assertEqual(self.ask("server", "gc", "--older-than", "300d").get("runs", 0), 0)
        done = self.ask("server", "gc", "--compact")
        self.assertEqual(done["samples"], 50000)
        self.assertLess(done["bytes_after"], done["bytes_before"])
        self.assertEqual(len(self.ask("run", "show", run)["epochs"]), 2)
        self.assertEqual(self.ask("server", "gc").get("samples", 0), 0)
        self.client("server", "check")
        wrong = self.run_client("server", "gc", "--older-than", "soon")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("it takes 90d", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
