"""Whether one device is faster than another, from real runs to the exit code: a CPU with one thread and with two."""
import os
import unittest

from programs import Programs

SLOWER = 9
# Whatever else this machine does meanwhile: what it does is told, and such runs are compared when asked for.
WATCHED = "validity=clean|suspect|contaminated"


class CompareTest(Programs):
    def measure(self):
        config = self.path("agent.toml")
        with open(config, "w") as file:
            for threads in (1, 2):
                file.write(f'[[device]]\nname = "{threads}t"\nkind = "cpu"\nthreads = {threads}\n')
        self.start_server()
        self.start_agent("box", "--config", config)
        job = self.submit("all", repeat=3, epochs=1, max_steps_per_epoch=4)
        self.client("job", "wait", job)
        return job

    def test_one_thread_against_two(self):
        if (os.cpu_count() or 1) < 2:
            self.skipTest("one core")
        job = self.measure()
        one, two = f"device=box/1t,{WATCHED}", f"device=box/2t,{WATCHED}"
        compared = self.ask("compare", one, two)
        contaminated = self.ask("run", "list", "--where", f"job={job},validity=contaminated").get("runs", [])
        self.assertEqual(compared["grade"], "caveats" if contaminated else "same")
        self.assertEqual((compared["n_a"], compared["n_b"]), (3, 3))
        self.assertLess(compared["low"], compared["ratio"])
        self.assertLess(compared["ratio"], compared["high"])
        self.assertIn(compared["verdict"], ("different", "equivalent", "inconclusive"))
        shares = sum(phase["share"] for phase in compared["phases"])
        self.assertAlmostEqual(shares, 1, places=6)
        page = self.client("compare", one, f"{two},since=1h,workload={compared['a']['workload_hash'][:8]}")
        self.assertRegex(page, r"^B takes [0-9.]+× the time of A \(95 % interval ")
        self.assertIn("backward", page)
        # The other way round B is slower; how sure that is depends on how quiet this machine is.
        turned = self.ask("compare", two, one)
        self.assertAlmostEqual(turned["ratio"] * compared["ratio"], 1, places=9)
        allowed = 100 * (turned["low"] - 1)
        self.assertEqual(self.run_client("compare", two, one, "--fail-if-slower", allowed - 1).returncode,
                         SLOWER if allowed > 1 else 2)
        self.assertEqual(self.run_client("compare", two, one, "--fail-if-slower", 1e6).returncode, 0)
        shared = self.run_client("compare", job, one)
        self.assertEqual(shared.returncode, 2)
        self.assertIn("is on both sides", shared.stderr)

    def test_published_results(self):
        self.start_server()
        page = self.client("compare", "macbook-pro-14-m1-pro/mps", "macbook-pro-14-m1-pro/cpu")
        self.assertIn("B takes 8.785× the time of A", page)
        self.assertIn("whole fit / epochs", page)
        nothing = self.run_client("compare", "macbook-pro-14-m1-pro/mps", "box/cpu")
        self.assertEqual(nothing.returncode, 3)
        self.assertIn("no run that succeeded matches 'box/cpu'", nothing.stderr)
        self.assertEqual(self.run_client("compare", "macbook-pro-14-m1-pro/mps").returncode, 2)


if __name__ == "__main__":
    unittest.main()
