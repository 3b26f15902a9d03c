"""Starts the real programs for an end-to-end test, and ends every one of them, whatever happens.

Nothing here sleeps for a time: `eventually` asks until the answer is there or a deadline has passed.
"""
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import unittest

BIN = os.path.abspath(os.environ.get("LAPTIME_BIN", "build/release/bin"))
DEADLINE = 120  # seconds until a condition counts as never coming true

# A workload that the slowest machine finishes in seconds: the whole path, little arithmetic.
SMALL = {"batch_size": 4, "train_images": 32, "eval_images": 8, "knn_k": 8, "max_steps_per_epoch": 2,
         "loader_workers": 1}
# Laps of seconds on a fast machine, too: the device is sampled once a second, and a lap without a sample has no utilization.
LASTING = {"max_steps_per_epoch": 6}


def eventually(what, condition, deadline=DEADLINE):
    """The first true answer of `condition`."""
    end = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"never came true in {deadline} s: {what}")
        time.sleep(0.05)


def processes():
    """{process id: (its parent's, its command line)}, zombies left out."""
    found = {}
    if not os.path.isdir("/proc/self"):  # macOS
        listed = subprocess.run(["ps", "-axo", "pid=,ppid=,stat=,command="], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            pid, parent, state, command = line.split(None, 3)
            if not state.startswith("Z"):
                found[int(pid)] = (int(parent), command)
        return found
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
            with open(f"/proc/{entry}/cmdline") as command:
                line = command.read().replace("\0", " ")
        except OSError:
            continue
        if state != "Z":
            found[int(entry)] = (int(parent), line)
    return found


def descendants(pid):
    listed = processes()

    def below(parent):
        children = [child for child, (its_parent, _) in listed.items() if its_parent == parent]
        return children + [grandchild for child in children for grandchild in below(child)]
    return below(pid)


def alive(pid):
    return pid in processes()


def command_line(pid):
    return processes().get(pid, (0, ""))[1]


def kill(pid):
    for number in (signal.SIGCONT, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


# What a coordinator stores of a host `lab` with one cpu (device 1), for tests that write their runs themselves.
LAB = """
    INSERT INTO host (id, name, os, kernel, cpu_model, agent_version, first_seen_unix_ms, last_seen_unix_ms)
      VALUES ('h', 'lab', 'Debian', '6', 'chip', '0', 0, 0);
    INSERT INTO device VALUES (1, 'h', 'cpu', 'cpu', 1, 'chip', 'cpu', 2, 1e9, 1, 0, 1);
"""


class Program:
    """One running program; its output lies in a file."""

    def __init__(self, arguments, log, env):
        self.log = log
        with open(log, "w") as out:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, env=env, start_new_session=True)
        self.pid = self.process.pid

    def output(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        return self.process.wait(deadline)

    def end(self):
        for pid in [self.pid] + descendants(self.pid):
            kill(pid)
        self.process.wait()


class Programs(unittest.TestCase):
    """A test case with a directory of its own, in which it starts coordinators, agents and clients."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="laptime-e2e-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.programs = []
        self.addCleanup(self.end_all)
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("LAPTIME_")}
        self.env.update(HOME=self.dir, XDG_STATE_HOME=f"{self.dir}/state", XDG_CONFIG_HOME=f"{self.dir}/config",
                        XDG_CACHE_HOME=f"{self.dir}/cache", NO_COLOR="1",
                        LAPTIME_MACHINE_LOCK=f"{self.dir}/machine.lock", LAPTIME_PROBE_AFTER="off")
        self.address = None

    def end_all(self):
        for program in self.programs:
            program.end()
        for pid in self.left_behind():
            kill(pid)

    def left_behind(self):
        """Programs whose command line names this test's directory, whoever their parent is by now."""
        return [pid for pid, (_, command) in processes().items() if self.dir in command and pid != os.getpid()]

    def path(self, name):
        return os.path.join(self.dir, name)

    def invocation(self, program, *arguments, bin=BIN):
        return [os.path.join(bin, program), *map(str, arguments)]

    def start(self, program, *arguments, log=None, bin=BIN):
        log = self.path(log or f"{program}-{len(self.programs)}.log")
        started = Program(self.invocation(program, *arguments, bin=bin), log, self.env)
        self.programs.append(started)
        return started

    def start_server(self, *arguments, port=0, state="server"):
        server = self.start("laptime-server", "serve", "--port", port, "--state", self.path(state), *arguments)

        def listening():
            for line in server.output().splitlines():
                if line.startswith("listening on "):
                    return line.split()[-1]
            self.assertIsNone(server.process.poll(), server.output())
            return None

        self.address = eventually("the coordinator listens", listening)
        return server

    def start_agent(self, name, *arguments, address=None, bin=BIN):
        agent = self.start("laptime-agent", "run", "--server", address or self.address, "--name", name,
                           "--state", self.path(f"agent-{name}"), *arguments, bin=bin)
        eventually(f"agent {name} is attached", lambda: self.device_states(name))
        return agent

    def up(self, *arguments):
        """`laptime up`, with its agent attached, on the database that `self.database()` reads."""
        program = self.start("laptime", "up", "--port", "0", "--state", self.path("server"), *arguments, log="up.log")

        def address():
            for line in program.output().splitlines():
                for word in line.split():
                    if word.startswith("127.0.0.1:"):
                        return word.rstrip(".,")
            self.assertIsNone(program.process.poll(), program.output())
            return None

        self.address = eventually("up shows its address", address)
        eventually("a device is attached", lambda: "/cpu" in self.run_client("device", "list").stdout)
        return program

    def run_client(self, *arguments, server=True, deadline=DEADLINE, text_in=None, stdout=subprocess.PIPE):
        command = self.invocation("laptime", *arguments)
        if server:
            command += ["--server", self.address]
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=deadline, env=self.env,
                              cwd=self.dir, input=text_in, stdin=None if text_in else subprocess.DEVNULL)

    def run_program(self, program, *arguments, deadline=DEADLINE):
        command = self.invocation(program, *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=deadline, env=self.env, cwd=self.dir,
                              stdin=subprocess.DEVNULL)

    def client(self, *arguments, **options):
        done = self.run_client(*arguments, **options)
        self.assertEqual(done.returncode, 0, f"laptime {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *arguments):
        return json.loads(self.client(*arguments, "-o", "json"))

    def device_states(self, host):
        done = self.run_client("device", "list", "-o", "json")
        if done.returncode != 0:
            return {}
        return {device["id"]: device["state"] for device in json.loads(done.stdout).get("devices", [])
                if device["host"] == host and device["state"] != "DEVICE_STATE_AWAY"}

    def submit(self, device, repeat=1, workload="simclr-synthetic-cifar10", **settings):
        """Submits without waiting; returns the job's id."""
        values = dict(SMALL, **settings)
        return self.client("submit", workload, "--device", device, "--repeat", repeat, "--detach",
                           *[word for key, value in values.items() for word in ("--set", f"{key}={value}")]).strip()

    def job_runs(self, job):
        return self.ask("job", "show", job)["runs"]

    def run_state(self, run):
        return self.ask("run", "show", run)["run"]["state"]

    def wait_for_epochs(self, run, count):
        eventually(f"run {run} has {count} epochs",
                   lambda: len(self.ask("run", "show", run).get("epochs", [])) >= count)

    def wait_for_state(self, run, state, deadline=DEADLINE):
        eventually(f"run {run} is {state}", lambda: self.run_state(run) == f"RUN_STATE_{state}", deadline)

    def database(self, state="server"):
        return sqlite3.connect(f"file:{self.path(state)}/laptime.db?mode=ro", uri=True)

    def trainers(self, agent):
        return [pid for pid in descendants(agent.pid) if "laptime-trainer" in command_line(pid)]


class Link:
    """A TCP proxy that can be cut: while cut it reads nothing and forwards nothing, like a pulled cable. `drop` ends
    the connections that go through it."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.whole = threading.Event()
        self.whole.set()
        self.connections = set()  # pairs of sockets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        self.whole.clear()

    def heal(self):
        self.whole.set()

    def drop(self, reset=False):
        """Ends every connection, in order or with a reset. What was sent shortly before may not arrive."""
        for ends in list(self.connections):
            if reset:
                self.connections.discard(ends)
            for end in ends:
                try:
                    if reset:  # then close() sends one, unless the end was announced before
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
                except OSError:
                    pass  # it has ended by itself

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        self.whole.wait()
        try:
            far = socket.create_connection(self.target)
        except OSError:
            near.close()
            return
        ends = (near, far)
        self.connections.add(ends)
        back = threading.Thread(target=self._pump, args=(far, near, ends), daemon=True)
        back.start()
        self._pump(near, far, ends)
        back.join()
        self.connections.discard(ends)
        for end in ends:
            end.close()

    def _pump(self, source, sink, ends):
        try:
            while data := source.recv(65536):
                self.whole.wait()
                sink.sendall(data)
        except OSError:
            pass
        if ends not in self.connections:
            return  # it is reset
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
