"""A trainer that fails, seen by the person who submitted: FAILED, why, and its last words. A script plays the trainer
(tests/testing/fake_trainer.cc); agent, coordinator and client are the real ones."""
import unittest

from fake_fleet import FakeFleet

RUN_FAILED = 7


class TrainerFailuresTest(FakeFleet):
    def failed_run(self, script, cause, attempts=1, *options):
        self.env["LAPTIME_FAKE_SCRIPT"] = script
        self.start_server(*options)
        agent = self.start_agent("box", bin=self.bin)
        job = self.submit("box/cpu", epochs=2)
        done = self.run_client("job", "wait", job)
        self.assertEqual(done.returncode, RUN_FAILED, done.stdout + done.stderr)
        run = self.job_runs(job)[0]
        self.assertEqual(run["state"], "RUN_STATE_FAILED")
        self.assertEqual(run["failure"]["cause"], cause)
        self.assertEqual(run["attempt"], attempts)
        # The agent lives and has no trainer left.
        self.assertIsNone(agent.process.poll())
        self.assertEqual(self.trainers(agent), [])
        return run

    def test_crash_is_tried_three_times_and_leaves_its_last_words(self):
        run = self.failed_run("crash", "FAILURE_CAUSE_INFRASTRUCTURE", 3)
        self.assertIn("signal 11", run["failure"]["message"])
        self.assertIn("about to crash", self.client("run", "logs", run["id"]))
        shown = self.ask("run", "show", run["id"])
        self.assertEqual([attempt["state"] for attempt in shown["attempts"]], ["ATTEMPT_STATE_FAILED"] * 3)

    def test_garbage(self):
        run = self.failed_run("garbage", "FAILURE_CAUSE_INFRASTRUCTURE", 1, "--max-retries", "0")
        self.assertIn("not json at all", run["failure"]["message"] + self.client("run", "logs", run["id"]))

    def test_killed_by_the_kernel(self):
        run = self.failed_run("kill", "FAILURE_CAUSE_INFRASTRUCTURE", 1, "--max-retries", "0")
        self.assertIn("signal 9", run["failure"]["message"])

    def test_divergence_is_a_result_and_not_tried_again(self):
        run = self.failed_run("workload-failure", "FAILURE_CAUSE_WORKLOAD")
        self.assertIn("not finite", run["failure"]["message"])

    def test_hang(self):
        config = self.path("agent.toml")
        with open(config, "w") as file:
            file.write('stall_timeout = "1s"\n')
        self.env["LAPTIME_FAKE_SCRIPT"] = "hang"
        self.start_server("--max-retries", "0")
        self.start_agent("box", "--config", config, bin=self.bin)
        job = self.submit("box/cpu", epochs=2)
        self.assertEqual(self.run_client("job", "wait", job).returncode, RUN_FAILED)
        self.assertIn("1 s", self.job_runs(job)[0]["failure"]["message"])


if __name__ == "__main__":
    unittest.main()
