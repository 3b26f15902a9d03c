"""What must survive with the real trainer: programs killed, links cut, jobs cancelled. Each epoch is stored exactly
once. Faults by the hundred, with a scripted trainer, are in tests/faults."""
import os
import signal
import time
import unittest

from programs import Link, Programs, alive, eventually


class FaultsTest(Programs):
    def epochs_in_database(self, run):
        with self.database() as database:
            return [row[0] for row in database.execute(
                "SELECT epoch FROM epoch_detail WHERE run = ? AND newest_attempt ORDER BY epoch", (run,))]

    def begin(self, agent_address=None, epochs=12):
        """A run that has at least one epoch behind it and some before it."""
        self.server = self.start_server()
        self.agent = self.start_agent("box", address=agent_address and agent_address())
        job = self.submit("box/cpu", epochs=epochs)
        self.run_id = self.job_runs(job)[0]["id"]
        self.job = job
        self.wait_for_epochs(self.run_id, 1)
        # A fault that comes after the end proves nothing.
        self.assertEqual(self.run_state(self.run_id), "RUN_STATE_RUNNING")

    def test_link_cut_past_the_lease(self):
        self.begin_through_link()
        self.link.cut()
        eventually("the device is away", lambda: not self.device_states("box"))
        self.link.heal()
        self.wait_for_state(self.run_id, "SUCCEEDED")
        self.assertEqual(self.epochs_in_database(self.run_id), list(range(1, 13)))
        self.assertEqual(self.ask("run", "show", self.run_id)["run"]["attempt"], 1)

    def begin_through_link(self):
        def address():
            self.link = Link(self.address)
            return self.link.address
        self.begin(agent_address=address)

    def test_trainer_killed_is_a_new_attempt(self):
        self.begin()
        self.wait_for_epochs(self.run_id, 2)  # so the checkpoint after the first is there
        os.kill(self.trainers(self.agent)[0], signal.SIGKILL)
        self.wait_for_state(self.run_id, "SUCCEEDED")
        shown = self.ask("run", "show", self.run_id)
        self.assertEqual([attempt["state"] for attempt in shown["attempts"]],
                         ["ATTEMPT_STATE_FAILED", "ATTEMPT_STATE_SUCCEEDED"])
        self.assertIn("signal 9", shown["attempts"][0]["failure"]["message"])
        self.assertEqual([epoch["number"] for epoch in shown["epochs"]], list(range(1, 13)))
        self.assertIn("signal 9", self.client("run", "show", self.run_id))
        # It went on from the checkpoint, and what it took over was trained by the first.
        resumed = shown["attempts"][1]["resumed_epochs"]
        self.assertGreaterEqual(resumed, 1)
        with self.database() as database:
            trained_by = [row[0] for row in database.execute(
                "SELECT measured_in FROM epoch_detail WHERE run = ? AND newest_attempt ORDER BY epoch",
                (self.run_id,))]
        self.assertEqual(trained_by, [1] * resumed + [2] * (12 - resumed))
        self.assertIn(f"Resumed from a checkpoint after epoch {resumed}", self.client("run", "logs", self.run_id))
        unbroken = self.submit("box/cpu", epochs=12)
        self.client("job", "wait", unbroken)
        other = self.ask("run", "show", self.job_runs(unbroken)[0]["id"])
        for epoch, same in zip(shown["epochs"], other["epochs"]):
            self.assertEqual(epoch["mean_loss"], same["mean_loss"])
            self.assertEqual(epoch["knn_accuracy"], same["knn_accuracy"])

    def test_agent_killed_takes_its_trainer_along_and_the_run_is_tried_again(self):
        self.begin()
        trainer = self.trainers(self.agent)[0]
        self.agent.signal(signal.SIGKILL)
        self.agent.wait()
        eventually("the trainer is gone", lambda: not alive(trainer), 10)
        self.start_agent("box")
        self.wait_for_state(self.run_id, "SUCCEEDED")
        self.assertEqual(self.ask("run", "show", self.run_id)["run"]["attempt"], 2)

    def test_cancel_stops_the_trainer_and_leaves_no_process(self):
        self.begin(epochs=1000)
        trainer = self.trainers(self.agent)[0]
        began = time.monotonic()
        self.client("job", "cancel", self.job)
        eventually("the trainer is gone", lambda: not alive(trainer), 10)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.trainers(self.agent), [])
        self.assertEqual(self.run_state(self.run_id), "RUN_STATE_CANCELLED")
        done = self.run_client("job", "wait", self.job)
        self.assertEqual(done.returncode, 8)
        # The machine is free again.
        again = self.submit("box/cpu", epochs=1)
        self.client("job", "wait", again)

    def test_agent_stopped_in_order_leaves_no_process(self):
        self.begin(epochs=1000)
        trainer = self.trainers(self.agent)[0]
        self.agent.signal(signal.SIGTERM)
        self.assertEqual(self.agent.wait(), 0)
        self.assertFalse(alive(trainer))


if __name__ == "__main__":
    unittest.main()
