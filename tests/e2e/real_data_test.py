"""The main job on the real CIFAR-10, as the README has it: `laptime up --data DIR`, then `laptime submit`.

LAPTIME_TEST_CIFAR10 names the data; without it the test is skipped.
"""
import os
import sys
import unittest

from programs import Programs
from results import check_result

DATA = os.environ.get("LAPTIME_TEST_CIFAR10")


class RealDataTest(Programs):
    def test_job_of_full_batches(self):
        self.up("--data", DATA)
        # The published batch; fewer steps and images, so that the test takes a minute.
        settings = {"max_steps_per_epoch": 3, "train_images": 640, "eval_images": 128}
        self.client("submit", "simclr-cifar10", "--device", "kind=cpu",
                    *[word for key, value in settings.items() for word in ("--set", f"{key}={value}")], deadline=500)
        run = self.ask("run", "list")["runs"][0]
        self.assertFalse(run.get("synthetic", False))
        # Which copy of the data it was is told by its hash.
        self.assertRegex(run["dataset"], r"^cifar10@[0-9a-f]{8}$")
        epochs = check_result(self, run, run["dataset"])
        for epoch in epochs:
            self.assertLess(epoch["phases"]["other"], 0.03 * epoch["wall_seconds"])
        # Of 255 others: log 255 = 5.54 where nothing has been learnt.
        self.assertTrue(5 < epochs[0]["first_loss"] < 5.7, epochs[0])
        self.assertLess(epochs[1]["last_loss"], epochs[0]["first_loss"])


if __name__ == "__main__":
    if not DATA:
        print("skipped: LAPTIME_TEST_CIFAR10 names no data set")
        sys.exit(77)
    unittest.main()
