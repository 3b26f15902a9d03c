"""C11: agents are held (SIGSTOP) until their lease has ended and their runs are given to nobody, cancelled or lost, then
go on (SIGCONT): what they report late is stored under their own attempt and changes no end. C17: the coordinator is
stopped in order (SIGTERM) within 5 s, and no run notices that it was away."""
import os
import signal
import time

from fleet import Fleet, add_findings, eventually, main, nothing_found, times
from promise_row import print_tried

STOP_SECONDS = 5


class StopTest(Fleet):
    LAP_MS = 100

    def begin(self, agents, epochs, *options):
        self.start_fleet(agents, *options)
        for number in range(agents):
            self.submit_to(number, 1, epochs)
        for job in self.jobs:
            self.wait_for_epochs_of(job, 1)

    def wait_for_epochs_of(self, job, least):
        eventually(f"{job} has {least} epochs", lambda: self.ask_database(
            "SELECT epochs_done FROM run JOIN job ON job.key = run.job WHERE job.id = ?", job)[0][0] >= least)

    def states(self):
        return dict(self.ask_database("SELECT job.id, run.state FROM run JOIN job ON job.key = run.job"))

    def hold(self, agent):
        """The agent alone: its trainer goes on and fills the pipe."""
        os.kill(agent.pid, signal.SIGSTOP)

    def test_held_past_the_lease(self):
        agents = times(4, 50)
        rounds = times(1, 10)
        found = nothing_found()
        for _ in range(rounds):
            self.hold_all(agents, found)
        self.count("C11", "SIGSTOP past the lease, half cancelled and half lost meanwhile, then SIGCONT",
                   agents * rounds, found)

    def begin_and_wait(self, agents):
        """Their trainers wait after the first epoch, until everything goes on."""
        self.env["LAPTIME_FAKE_GATE"] = self.path("gate")
        self.begin(agents, 30, "--lost-after", "1")

    def hold_until_given_up(self):
        """How every run has ended."""
        for agent in self.agents:
            self.hold(agent)
        for job in self.jobs[::2]:
            self.client("job", "cancel", job)
        eventually("the others are lost", lambda: self.runs_open() == 0, 60)
        ends = self.states()
        self.assertEqual(sorted(set(ends.values())), [6, 7])  # cancelled, lost
        return ends

    def go_on(self):
        open(self.path("gate"), "w").close()
        for agent in self.agents:
            os.kill(agent.pid, signal.SIGCONT)

    def hold_all(self, agents, found):
        self.begin_and_wait(agents)
        ends = self.hold_until_given_up()
        self.assertEqual(self.epochs_stored(), agents)
        self.go_on()
        # A cancelled one is stopped; a lost one goes on, stays lost, and its laps are shown.
        for number, agent in enumerate(self.agents):
            eventually(f"box{number} trains no more", lambda: not self.trainers(agent))
            eventually(f"box{number} has reported everything", lambda: self.spool_is_empty(number))
        # The last lap may still be on its way into the spool when its trainer is gone.
        eventually("every lap of the lost runs is stored", lambda: self.ask_database(
            "SELECT epochs_done FROM run WHERE state = 7") == [(30,)] * (agents // 2))
        self.assertEqual(self.states(), ends)
        add_findings(found, self.judge())
        self.clear()

    def test_a_coordinator_that_forgets_whom_it_gave_up_changes_ends(self):
        self.begin_and_wait(2)
        self.copy_before("server", "laptime.db")
        ends = self.hold_until_given_up()
        self.kill(self.server)
        self.put_back("server", "laptime.db")
        self.options = []  # it gives none up again
        self.server = self.start_coordinator()
        self.go_on()
        self.finish()
        changed = sum(state != ends[job] for job, state in self.states().items())
        print_tried("C11 ctrl", "ended before the commit, late reports then change the end: must lose", 2, changed, 0)
        self.assertGreater(changed, 0)

    def test_stopped_in_order(self):
        stops = times(5, 100)
        self.train(2, 1, stops * 40)
        longest = 0
        for _ in range(stops):
            self.wait_for_more_epochs()
            began = time.monotonic()
            self.server.signal(signal.SIGTERM)
            self.assertEqual(self.server.wait(), 0)
            longest = max(longest, time.monotonic() - began)
            self.forget(self.server)
            self.server = self.start_coordinator()
        found = self.stop_training(600)
        self.assertLessEqual(longest, STOP_SECONDS)
        self.count("C17", f"SIGTERM of the coordinator, at most {longest:.2f} s, no run noticed", stops, found)

    def test_a_coordinator_that_acknowledges_before_its_commit_loses(self):
        self.begin(2, 400)

        def stop():
            self.server.signal(signal.SIGTERM)
            self.forget(self.server)
        found = self.acknowledge_before_the_commit(stop)
        print_tried("C17 ctrl", "SIGTERM, acknowledged before the commit: must lose", 1, found["lost"], found["doubled"])
        self.assertGreater(found["lost"], 0)


if __name__ == "__main__":
    main()
