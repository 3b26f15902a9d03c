"""A coordinator and agents under faults, whose trainers play a script, and the judge of what they leave behind."""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from programs import BIN, Programs, eventually  # noqa: E402
from promise_row import print_tried  # noqa: E402

SEED = int(os.environ.get("LAPTIME_FAULTS_SEED", "1"))
LONG = os.environ.get("LAPTIME_FAULTS") == "long"
PRELOAD = os.path.join(BIN, "laptime_faults_preload.so")
ENDED = 4  # run states from here on are ends


def times(briefly, at_length):
    return at_length if LONG else briefly


def nothing_found():
    """What the judge says of a database that is as it must be."""
    return {"lost": 0, "doubled": 0, "complaints": []}


def add_findings(found, more):
    for key, value in more.items():
        found[key] += value


class Fleet(Programs):
    """A coordinator and agents `box0`, `box1`, …, each with a machine lock of its own."""

    LAP_MS = 40
    LISTEN = "127.0.0.1"

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.env.update(LAPTIME_TRAINER=os.path.join(BIN, "laptime_fake_trainer"),
                        LAPTIME_FAKE_LAP_MS=str(self.LAP_MS))
        del self.env["LAPTIME_MACHINE_LOCK"]  # each agent has its own
        self.options = []
        self.runs = []  # ids of those whose submission was acknowledged
        self.jobs = []  # theirs

    def start(self, program, *arguments, preload=None, **options):
        usual = self.env
        if preload:
            self.env = dict(usual, LD_PRELOAD=PRELOAD, **preload)
        try:
            return super().start(program, *arguments, **options)
        finally:
            self.env = usual

    # ---- the fleet ----

    def start_fleet(self, agents, *options, disks_fill=False):
        """`disks_fill`: the disk of the state directory DIR is full while DIR.full is there."""
        def disk(directory):
            return {"LAPTIME_FULL_DISK": self.path(directory)} if disks_fill else None

        self.options = list(options)
        self.server = self.start_coordinator(preload=disk("server"))
        self.port = self.address.rsplit(":", 1)[1]
        self.agents = [self.start_box(number, preload=disk(f"agent-box{number}")) for number in range(agents)]
        for number in range(agents):
            eventually(f"box{number} is attached", lambda: self.device_states(f"box{number}"))

    def start_coordinator(self, preload=None, wait=True):
        """On the port of its last life. With `wait` it listens when this returns."""
        port = getattr(self, "port", "0")
        server = self.start("laptime-server", "serve", "--listen", f"{self.LISTEN}:{port}", "--state",
                            self.path("server"), *self.options, preload=preload)

        def listening():
            for line in server.output().splitlines():
                if line.startswith("listening on "):
                    return line.split()[-1]
            self.assertIsNone(server.process.poll(), server.output())
            return None

        if wait:
            self.address = eventually("the coordinator listens", listening)
        return server

    def address_for(self, number):
        """The coordinator's, as box `number` knows it."""
        return self.address

    def start_box(self, number, preload=None):
        return self.start("laptime-agent", "run", "--server", self.address_for(number), "--name", f"box{number}",
                          "--state", self.path(f"agent-box{number}"), "--machine-lock", self.path(f"lock{number}"),
                          preload=preload)

    def forget(self, program):
        """Waits for a program that was killed; only live ones are ended with the test."""
        program.wait()
        self.programs.remove(program)

    def kill(self, program):
        program.signal(signal.SIGKILL)
        self.forget(program)

    def trainers(self, agent):
        """Its children; asked of its threads alone, because a look at every process takes longer than a run."""
        found = []
        try:
            for thread in os.listdir(f"/proc/{agent.pid}/task"):
                with open(f"/proc/{agent.pid}/task/{thread}/children") as children:
                    found += [int(pid) for pid in children.read().split() if self.is_trainer(pid)]
        except OSError:
            pass  # a thread, or the agent, has ended
        return found

    def is_trainer(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline") as line:
                return "laptime_fake_trainer" in line.read()
        except OSError:
            return False

    def kill_if_trainer(self, pid):
        """False when it had ended: its number may be another process's by now."""
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            if not self.is_trainer(pid):
                return False
            signal.pidfd_send_signal(process, signal.SIGKILL)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(process)

    def clear(self):
        """Ends everything and empties the directory, for another fleet."""
        self.end_all()
        self.programs.clear()
        self.runs.clear()
        self.jobs.clear()
        del self.port
        for name in os.listdir(self.dir):
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)

    def submit_to(self, number, repeat, epochs):
        job = self.submit(f"box{number}/cpu", repeat=repeat, epochs=epochs)
        runs = [run["id"] for run in self.job_runs(job)]
        self.runs += runs
        self.jobs.append(job)
        return job

    def train(self, agents, repeat, epochs):
        """Starts a fleet that trains until `stop_training`, run after run."""
        self.start_fleet(agents)
        self.begin_to_train(agents, repeat, epochs)

    def begin_to_train(self, agents, repeat, epochs):
        for number in range(agents):
            self.submit_to(number, repeat, epochs)
        for number in range(agents):
            eventually(f"box{number} trains", lambda: self.epochs_of(number))

    def stop_training(self, deadline=120):
        """Ends what still trains or waits; what was found. No run may have had more than one attempt."""
        self.cancel_all()
        found = self.finish(deadline)
        # It has succeeded, or was cancelled, maybe before its first attempt.
        ends = self.ask_database("SELECT DISTINCT state, attempt FROM run")
        self.assertTrue(ends)
        for state, attempts in ends:
            self.assertIn((state, attempts), [(4, 1), (6, 1), (6, 0)])
        return found

    def cancel_all(self):
        """What has ended already stays as it is."""
        for job in self.jobs:
            self.run_client("job", "cancel", job)

    # ---- what they wrote ----

    def ask_database(self, sql, *values):
        """Rows of the coordinator's database; none while it cannot be read."""
        try:
            database = self.database()
            try:
                return database.execute(sql, values).fetchall()
            finally:
                database.close()
        except sqlite3.OperationalError:
            return []

    def epochs_stored(self):
        rows = self.ask_database("SELECT count(*) FROM epoch")
        return rows[0][0] if rows else 0

    def epochs_of(self, number):
        """Those of box `number` that have arrived."""
        rows = self.ask_database(
            "SELECT count(*) FROM epoch JOIN attempt ON attempt.key = epoch.attempt JOIN run ON run.key = attempt.run "
            "JOIN device ON device.key = run.device JOIN host ON host.id = device.host WHERE host.name = ?",
            f"box{number}")
        return rows[0][0] if rows else 0

    def runs_open(self):
        """How many runs have not ended; None when nobody knows."""
        rows = self.ask_database("SELECT count(*) FROM run WHERE state < ?", ENDED)
        return rows[0][0] if rows else None

    def wait_for_more_epochs(self, deadline=30, number=None):
        """Of all boxes, or of box `number`."""
        def epochs():
            return self.epochs_stored() if number is None else self.epochs_of(number)
        before = epochs()
        eventually("reports arrive", lambda: epochs() > before or self.runs_open() == 0, deadline)

    def spooled_epochs(self, number):
        """{(run, attempt): the highest epoch that the agent's spool ever made durable}"""
        spool = sqlite3.connect(f"file:{self.path(f'agent-box{number}')}/spool.db?mode=ro", uri=True)
        try:
            return {(run, attempt): epochs for run, attempt, epochs in
                    spool.execute("SELECT run_id, number, epochs FROM attempt")}
        finally:
            spool.close()

    def judge(self, is_over=True):
        """What laptime_check_faults finds: the epochs in the coordinator's database must be those that the agents'
        spools made durable. `is_over`: nothing else may be there, and every run has ended."""
        witness = ["complete", "all_ended"] if is_over else []
        witness += [f"run {run}" for run in self.runs]
        for number in range(len(self.agents)):
            for (run, attempt), epochs in self.spooled_epochs(number).items():
                witness += [f"epoch {run} {attempt} {epoch}" for epoch in range(1, epochs + 1)]
        with open(self.path("witness"), "w") as file:
            file.write("\n".join(witness) + "\n")
        done = subprocess.run([os.path.join(BIN, "laptime_check_faults"), self.path("server/laptime.db"),
                               self.path("witness")], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def finish(self, deadline=120):
        """Faults are over: every run must come to its end, and every report must arrive."""
        eventually("every run has ended", lambda: self.runs_open() == 0, deadline)
        for number in range(len(self.agents)):
            eventually(f"box{number} has reported everything", lambda: self.spool_is_empty(number), deadline)
        return self.judge()

    # ---- for the controls: somebody said OK to what was not durable yet ----

    def copy_before(self, directory, name):
        """The database as it is now, to be put back."""
        with sqlite3.connect(f"file:{self.path(directory)}/{name}?mode=ro", uri=True) as database, \
                sqlite3.connect(self.path("before.db")) as copy:
            database.backup(copy)

    def put_back(self, directory, name):
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):  # an orderly end leaves none
                os.remove(self.path(f"{directory}/{name}{suffix}"))
        os.replace(self.path("before.db"), self.path(f"{directory}/{name}"))

    def acknowledge_before_the_commit(self, end):
        """`end` ends a coordinator whose database then is one from before; what the judge says of its next life."""
        self.wait_for_more_epochs()
        self.copy_before("server", "laptime.db")
        for _ in range(5):
            self.wait_for_more_epochs()
        end()
        self.put_back("server", "laptime.db")
        self.server = self.start_coordinator()
        self.wait_for_more_epochs()
        self.cancel_all()
        return self.finish()  # with all that was merely late

    def spool_is_empty(self, number):
        spool = sqlite3.connect(f"file:{self.path(f'agent-box{number}')}/spool.db?mode=ro", uri=True)
        try:
            return spool.execute("SELECT count(*) FROM report").fetchone()[0] == 0
        finally:
            spool.close()

    def count(self, fault, what, tried, found):
        print_tried(fault, what, tried, found["lost"], found["doubled"])
        self.assertEqual((found["lost"], found["doubled"]), (0, 0), "\n".join(found["complaints"]))


def main():
    if not os.path.isdir("/proc/self"):
        print("skipped: the drivers need Linux")
        sys.exit(77)
    program = unittest.main(exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    if program.result.skipped:  # a part of it: ctest shows that
        sys.exit(77)
