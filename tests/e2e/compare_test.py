"""Whether one device is faster than another, from real runs to the exit code: a CPU with one thread and with two."""
import json
import os
import unittest

from programs import Programs

SLOWER = 9
PATIENCE = 400  # seconds for six runs on a busy machine
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
        self.client("job", "wait", job, deadline=PATIENCE)
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
        turned = self.ask("compare", two, one)
        self.assertAlmostEqual(turned["ratio"] * compared["ratio"], 1, places=9)
        shared = self.run_client("compare", f"job={job},{WATCHED}", one)
        self.assertEqual(shared.returncode, 2)
        self.assertIn("is on both sides", shared.stderr)

    def test_fail_if_slower(self):
        """Times that are given, so that it is known which side is slower and how sure that is."""
        self.start_server()
        times = {"lab/fast": (10.0, 10.1, 10.2), "lab/slow": (20.0, 20.1, 20.2), "lab/once": (30.0,)}
        lines = [{"source": "test", "host": "lab", "device": device.split("/")[1], "kind": "cpu", "model": "chip",
                  "workload": "simclr-cifar10", "epoch_seconds": [seconds]}
                 for device, all_seconds in times.items() for seconds in all_seconds]
        self.client("import", "-", text_in="\n".join(map(json.dumps, lines)))
        compared = self.ask("compare", "lab/fast", "lab/slow")
        self.assertEqual((compared["n_a"], compared["n_b"], compared["verdict"]), (3, 3, "different"))
        self.assertTrue(1.9 < compared["low"] < 1.99 < compared["high"] < 2.1, compared)

        def code(a, b, percent):
            return self.run_client("compare", a, b, "--fail-if-slower", percent).returncode
        self.assertEqual(code("lab/fast", "lab/slow", "50%"), SLOWER)
        self.assertEqual(code("lab/fast", "lab/slow", 100 * (compared["low"] - 1) - 0.1), SLOWER)
        self.assertEqual(code("lab/fast", "lab/slow", 100 * (compared["low"] - 1) + 0.1), 0)
        self.assertEqual(code("lab/slow", "lab/fast", 0), 0)
        self.assertEqual(code("lab/fast", "lab/slow", "nan"), 2)
        judged = self.run_client("compare", "lab/fast", "lab/once", "--fail-if-slower", 5)
        self.assertEqual(judged.returncode, 1)
        self.assertIn("no interval to judge by", judged.stderr)
        self.assertIn("hint: two runs on each side", judged.stderr)

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
