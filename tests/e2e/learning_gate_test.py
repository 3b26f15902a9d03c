"""The learning gate, from the real thing: a trainer that makes mistakes is invalid, however fast.

Skipped until a band of that work is recorded (tests/bench/record_losses).
"""
import json
import os
import sys
import unittest

from programs import BIN, Programs

# Work of which a band was recorded, at its smallest: sixty steps, no image twice.
GATED = {"batch_size": 32, "train_images": 1920, "eval_images": 8, "knn_k": 8, "max_steps_per_epoch": 60, "epochs": 1,
         "loader_workers": 2}

LOSSES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../server/validity/recorded_losses.jsonl")
SEEDS = 20


def recorded():
    """Seeds of that work."""
    with open(LOSSES, encoding="utf-8") as lines:
        return sum((row["dataset"], row["batch_size"]) == ("synthetic-cifar10", GATED["batch_size"])
                   for row in map(json.loads, lines))


class LearningGateTest(Programs):
    def finished(self, device, **settings):
        job = self.submit(device, **settings)
        self.client("job", "wait", job)
        return self.job_runs(job)[0]

    def start_mistaken(self, name, mistake):
        """An agent whose trainer makes the mistake."""
        mistaken = {"LAPTIME_TRAINER": os.path.join(BIN, "laptime_mistaken_trainer"), "LAPTIME_MISTAKE": mistake}
        self.env.update(mistaken)
        self.start_agent(name)
        for key in mistaken:
            del self.env[key]

    def test_a_trainer_that_learns_otherwise_is_invalid(self):
        self.start_server()
        for mistake, gate in (("none", "passed"), ("no_backward", "failed"), ("one_view", "failed")):
            with self.subTest(mistake):
                self.start_mistaken(mistake.replace("_", "-"), mistake)
                run = self.finished(mistake.replace("_", "-") + "/cpu", **GATED)
                self.assertEqual(run["learning_gate"], gate, run)
                self.assertEqual(run["validity"] == "VALIDITY_INVALID", gate == "failed", run)
        page = self.client("run", "show", "last")
        self.assertIn("did not learn as it must: loss", page)
        self.assertIn("invalid", self.client("run", "list"))


if __name__ == "__main__":
    if recorded() < SEEDS:
        print(f"skipped: {recorded()} of {SEEDS} losses are recorded for synthetic-cifar10, batch {GATED['batch_size']}")
        sys.exit(77)
    unittest.main()
