"""C10: the network swallows everything for a while, both ways and telling nobody, and connections break off. Trainers go
on; the coordinator notices a silence of 15 s; within 5 s after the network is whole again reports arrive; nothing is
lost, nothing is there twice, and no run notices."""
import statistics
import time
import unittest

from fleet import Fleet, eventually, main, times
from machines import HERE, NO_MACHINES, OnTwoMachines, machines_are_possible
from programs import Link
from promise_row import print_figure, print_tried

NOTICE_SECONDS = 15
RESUME_SECONDS = 5
AWAY = "DEVICE_STATE_AWAY"
EPOCHS = 400


class NetworkTest(Fleet):
    LAP_MS = 100

    def seconds_until_reports_arrive(self, number, deadline=60):
        """From now on. The network has been whole since just before."""
        began = time.monotonic()
        before = self.epochs_of(number)
        eventually(f"reports of box{number} arrive again", lambda: self.epochs_of(number) > before, deadline)
        return time.monotonic() - began


    def count_resumed(self, what, resumed, found):
        """Briefly one may come later: a machine that is busy with other tests shakes hands slowly."""
        late = sum(seconds > RESUME_SECONDS for seconds in resumed)
        self.count("C10", f"{what}; reports arrive again after {figures(resumed)}, {late} times after more than "
                   f"{RESUME_SECONDS} s", len(resumed), found)
        self.assertLessEqual(late, times(1, 0))


def figures(seconds):
    return f"{statistics.median(seconds):.1f} s in the median, {max(seconds):.1f} s at most"


@unittest.skipUnless(machines_are_possible(), NO_MACHINES)
class BlackHoleTest(OnTwoMachines, NetworkTest):
    LISTEN = HERE

    def start_coordinator(self, **options):
        done = self.run_program("laptime-server", "init", "--state", self.path("server"), "--name", HERE)
        self.assertEqual(done.returncode, 0, done.stderr)
        server = super().start_coordinator(**options)
        self.client("login", self.address, "--token-file", self.path("server/admin.token"), server=False)
        return server

    def start_box(self, number, **options):
        with open(self.path("token"), "w") as file:
            file.write(self.client("token", "create", "--role", "agent", "--label", f"box{number}"))
        done = self.run_program("laptime-agent", "join", "--server", self.address, "--token-file", self.path("token"),
                                "--state", self.path(f"agent-box{number}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        return super().start_box(number, **options)

    def state_of_box(self):
        return self.ask("device", "list")["devices"][0]["state"]

    def losses(self):
        return self.agents[0].output().count("lost the coordinator")

    def swallow(self, seconds):
        """A black hole; after how long the coordinator showed that the box was away, and the agent said that it had
        lost the coordinator, or None."""
        losses = self.losses()
        self.machines.swallow()
        began = time.monotonic()
        shown = said = None
        while (left := began + seconds - time.monotonic()) > 0:
            if said is None and self.losses() > losses:
                said = time.monotonic() - began
            if shown is None and seconds - left > NOTICE_SECONDS - 1 and self.state_of_box() == AWAY:
                shown = time.monotonic() - began
            time.sleep(min(left, 0.05))
        return shown, said

    def lengths(self):
        """Evenly between 1 and 60 s; briefly: short ones and one that must be noticed."""
        return times([self.random.uniform(1, 3), self.random.uniform(3, 5), NOTICE_SECONDS + 1.5],
                     [self.random.uniform(1, 60) for _ in range(200)])

    def test_black_holes(self):
        lengths = self.lengths()
        self.train(1, times(2, 250), EPOCHS)
        shown, said, resumed = [], [], []
        for seconds in lengths:
            self.wait_for_more_epochs()
            time.sleep(self.random.uniform(0, 1))
            after = self.swallow(seconds)
            self.machines.deliver()
            resumed.append(self.seconds_until_reports_arrive(0))
            if seconds > NOTICE_SECONDS + 1:  # else nobody may have asked in time
                self.assertNotIn(None, after, f"a black hole of {seconds:.1f} s that was not noticed")
                shown.append(after[0])
                said.append(after[1])
        found = self.stop_training()
        print_figure("C10", "a black hole is shown, and known to the agent", NOTICE_SECONDS, max(shown + said), "s",
                     f"the longest of {len(shown)}")
        self.assertLessEqual(max(shown + said), NOTICE_SECONDS + 1)
        self.count_resumed(f"black holes of {min(lengths):.0f} to {max(lengths):.0f} s; {len(shown)} of them shown after "
                           f"{figures(shown)}, known to the agent after {figures(said)}", resumed, found)

    def test_a_black_hole_that_stays_is_not_resumed_from(self):
        self.train(1, 1, EPOCHS)
        self.wait_for_more_epochs()
        self.swallow(1)
        with self.assertRaises(AssertionError):
            self.seconds_until_reports_arrive(0, RESUME_SECONDS + 1)
        found = self.judge(is_over=False)
        print_tried("C10 ctrl", "a black hole that stays: must lose", 1, found["lost"], found["doubled"])
        self.assertGreater(found["lost"], 0)


class FlapTest(NetworkTest):
    AGENTS = 4

    def address_for(self, number):
        """Each agent has a link of its own."""
        self.links.append(Link(self.address))
        return self.links[number].address

    def attachments(self, number):
        return self.agents[number].output().count("attached to")

    def flap(self, link):
        """The connection ends in order or with a reset, maybe after it stood still; when that was."""
        if self.random.random() < 0.5:
            link.cut()
            time.sleep(self.random.uniform(0, 0.3))
        link.drop(reset=self.random.random() < 0.5)
        link.heal()
        return time.monotonic()

    def flap_all(self):
        """Of each box: how long it takes until it is attached once more than it was, and laps arrive after that."""
        attachments = [self.attachments(number) for number in range(self.AGENTS)]
        healed = [self.flap(link) for link in self.links]
        epochs, back = {}, {}

        def all_are_back():
            for number in range(self.AGENTS):
                if number not in epochs and self.attachments(number) > attachments[number]:
                    epochs[number] = self.epochs_of(number)
                if number in epochs and number not in back and self.epochs_of(number) > epochs[number]:
                    back[number] = time.monotonic() - healed[number]
            return len(back) == self.AGENTS
        eventually("all are back", all_are_back, 60)
        return list(back.values())

    def test_flaps(self):
        self.links = []
        self.train(self.AGENTS, times(2, 250), EPOCHS)
        resumed = []
        for _ in range(times(4, 250)):
            resumed += self.flap_all()
            time.sleep(self.random.uniform(0, 0.5))
        found = self.stop_training()
        self.count_resumed("flaps, by a close or a reset", resumed, found)


if __name__ == "__main__":
    main()
