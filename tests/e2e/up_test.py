"""`laptime up` and a person's terminal: one command starts everything, Ctrl-C leaves nothing behind."""
import os
import signal
import unittest

from programs import BIN, SMALL, Program, Programs, alive, command_line, descendants, eventually


class UpTest(Programs):
    def test_ctrl_c_stops_everything(self):
        program = self.up()
        family = descendants(program.pid)
        self.assertGreaterEqual(len(family), 2)
        program.signal(signal.SIGINT)
        self.assertEqual(program.wait(), 0, program.output())
        for pid in family:
            eventually(f"process {pid} is gone", lambda pid=pid: not alive(pid), 10)

    def test_killed_up_leaves_nothing_behind(self):
        program = self.up()
        family = descendants(program.pid)
        program.signal(signal.SIGKILL)
        program.wait()
        for pid in family:
            eventually(f"process {pid} is gone", lambda pid=pid: not alive(pid), 15)

    def test_ends_when_a_part_dies(self):
        program = self.up()
        agent = next(pid for pid in descendants(program.pid) if "laptime-agent" in command_line(pid))
        os.kill(agent, signal.SIGKILL)
        self.assertNotEqual(program.wait(), 0)
        self.assertIn("laptime-agent", program.output())

    def test_runs_a_workload_and_exits(self):
        settings = [word for key, value in dict(SMALL, epochs=1).items() for word in ("--set", f"{key}={value}")]
        program = self.start("laptime", "up", "--port", "0", "--run", "simclr-synthetic-cifar10", *settings,
                             "--exit-when-done", log="up.log")
        self.assertEqual(program.wait(), 0, program.output())
        # With its end all of its parts have ended, not soon after.
        self.assertEqual(self.left_behind(), [])

    def test_ctrl_c_in_submit_detaches(self):
        self.up()
        settings = [word for key, value in dict(SMALL, epochs=500).items() for word in ("--set", f"{key}={value}")]
        submit = Program([os.path.join(BIN, "laptime"), "submit", "simclr-synthetic-cifar10", "--device", "kind=cpu",
                          "--server", self.address, *settings], self.path("submit.log"), self.env)
        self.programs.append(submit)
        eventually("the first epoch is shown", lambda: "epoch 1" in submit.output())
        submit.signal(signal.SIGINT)
        self.assertEqual(submit.wait(), 130)
        self.assertIn(f"--server {self.address}` comes back", submit.output())
        job = self.ask("job", "list")["jobs"][0]
        self.assertEqual(job["state"], "JOB_STATE_RUNNING")
        self.client("job", "cancel", job["id"])


if __name__ == "__main__":
    unittest.main()
