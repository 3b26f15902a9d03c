"""One run on several ranks, and what becomes of it when one of them dies; classifiers too."""
import os
import signal
import unittest

from programs import Programs, alive, command_line, eventually

RANKS = {"devices_per_run": 2, "gather_negatives": "true"}
EPOCHS = 5  # two before something happens, some after it


class RanksTest(Programs):
    def begin(self, *options, epochs=EPOCHS):
        """A run of two ranks that has at least two epochs behind it; returns their process ids by rank."""
        self.start_server(*options)
        self.agent = self.start_agent("box")
        job = self.submit("box/cpu", epochs=epochs, **RANKS)
        self.job, self.run_id = job, self.job_runs(job)[0]["id"]
        self.wait_for_epochs(self.run_id, 2)
        self.assertEqual(self.run_state(self.run_id), "RUN_STATE_RUNNING")
        first, second = sorted(self.trainers(self.agent), key=lambda pid: "--rank" in command_line(pid))
        self.assertIn("--rank 1", command_line(second))
        return first, second

    def assert_failed(self, words):
        self.wait_for_state(self.run_id, "FAILED")
        run = self.ask("run", "show", self.run_id)["run"]
        self.assertEqual(run["failure"]["cause"], "FAILURE_CAUSE_INFRASTRUCTURE")
        self.assertIn(words, run["failure"]["message"])
        eventually("no trainer is left", lambda: self.trainers(self.agent) == [])

    def test_two_ranks_end_well(self):
        ranks = self.begin(epochs=4)
        self.wait_for_state(self.run_id, "SUCCEEDED")
        shown = self.ask("run", "show", self.run_id)
        self.assertEqual([epoch["number"] for epoch in shown["epochs"]], [1, 2, 3, 4])
        self.assertIn("ranks: 2, Gloo", self.client("run", "logs", self.run_id))
        eventually("both are gone", lambda: not any(map(alive, ranks)))

    def test_a_killed_rank_fails_the_attempt(self):
        _, second = self.begin("--max-retries", "0")
        os.kill(second, signal.SIGKILL)
        self.assert_failed("rank 1 was killed by signal 9")
        self.assertFalse(alive(second))

    def test_a_killed_first_rank_takes_the_other_along(self):
        first, second = self.begin("--max-retries", "0")
        os.kill(first, signal.SIGKILL)
        self.assert_failed("signal 9")
        eventually("the other rank is gone", lambda: not alive(second))

    def test_a_stopped_rank_is_waited_for_and_a_cancelled_run_leaves_none(self):
        first, second = self.begin(epochs=1000)
        os.kill(second, signal.SIGSTOP)
        self.client("job", "cancel", self.job, "--yes")
        self.wait_for_state(self.run_id, "CANCELLED")
        eventually("both are gone", lambda: not alive(first) and not alive(second))

    def test_the_next_attempt_goes_on_as_if_unbroken(self):
        _, second = self.begin()
        os.kill(second, signal.SIGKILL)
        self.wait_for_state(self.run_id, "SUCCEEDED")
        shown = self.ask("run", "show", self.run_id)
        self.assertEqual([attempt["state"] for attempt in shown["attempts"]],
                         ["ATTEMPT_STATE_FAILED", "ATTEMPT_STATE_SUCCEEDED"])
        self.assertGreaterEqual(shown["attempts"][1]["resumed_epochs"], 1)
        unbroken = self.submit("box/cpu", epochs=EPOCHS, **RANKS)
        self.client("job", "wait", unbroken)
        other = self.ask("run", "show", self.job_runs(unbroken)[0]["id"])
        self.assertEqual(len(other["epochs"]), EPOCHS)
        for epoch, same in zip(shown["epochs"], other["epochs"], strict=True):
            self.assertEqual(epoch["mean_loss"], same["mean_loss"])
            self.assertEqual(epoch["knn_accuracy"], same["knn_accuracy"])


class ClassifiersTest(Programs):
    def test_each_trains(self):
        self.start_server()
        self.start_agent("box")
        for model, parameters in (("resnet18", 11_689_512), ("resnet50", 25_557_032), ("vgg16", 138_357_544)):
            job = self.client("submit", f"{model}-imagenet-shape", "--device", "box/cpu", "--set", "batch_size=2",
                              "--set", "train_images=4", "--set", "epochs=1", "--detach").strip()
            self.client("job", "wait", job)
            shown = self.ask("run", "show", self.job_runs(job)[0]["id"])
            self.assertEqual(shown["epochs"][0]["steps"], 2, model)
            self.assertNotIn("knn_accuracy", shown["epochs"][0])
            self.assertIn(f"{parameters:,} trainable params", self.client("run", "logs", shown["run"]["id"]))


if __name__ == "__main__":
    unittest.main()
