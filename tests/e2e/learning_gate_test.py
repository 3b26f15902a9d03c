"""The learning gate, from the real thing: a trainer that makes mistakes is invalid, however fast."""
import os
import unittest

from programs import BIN, Programs

PATIENCE = 600  # seconds for a run on a busy machine
# Work of which a band was recorded, at its smallest: sixty steps, no image twice.
GATED = {"batch_size": 32, "train_images": 1920, "eval_images": 8, "knn_k": 8, "max_steps_per_epoch": 60, "epochs": 1,
         "loader_workers": 2}


class LearningGateTest(Programs):
    def finished(self, device, **settings):
        job = self.submit(device, **settings)
        self.client("job", "wait", job, deadline=PATIENCE)
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
    unittest.main()
