"""C8: a disk is full for a while, the coordinator's or an agent's: nothing is lost, and within 10 s after there is room
again everything has arrived. C9: the coordinator is away while whole runs are trained."""
import os
import subprocess
import sys
import time
import unittest

from fleet import Fleet, add_findings, eventually, main, nothing_found, times
from promise_row import print_tried

RECOVERY_SECONDS = 10
OUTAGES = 2           # of one fleet
ROUNDS = times(1, 25)
PATIENCE = times(120, 600)  # seconds for what is left of the runs once the outages are over


class OutageTest(Fleet):
    LAP_MS = 50

    def spooled(self, number):
        return sum(self.spooled_epochs(number).values())

    def full(self, directory, is_full):
        flag = self.path(directory) + ".full"
        if is_full:
            open(flag, "w").close()
        else:
            os.remove(flag)


class FullDiskTest(OutageTest):
    """A library answers for the disk (preload.cc): it takes no privileges, and is full at once."""

    DISK = "disk"

    def start_with_disks(self, agents):
        self.start_fleet(agents, disks_fill=True)

    def refusals(self):
        return self.agents[0].output().count("reports wait in memory")

    def seconds_until_reports_arrive(self):
        began = time.monotonic()
        before = self.epochs_stored()
        eventually("reports arrive again", lambda: self.epochs_stored() > before, 60)
        return time.monotonic() - began

    def in_rounds(self, agents, outage):
        """Outages in rounds, each with a fleet of its own, whose files have no room left over from before: how long the
        slowest took until reports came again, and what was found."""
        longest, found = 0, nothing_found()
        for _ in range(ROUNDS):
            self.start_with_disks(agents)
            self.begin_to_train(agents, 1, 200 * OUTAGES)
            for _ in range(OUTAGES):
                self.wait_for_more_epochs()
                outage()
                longest = max(longest, self.seconds_until_reports_arrive())
            add_findings(found, self.stop_training(PATIENCE))
            self.clear()
        self.assertLessEqual(longest, RECOVERY_SECONDS)
        return longest, found

    def coordinators_outage(self):
        self.full("server", True)
        spooled = self.spooled(0)
        eventually("the agent spools meanwhile", lambda: self.spooled(0) > spooled + 20)
        refused = self.run_client("submit", "simclr-synthetic-cifar10", "--device", "box0/cpu", "--detach")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("full", refused.stderr)
        self.full("server", False)

    def test_coordinators_disk_is_full(self):
        longest, found = self.in_rounds(2, self.coordinators_outage)
        self.count("C8", f"the coordinator's {self.DISK} is full; reports arrive again after {longest:.1f} s at most",
                   ROUNDS * OUTAGES, found)

    def agents_outage(self):
        refusals = self.refusals()
        self.full("agent-box0", True)
        eventually("the spool refuses", lambda: self.refusals() > refusals)
        self.full("agent-box0", False)

    def test_agents_disk_is_full(self):
        longest, found = self.in_rounds(1, self.agents_outage)
        self.count("C8", f"an agent's {self.DISK} is full; reports arrive again after {longest:.1f} s at most",
                   ROUNDS * OUTAGES, found)


def tmpfs_is_possible():
    return sys.platform == "linux" and os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True).returncode == 0


@unittest.skipUnless(tmpfs_is_possible(), "no file systems can be mounted here")
class FullTmpfsTest(FullDiskTest):
    """Real small file systems, which somebody else fills."""

    DISK = "small tmpfs"
    MEGABYTES = 32

    def setUp(self):
        super().setUp()
        self.mounted = []
        self.addCleanup(self.unmount)

    def unmount(self):
        while self.mounted:
            subprocess.run(["umount", "--lazy", self.mounted.pop()], check=True)

    def clear(self):
        self.end_all()
        self.unmount()
        super().clear()

    def start_with_disks(self, agents):
        for directory in ["server"] + [f"agent-box{number}" for number in range(agents)]:
            os.mkdir(self.path(directory))
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.MEGABYTES}m,mode=0700", "laptime-test",
                            self.path(directory)], check=True)
            self.mounted.append(self.path(directory))
        self.start_fleet(agents)

    def full(self, directory, is_full):
        filler = self.path(f"{directory}/filler")
        if not is_full:
            os.remove(filler)
            return
        with open(filler, "wb", buffering=0) as file:
            for piece in 1 << 16, 1:
                try:
                    while True:
                        file.write(bytes(piece))
                except OSError:
                    pass


class LyingDiskTest(OutageTest):
    def test_a_full_disk_that_seems_to_take_everything_loses(self):
        self.env["LAPTIME_FULL_DISK_LIES"] = "1"
        self.start_fleet(1, disks_fill=True)
        self.submit_to(0, 1, 400)
        self.wait_for_more_epochs()
        self.full("server", True)
        spooled = self.spooled(0)
        eventually("reports are acknowledged", lambda: self.spooled(0) > spooled + 20 and self.spool_is_empty(0))
        self.kill(self.server)
        self.full("server", False)
        self.server = self.start_coordinator()
        self.wait_for_more_epochs()
        self.cancel_all()
        found = self.finish()  # with all that was merely late
        print_tried("C8 ctrl", "a full disk that seems to take everything: must lose", 1, found["lost"], found["doubled"])
        self.assertGreater(found["lost"], 0)


class AwayTest(OutageTest):
    def test_coordinator_is_away(self):
        """As many reports as an agent makes in hours, while there is nobody to take them."""
        epochs = times(400, 7200)
        self.env["LAPTIME_FAKE_LAP_MS"] = "5"
        self.start_fleet(2)
        for number in range(2):
            self.submit_to(number, 1, epochs)
        self.wait_for_more_epochs()
        self.kill(self.server)
        for number in range(2):
            eventually(f"box{number} has trained to the end", lambda: self.spooled(number) == epochs, PATIENCE)
        self.server = self.start_coordinator()
        found = self.finish(PATIENCE)
        self.count("C9", "laps that two agents spool while there is no coordinator", 2 * epochs, found)

    def test_a_spool_that_is_thrown_away_loses(self):
        self.env["LAPTIME_FAKE_LAP_MS"] = "5"
        self.start_fleet(1)
        self.submit_to(0, 1, 200)
        self.wait_for_more_epochs()
        self.kill(self.server)
        eventually("box0 has trained to the end", lambda: self.spooled(0) == 200)
        self.kill(self.agents[0])
        witness = self.spooled_epochs(0)
        for name in os.listdir(self.path("agent-box0")):
            if name.startswith("spool.db"):
                os.remove(self.path(f"agent-box0/{name}"))
        self.server = self.start_coordinator()
        self.agents[0] = self.start_box(0)
        eventually("the run is given up", lambda: self.ask_database("SELECT count(*) FROM attempt")[0][0] > 1)
        self.spooled_epochs = lambda number: witness
        found = self.judge(is_over=False)
        print_tried("C9 ctrl", "the same with a spool that is thrown away: must lose", 1, found["lost"], found["doubled"])
        self.assertGreater(found["lost"], 0)


if __name__ == "__main__":
    main()
