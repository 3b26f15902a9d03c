"""The limits of a coordinator's port: many connections that say nothing, and no descriptor left for one more."""
import os
import resource
import signal
import socket
import statistics
import sys
import threading
import time
import unittest

from fake_fleet import FakeFleet
from programs import eventually
from promise_row import print_figure, print_tried
from secured_fleet import SecuredFleet

IDLE = 10_000
ROUNDS = 3
ATTACHES_WITHIN = 1  # seconds
SERVES_WITHIN = 30
ABSURD = 30          # a machine that builds at the same time is slow; one that takes longer does not serve
OPENED_WITHIN = 3.5  # because the coordinator ends each idle connection after 5
BATCH = 1000
DESCRIPTORS = 64     # of a coordinator that is to run out of them
LAPS = 12
DEAF = 75            # its exit code then
STRANGERS = 300
LINES_A_MINUTE = 20  # kGrpcLinesPerMinute of proto/support/grpc_log.h
RESTART_AFTER = 2    # as RestartSec= of deploy/systemd/laptime-server.service


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Supervisor:
    """Starts a coordinator, and starts it anew when it ends with 75, as systemd's Restart= does."""

    def __init__(self, start):
        self.start = start
        self.server = start()
        self.deaf = []  # when it ended so
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while self.server.wait(None) == DEAF:
            self.deaf.append(time.monotonic())
            if self.over.wait(RESTART_AFTER):
                return
            self.server = self.start()

    def stop(self):
        self.over.set()
        self.server.signal(signal.SIGTERM)
        self.thread.join()


@unittest.skipUnless(sys.platform == "linux", "counts descriptors in Linux's /proc")
class LimitsTest(SecuredFleet, FakeFleet):
    def open_idle(self, count):
        """Connections that never say a word."""
        port = int(self.address.rsplit(":", 1)[1])
        made = []
        for _ in range(count):
            made.append(socket.create_connection(("127.0.0.1", port), ABSURD))
            self.addCleanup(made[-1].close)
        return made

    def attach(self, name):
        """Seconds from the start of an agent that has joined until it is attached, and until a person sees it."""
        began = time.monotonic()
        agent = self.start("laptime-agent", "run", "--server", self.address, "--name", name, "--state",
                           self.path(f"agent-{name}"), bin=self.bin)
        while "attached to" not in agent.output():
            self.assertIsNone(agent.process.poll(), agent.output())
            self.assertLess(time.monotonic() - began, ABSURD, agent.output())
            time.sleep(0.002)
        attached = time.monotonic() - began
        eventually(f"agent {name} is shown", lambda: self.device_states(name), ABSURD)
        return attached, time.monotonic() - began

    def attach_among(self, idle, name):
        """As above, and how many idle connections the coordinator had accepted when the agent started: fewer than all
        where the machine is too slow."""
        before = descriptors(self.server.pid)
        connections = []
        end = time.monotonic() + OPENED_WITHIN

        def wait_until_held(count):
            eventually(f"{count} are accepted", lambda: held() >= count or time.monotonic() > end)

        def held():
            return descriptors(self.server.pid) - before

        while len(connections) < idle and time.monotonic() < end:
            connections += self.open_idle(min(BATCH, idle - len(connections)))
            wait_until_held(len(connections) - BATCH)
        wait_until_held(len(connections))
        accepted = held()
        took, shown = self.attach(name)
        for one in connections:
            one.close()
        eventually("their descriptors are closed", lambda: held() <= 5)
        return took, shown, accepted

    def test_an_agent_attaches_among_idle_connections(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the coordinator inherits it
        idle = min(IDLE, hard - 500)
        self.initialise()
        self.log_in_as_admin()
        names = [f"{kind}{number}" for kind in ("alone", "among") for number in range(ROUNDS)]
        for name in names:
            self.join_new(name)
        alone = [self.attach(name) for name in names[:ROUNDS]]
        among = [self.attach_among(idle, name) for name in names[ROUNDS:]]
        away = [name for name in names if not self.device_states(name)]
        took, shown, accepted = zip(*among)
        print_figure("S5", f"an agent attaches among {min(accepted)} idle connections", ATTACHES_WITHIN, max(took), "s",
                     f"longest of {ROUNDS}, median {statistics.median(took):.2f}, shown {max(shown):.2f}; without them "
                     f"{max(one[0] for one in alone):.2f}, shown {max(one[1] for one in alone):.2f}")
        print_tried("S5", f"idle connections held, {ROUNDS} times {IDLE} at most", sum(accepted), 0)
        print_tried("S5", f"agents attached, none away, {ROUNDS} times so many idle connections", len(names), len(away))
        self.assertEqual(away, [])
        self.assertIsNone(self.server.process.poll(), self.server.output()[-2000:])

    def test_strangers_do_not_fill_the_log(self):
        self.initialise()
        before = self.server.output().count("\n")
        for stranger in self.open_idle(STRANGERS):
            stranger.settimeout(ABSURD)
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while stranger.recv(100):
                pass
        log = self.server.output()
        self.assertIn(" gRPC: Handshake failed", log)
        self.assertLessEqual(log.count("\n") - before, LINES_A_MINUTE, log)

    def start_small(self):
        """A coordinator that has few descriptors, on the port of its last life."""
        server = self.start("laptime-server", "serve", "--port", self.port, "--state", self.state)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        return server

    def test_it_serves_again_after_it_had_no_descriptor_left(self):
        gate = self.env["LAPTIME_FAKE_GATE"] = self.path("gate")
        self.initialise()
        self.port = self.address.rsplit(":", 1)[1]
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        supervisor = Supervisor(self.start_small)
        self.addCleanup(supervisor.stop)
        first = supervisor.server
        eventually("the coordinator listens", self.shake_hands)
        self.log_in_as_admin()
        agent = self.join_and_run("box", bin=self.bin)
        run = self.job_runs(self.submit("box/cpu", epochs=LAPS))[0]["id"]
        self.wait_for_epochs(run, 1)

        connections = self.open_idle(2 * DESCRIPTORS)
        eventually("it has no descriptor left", lambda: "accept4: Too many open files" in first.output())
        for one in connections:
            one.close()
        began = time.monotonic()
        open(gate, "w").close()  # eleven laps from here on
        unanswered = 0  # by a coordinator that runs and has descriptors again

        def serves():
            nonlocal unanswered
            running = not supervisor.deaf
            served = self.shake_hands(timeout=1)
            unanswered += running and not served
            return served

        eventually("it serves", serves, 2 * SERVES_WITHIN)
        took = time.monotonic() - began
        self.wait_for_state(run, "SUCCEEDED")
        back = time.monotonic() - began
        by = "by itself"
        if supervisor.deaf:
            by = f"by its end with {DEAF} after {supervisor.deaf[0] - began:.1f} s, a restart {RESTART_AFTER} s later"
            print_tried("S5 ctrl", "connections before that restart, descriptors being free: must be lost",
                        unanswered, unanswered)
        print_figure("S5", "serving again after no descriptor was left", SERVES_WITHIN, took, "s",
                     f"{by}; all laps there after {back:.1f} s")
        laps = self.stored_laps(run)
        lost, doubled = len(set(range(1, LAPS + 1)) - set(laps)), len(laps) - len(set(laps))
        print_tried("S5", "laps of a run that went on meanwhile", LAPS, lost, doubled)
        self.assertEqual((lost, doubled), (0, 0))
        self.assertIsNone(agent.process.poll(), agent.output())
        self.assertEqual(len(self.ask("run", "show", run)["attempts"]), 1)


if __name__ == "__main__":
    unittest.main()
