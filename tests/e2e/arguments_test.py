"""Bad input: one clear line, a hint, the right exit code; and nothing is lost."""
import os
import signal
import socket
import sqlite3
import subprocess
import unittest

from programs import BIN, Programs

OK, FAILURE, USAGE, NOT_FOUND, UNREACHABLE, NO_DEVICE, RUN_FAILED = 0, 1, 2, 3, 5, 6, 7
RECORD = 3073
PER_FILE = 10000
FILES = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]


class ArgumentsTest(Programs):
    def refused(self, code, *words, command, server=True):
        done = self.run_client(*command, server=server)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertEqual(sum(line.startswith("hint: ") for line in done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def test_unknown_names(self):
        self.start_server()
        self.start_agent("box")
        self.refused(USAGE, "did you mean 'simclr-cifar10'?", command=["submit", "simclr-cifar", "--device", "box/cpu"])
        self.refused(USAGE, "did you mean 'batch_size'?",
                     command=["submit", "simclr-cifar10", "--device", "box/cpu", "--set", "bach_size=4"])
        self.refused(NO_DEVICE, "no device matches 'kind=mps'", "box/cpu",
                     command=["submit", "simclr-cifar10", "--device", "kind=mps"])
        self.refused(NO_DEVICE, "did you mean 'box/cpu'?", command=["submit", "simclr-cifar10", "--device", "box/cpi"])
        self.refused(NOT_FOUND, "ffffff", command=["run", "show", "ffffff"])
        self.refused(NOT_FOUND, "ffffff", command=["job", "show", "ffffff"])
        self.refused(NOT_FOUND, "nowhere/cpu", command=["device", "show", "nowhere/cpu"])
        self.refused(NO_DEVICE, "did you mean 'box/cpu'?", command=["device", "list", "box/cpi"])
        self.refused(NO_DEVICE, "no device matches 'kind=mps'", command=["run", "list", "--device", "kind=mps"])
        for code, *command in ((USAGE, "run", "list", "--workload"), (NOT_FOUND, "workload", "show"), (USAGE, "table")):
            self.refused(code, "did you mean 'simclr-cifar10'?", command=[*command, "simclr-cifar"])
        self.refused(NOT_FOUND, "did you mean 'batch_size'?", command=["workload", "explain", "bach_size"])

    def test_typing_errors_in_the_command(self):
        self.refused(USAGE, "did you mean 'submit'?", command=["sumbit", "x"], server=False)
        self.refused(USAGE, "did you mean 'list'?", command=["run", "lst"], server=False)
        self.refused(USAGE, "--device", command=["submit", "x", "--devise", "y"], server=False)
        self.refused(USAGE, command=["run", "list", "-o", "yaml"], server=False)

    def test_impossible_values(self):
        self.start_server()
        self.start_agent("box")
        for setting, *words in (("batch_size=0", "batch_size", "2 to 8192"),
                                ("batch_size=many", "batch_size", "an integer"),
                                ("loader_workers=1000", "loader_workers", "0 to 64"),
                                ("temperature=-1", "temperature", "0.001 to 100"),
                                ("epochs=0", "epochs", "1 to 10000"),
                                ("precision=fp7", "precision", "fp32"),
                                ("train_images=150", "knn_k", "1 to 150"),
                                ("train_images=100", "batch_size", "100 training images")):
            with self.subTest(setting):
                self.refused(USAGE, *words,
                             command=["submit", "simclr-cifar10", "--device", "box/cpu", "--set", setting])
        self.refused(USAGE, "repeat", command=["submit", "simclr-cifar10", "--device", "box/cpu", "--repeat", "1001"])

    def test_coordinator_unreachable(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.address = "127.0.0.1:%d" % taken.getsockname()[1]
        self.refused(UNREACHABLE, self.address, "laptime up", command=["run", "list"])

    def failed_run(self, prepare, *words):
        """A run on damaged data: FAILED by set-up, not tried again, and the agent lives."""
        data = self.path("data")
        os.mkdir(data)
        prepare(data)
        self.start_server()
        agent = self.start_agent("box", "--data", data)
        job = self.submit("box/cpu", workload="simclr-cifar10")
        done = self.run_client("job", "wait", job)
        self.assertEqual(done.returncode, RUN_FAILED, done.stdout + done.stderr)
        run = self.job_runs(job)[0]
        self.assertEqual(run["failure"]["cause"], "FAILURE_CAUSE_SETUP")
        self.assertEqual(run["attempt"], 1)
        for word in words:
            self.assertIn(word, run["failure"]["message"] + run["failure"].get("hint", ""))
        self.assertIsNone(agent.process.poll())
        self.assertEqual(set(self.device_states("box").values()), {"DEVICE_STATE_IDLE"})

    def test_data_missing(self):
        self.failed_run(lambda data: None, "data_batch_1.bin", "laptime-agent data fetch")

    def test_data_truncated(self):
        def prepare(data):
            for name in FILES:
                with open(os.path.join(data, name), "wb") as file:
                    file.truncate(RECORD * PER_FILE)
            with open(os.path.join(data, "data_batch_2.bin"), "r+b") as file:
                file.truncate(1234)
        self.failed_run(prepare, "data_batch_2.bin", "1234", str(RECORD * PER_FILE))

    def test_data_with_impossible_labels(self):
        def prepare(data):
            for name in FILES:
                with open(os.path.join(data, name), "wb") as file:
                    file.truncate(RECORD * PER_FILE)
            with open(os.path.join(data, "data_batch_1.bin"), "r+b") as file:
                file.seek(RECORD * 3)
                file.write(b"\x0b")
        self.failed_run(prepare, "data_batch_1.bin", "label 11")

    def started_badly(self, program, *arguments, code=FAILURE):
        done = subprocess.run([os.path.join(BIN, program), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=self.env, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        for word in ("error: ", "hint: "):
            self.assertEqual(sum(line.startswith(word) for line in done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_second_coordinator(self):
        self.start_server()
        port = self.address.rsplit(":", 1)[1]
        self.assertIn("in use", self.started_badly("laptime-server", "serve", "--port", port,
                                                   "--state", self.path("other")))
        self.assertIn(self.path("server"), self.started_badly("laptime-server", "serve", "--port", "0",
                                                              "--state", self.path("server")))

    def test_second_agent_on_one_state_directory(self):
        self.start_server()
        self.start_agent("box")
        self.assertIn(self.path("agent-box"),
                      self.started_badly("laptime-agent", "run", "--server", self.address, "--name", "box2",
                                         "--state", self.path("agent-box")))

    def test_second_agent_of_one_name(self):
        self.start_server()
        self.start_agent("box")
        self.assertIn("box", self.started_badly("laptime-agent", "run", "--server", self.address, "--name", "box",
                                                "--state", self.path("elsewhere")))

    def test_database_of_a_newer_version(self):
        server = self.start_server()
        server.signal(signal.SIGTERM)
        server.wait()
        with sqlite3.connect(self.path("server/laptime.db")) as database:
            database.execute("PRAGMA user_version = 999")
        self.assertIn("999", self.started_badly("laptime-server", "serve", "--port", "0", "--state",
                                                self.path("server")))

    def test_database_that_is_none(self):
        os.makedirs(self.path("server"))
        with open(self.path("server/laptime.db"), "w") as file:
            file.write("this is a letter to my aunt, longer than a page header of SQLite needs to be\n" * 20)
        self.assertIn("laptime.db", self.started_badly("laptime-server", "serve", "--port", "0", "--state",
                                                       self.path("server")))

    def test_directory_that_cannot_be_written(self):
        with open(self.path("file"), "w"):
            pass
        self.assertIn(self.path("file"), self.started_badly("laptime-server", "serve", "--port", "0", "--state",
                                                            self.path("file/state")))
        self.assertIn(self.path("file"), self.started_badly("laptime-agent", "run", "--server", "127.0.0.1:1",
                                                            "--state", self.path("file/state")))

    def test_address_that_is_not_this_machine(self):
        self.assertIn("loopback", self.started_badly("laptime-server", "serve", "--listen", "0.0.0.0:0",
                                                     "--state", self.path("server")))

    def test_up_on_a_directory_that_is_not_there(self):
        self.refused(USAGE, self.path("nowhere"), "laptime-agent data fetch",
                     command=["up", "--port", "0", "--data", self.path("nowhere")], server=False)

    def test_import_of_nonsense(self):
        self.start_server()
        file = self.path("results.jsonl")
        with open(file, "w") as out:
            out.write('{"source": "me"}\n')
        self.refused(USAGE, "line 1", command=["import", file])
        self.refused(USAGE, "missing.jsonl", command=["import", "missing.jsonl"])


if __name__ == "__main__":
    unittest.main()
