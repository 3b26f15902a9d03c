"""C1 to C4: the coordinator, agents, trainers and pairs of them are killed (SIGKILL), at random moments and within the
calls that make a commit durable or answer it. Every run ends, nothing is lost, nothing is there twice."""
import os
import signal
import subprocess
import time

from fleet import Fleet, add_findings, eventually, main, nothing_found, times
from promise_row import print_tried

AGENTS = 3
KILLS_A_ROUND = 40    # on one database
EPOCHS = 8
STORM = 10            # lives
QUEUED = 6            # runs of each agent that wait at least


class KillTest(Fleet):
    def top_up(self):
        """Keeps every agent busy."""
        for number in range(AGENTS):
            rows = self.ask_database(
                "SELECT count(*) FROM run JOIN device ON device.key = run.device JOIN host ON host.id = device.host "
                "WHERE host.name = ? AND run.state < 4", f"box{number}")
            if rows and rows[0][0] < QUEUED:
                self.submit_to(number, 2 * QUEUED, EPOCHS)

    def pause(self):
        """Until some moment while reports arrive, or in one time of three any moment."""
        if self.random.random() < 0.67:
            self.wait_for_more_epochs()
        time.sleep(self.random.uniform(0, 0.2))

    def kill_coordinator(self):
        self.kill(self.server)
        self.server = self.start_coordinator()

    def kill_agent(self):
        number = self.random.randrange(AGENTS)
        self.kill(self.agents[number])
        self.agents[number] = self.start_box(number)

    def kill_trainer_of(self, number):
        self.top_up()
        return any(map(self.kill_if_trainer, self.trainers(self.agents[number])))

    def kill_some_trainer(self):
        self.top_up()
        agents = self.random.sample(self.agents, AGENTS)
        return any(self.kill_if_trainer(pid) for agent in agents for pid in self.trainers(agent))

    def kill_trainer(self):
        eventually("a trainer is killed", self.kill_some_trainer)

    def kill_pair(self):
        """Two at the same moment: a coordinator, an agent or that agent's trainer."""
        number = self.random.randrange(AGENTS)
        pair = self.random.choice([("trainer", "agent"), ("coordinator", "agent"), ("trainer", "coordinator")])
        if "trainer" in pair:
            eventually("a trainer is killed", lambda: self.kill_trainer_of(number))
        killed = [self.server] * ("coordinator" in pair) + [self.agents[number]] * ("agent" in pair)
        for program in killed:
            program.signal(signal.SIGKILL)
        for program in killed:
            self.forget(program)
        if "coordinator" in pair:
            self.server = self.start_coordinator()
        if "agent" in pair:
            self.agents[number] = self.start_box(number)

    def storm(self):
        """Lives of the coordinator that end before it listens, or soon after."""
        self.kill(self.server)
        for _ in range(STORM):
            mortal = self.start_coordinator(wait=False)
            time.sleep(self.random.uniform(0, 0.3))
            self.kill(mortal)
            self.assertEqual(mortal.process.returncode, -signal.SIGKILL, mortal.output())
            self.listened += "listening on" in mortal.output()
        self.server = self.start_coordinator()
        self.wait_for_more_epochs()

    def run_rounds(self, kills, kill_one):
        """Kills in rounds, each with a fleet of its own; what was found in all of them."""
        found = nothing_found()
        while kills > 0:
            self.start_fleet(AGENTS, "--max-retries", "100")
            for _ in range(min(kills, KILLS_A_ROUND)):
                self.top_up()
                kill_one()
            kills -= KILLS_A_ROUND
            add_findings(found, self.finish())
            self.clear()
        return found

    def kill_at_random(self, fault, what, kills, kill):
        def one():
            self.pause()
            kill()
        self.count(fault, what, kills, self.run_rounds(kills, one))

    def test_coordinator(self):
        self.kill_at_random("C1", "kill -9 of the coordinator at random", times(6, 1000), self.kill_coordinator)

    def test_agent(self):
        self.kill_at_random("C2", "kill -9 of an agent at random", times(10, 1000), self.kill_agent)

    def test_trainer(self):
        self.kill_at_random("C3", "kill -9 of a trainer at random", times(15, 1000), self.kill_trainer)

    def test_pairs(self):
        self.kill_at_random("C4", "kill -9 of two of them at once", times(6, 500), self.kill_pair)

    def test_restart_storms(self):
        storms = times(2, 50)
        self.listened = 0
        found = self.run_rounds(storms, self.storm)
        self.count("C1", f"lives of the coordinator of less than 0.3 s, {STORM} after one another; {self.listened} listened",
                   STORM * storms, found)

    # ---- within a call: "fdatasync+" is between a commit and whoever is told of it ----

    def death(self):
        """Counted from the program's first call, or from when its reports arrive at the coordinator."""
        call = self.random.choice(["fdatasync", "fdatasync", "pwrite", "sendmsg"])
        death = {"LAPTIME_DIE_AT": f"{call}:{self.random.randint(1, 60)}{self.random.choice(['', '+'])}"}
        if self.random.random() < 0.5:
            death["LAPTIME_DIE_ONCE"] = self.path("mortal")
        return death

    def await_death(self, program, death, number=None):
        """It kills itself at its call; one that does not come by there is killed."""
        if flag := death.get("LAPTIME_DIE_ONCE"):
            self.wait_for_more_epochs(number=number)
            open(flag, "w").close()
        try:
            self.assertEqual(program.wait(10), -signal.SIGKILL, program.output()[-2000:])
            self.died_within += 1
        except subprocess.TimeoutExpired:
            program.signal(signal.SIGKILL)
        self.forget(program)
        if flag:
            os.remove(flag)

    def kill_within_calls(self, fault, what, kills, kill):
        self.died_within = 0
        found = self.run_rounds(kills, kill)
        self.assertGreaterEqual(self.died_within, 0.5 * kills, "most must die within their call")
        self.count(fault, f"{what} at its n-th fdatasync, pwrite or sendmsg ({self.died_within} of them) or soon after",
                   kills, found)

    def coordinator_dies_within_a_call(self):
        self.kill(self.server)
        death = self.death()
        mortal = self.start_coordinator(preload=death, wait=False)
        self.await_death(mortal, death)
        self.server = self.start_coordinator()

    def agent_dies_within_a_call(self):
        number = self.random.randrange(AGENTS)
        self.kill(self.agents[number])
        death = self.death()
        mortal = self.start_box(number, preload=death)
        self.await_death(mortal, death, number)
        self.agents[number] = self.start_box(number)

    def test_coordinator_within_a_call(self):
        self.kill_within_calls("C1", "the coordinator dies", times(5, 500), self.coordinator_dies_within_a_call)

    def test_agent_within_a_call(self):
        self.kill_within_calls("C2", "an agent dies", times(6, 500), self.agent_dies_within_a_call)

    # ---- the controls: what was said OK to was not durable, or what happened is seen by nobody ----

    def count_forgotten(self, fault, what, end):
        self.start_fleet(AGENTS, "--max-retries", "100")
        self.top_up()
        found = self.acknowledge_before_the_commit(end)
        print_tried(f"{fault} ctrl", f"{what}, acknowledged before the commit: must lose", 1, found["lost"],
                    found["doubled"])
        self.assertGreater(found["lost"], 0)

    def test_a_coordinator_that_acknowledges_before_its_commit_loses(self):
        self.count_forgotten("C1", "kill -9 of the coordinator", lambda: self.kill(self.server))

    def test_such_a_one_that_is_killed_with_an_agent_loses(self):
        def kill_both():
            self.kill(self.server)
            self.kill(self.agents[0])
            self.agents[0] = self.start_box(0)
        self.count_forgotten("C4", "kill -9 of coordinator and agent", kill_both)

    def test_an_agent_that_reports_before_its_spool_is_durable_doubles(self):
        """The spool of its next life knows nothing of what the coordinator has."""
        self.start_fleet(AGENTS, "--max-retries", "100")
        self.top_up()
        eventually("box0 reports", lambda: self.epochs_of(0))
        self.copy_before("agent-box0", "spool.db")
        before = self.epochs_of(0)
        eventually("box0 is on with another run", lambda: self.epochs_of(0) > before + EPOCHS)
        self.kill(self.agents[0])
        self.put_back("agent-box0", "spool.db")
        self.agents[0] = self.start_box(0)
        found = self.finish()
        print_tried("C2 ctrl", "reported before it was spooled: must double", 1, found["lost"], found["doubled"])
        self.assertGreater(found["doubled"], 0)

    def test_a_trainer_whose_death_no_agent_sees_leaves_its_run_open(self):
        """Both trainers wait when they are killed; of their agents one is held."""
        self.env["LAPTIME_FAKE_GATE"] = gate = self.path("gate")
        self.start_fleet(2, "--max-retries", "100")
        for number in range(2):
            self.submit_to(number, 1, EPOCHS)
            eventually(f"box{number} trains", lambda: self.epochs_of(number))
        self.agents[1].signal(signal.SIGSTOP)
        for agent in self.agents:
            self.assertTrue(any(map(self.kill_if_trainer, self.trainers(agent))))
        open(gate, "w").close()
        eventually("the other run has ended", lambda: self.runs_open() == 1)
        found = self.judge()
        print_tried("C3 ctrl", "kill -9 of a trainer whose agent is held: must lose", 1, found["lost"], found["doubled"])
        self.assertEqual(found["lost"], 1, found["complaints"])


if __name__ == "__main__":
    main()
