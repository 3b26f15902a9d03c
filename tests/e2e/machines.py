"""Two machines for a test: network namespaces, and a cable between them. Needs root and iproute2."""
import os
import shutil
import subprocess
import sys

SKIP = 77
HERE, THERE = "10.77.0.1", "10.77.0.2"
NO_MACHINES = "no network namespaces here (they want root and iproute2)"
NOBODY = "02:00:00:00:00:01"  # a hardware address that no end of the cable has


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def machines_are_possible():
    name = f"laptime-{os.getpid()}"
    if shutil.which("ip") is None or os.geteuid() != 0 or ip("netns", "add", name, check=False).returncode:
        return False
    ip("netns", "delete", name)
    return True


def skip_without_machines():
    if not machines_are_possible():
        print(f"skipped: {NO_MACHINES}")
        sys.exit(SKIP)


class Machines:
    """Two namespaces, joined by a cable that can be cut or can swallow what it is given."""

    def __init__(self):
        self.names = [f"laptime-{os.getpid()}-{side}" for side in ("server", "box")]
        self.ends = [f"lt{os.getpid() % 100000}{side}" for side in ("s", "b")]

    def make(self):
        for name in self.names:
            ip("netns", "add", name)
        ip("link", "add", self.ends[0], "type", "veth", "peer", "name", self.ends[1])
        for name, end, address in zip(self.names, self.ends, (HERE, THERE)):
            ip("link", "set", end, "netns", name)
            ip("-n", name, "address", "add", f"{address}/24", "dev", end)
            ip("-n", name, "link", "set", end, "up")
            ip("-n", name, "link", "set", "lo", "up")

    def cut(self):
        ip("-n", self.names[1], "link", "set", self.ends[1], "down")

    def heal(self):
        ip("-n", self.names[1], "link", "set", self.ends[1], "up")

    def swallow(self):
        """A black hole, both ways: each end sends to a machine that is not there, and is told nothing."""
        for name, end, other in zip(self.names, self.ends, (THERE, HERE)):
            ip("-n", name, "neighbour", "replace", other, "lladdr", NOBODY, "dev", end, "nud", "permanent")

    def deliver(self):
        for name, end, other in zip(self.names, self.ends, (THERE, HERE)):
            ip("-n", name, "neighbour", "delete", other, "dev", end)

    def remove(self):
        for name in self.names:
            ip("netns", "delete", name, check=False)

    def on(self, side):
        return ["ip", "netns", "exec", self.names[side]]


class OnTwoMachines:
    """Beside a class of Programs: agents are started on the second machine, everything else on the first."""

    def setUp(self):
        super().setUp()
        self.machines = Machines()
        self.addCleanup(self.machines.remove)
        self.machines.make()

    def invocation(self, program, *arguments, **options):
        side = 1 if program == "laptime-agent" else 0
        return self.machines.on(side) + super().invocation(program, *arguments, **options)
