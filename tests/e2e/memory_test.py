"""A batch that does not fit: what is said, to whoever submitted it."""
import resource
import unittest

from programs import Programs

RUN_FAILED = 7
LIMIT = 5 * 10**9  # bytes of address space; the batch takes three times as much


class MemoryTest(Programs):
    def test_says_how_much_was_asked_for_and_is_not_tried_again(self):
        self.start_server()
        agent = self.start_agent("box")
        resource.prlimit(agent.process.pid, resource.RLIMIT_AS, (LIMIT, LIMIT))  # and of the trainers it starts
        job = self.submit("box/cpu", epochs=1, batch_size=1024, train_images=2048, max_steps_per_epoch=1)
        self.assertEqual(self.run_client("job", "wait", job).returncode, RUN_FAILED)
        run = self.job_runs(job)[0]
        self.assertEqual(run["failure"]["cause"], "FAILURE_CAUSE_WORKLOAD")
        self.assertRegex(run["failure"]["message"], "^out of memory on cpu, which was asked for another [0-9]+ bytes")
        self.assertRegex(run["failure"]["hint"], "^batch_size=[0-9]+ fits: a step takes|^a smaller batch_size needs less")
        self.assertEqual(run["attempt"], 1)
        smaller = self.submit("box/cpu", epochs=1)
        self.assertEqual(self.run_client("job", "wait", smaller).returncode, 0)


if __name__ == "__main__":
    unittest.main()
