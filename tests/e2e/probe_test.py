"""What a device can do, from the measurement to the screen."""
import unittest

from programs import Programs, eventually


class ProbeTest(Programs):
    def probe(self, *options):
        return self.run_program("laptime-agent", "probe", "--state", self.path("agent-box"), *options)

    def test_a_running_agent_sends_what_was_probed(self):
        self.start_server()
        self.start_agent("box")
        self.assertIn("no device was probed", self.run_client("device", "capabilities").stderr)
        done = self.probe()
        self.assertEqual(done.returncode, 0, done.stderr)

        def shown():
            devices = self.ask("device", "capabilities").get("devices", [])
            return devices and devices[0]
        device = eventually("the coordinator has it", shown)
        self.assertEqual(device["device"], "box/cpu")
        rates = {(rate["operation"], rate["type"]): rate.get("per_second") for rate in device["result"]["rates"]}
        self.assertGreater(rates["matmul", "float32"], 1e9)
        self.assertGreater(rates["copy", "uint8"], 1e8)
        cells = {(cell["precision"], cell["feature"]): cell for cell in device["result"]["capabilities"]}
        self.assertEqual(cells["fp32", "training"]["state"], "CAPABILITY_STATE_WORKS")
        self.assertGreater(cells["fp32", "training"]["seconds"], 0)
        self.assertEqual(cells["fp32", "compile"]["state"], "CAPABILITY_STATE_FAILS")
        self.assertIn(("fp16", "training"), cells)
        page = self.client("device", "capabilities", "box/cpu")
        self.assertRegex(page, r"matmul float32 +[0-9.]+ GFLOP/s")
        with self.database() as database:
            states = dict(database.execute("SELECT precision, state FROM device_capability "
                                           "WHERE device = 'box/cpu' AND feature = 'training' AND newest"))
        self.assertEqual(states["fp32"], "works")

    def test_refuses_an_unknown_device_and_a_busy_machine(self):
        done = self.probe("--device", "gpu")
        self.assertIn("--device takes cpu", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        self.start_server()
        agent = self.start_agent("box")
        self.submit("box/cpu", epochs=1000)
        eventually("the trainer trains", lambda: self.trainers(agent))
        done = self.probe()
        self.assertEqual(done.returncode, 1)
        self.assertIn("a run is under way on this machine", done.stderr)


if __name__ == "__main__":
    unittest.main()
