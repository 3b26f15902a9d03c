"""A fleet of two machines, as a person would set it up: two network namespaces and a cable between them.

Needs root and iproute2; without them it is skipped.
"""
import json
import os
import subprocess
import sys
import unittest

from machines import HERE, Machines, skip_without_machines
from programs import BIN, Program, Programs, eventually

PORT = 7440
DATA = os.environ.get("LAPTIME_TEST_CIFAR10", "")


class TwoMachinesTest(Programs):
    def setUp(self):
        super().setUp()
        self.machines = Machines()
        self.addCleanup(self.machines.remove)
        self.machines.make()
        self.address = f"{HERE}:{PORT}"

    def command(self, side, program, *arguments):
        """To its end, on one of the machines; its output."""
        done = subprocess.run([*self.machines.on(side), os.path.join(BIN, program), *map(str, arguments)],
                              capture_output=True, text=True, timeout=120, env=self.env, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{program} {arguments}\n{done.stdout}{done.stderr}")
        return done.stdout

    def begin(self, side, program, *arguments):
        started = Program([*self.machines.on(side), os.path.join(BIN, program), *map(str, arguments)],
                          self.path(f"{program}-{len(self.programs)}.log"), self.env)
        self.programs.append(started)
        return started

    def here(self, *arguments):
        return json.loads(self.command(0, "laptime", *arguments, "-o", "json"))

    def state_of_box(self):
        devices = self.here("device", "list").get("devices", [])
        return devices[0]["state"] if devices else None

    def test_a_job_across_a_cable_that_is_cut(self):
        told = self.command(0, "laptime-server", "init", "--state", self.path("server"), "--name", HERE)
        self.assertIn(f"laptime-agent join --server {HERE}:7440", told)

        def serve(*options):
            server = self.begin(0, "laptime-server", "serve", "--listen", f"0.0.0.0:{PORT}", "--state",
                                self.path("server"), *options)
            eventually("the coordinator listens", lambda: "listening on" in server.output())
            return server
        server = serve("--agent-certificate-lifetime", "60s")
        self.command(0, "laptime", "login", self.address, "--token-file", self.path("server/admin.token"))
        with open(self.path("box.token"), "w") as file:
            file.write(self.command(0, "laptime", "token", "create", "--role", "agent", "--label", "box"))

        # A stranger on the other machine, before it has joined.
        stranger = subprocess.run([*self.machines.on(1), os.path.join(BIN, "laptime"), "device", "list", "--server",
                                   self.address], capture_output=True, text=True, timeout=60,
                                  env=dict(self.env, XDG_CONFIG_HOME=self.path("stranger")))
        self.assertEqual(stranger.returncode, 5, stranger.stderr)

        box = self.path("box")
        self.command(1, "laptime-agent", "join", "--server", self.address, "--token-file", self.path("box.token"),
                     "--state", box)
        identity = os.path.join(box, "identity.json")

        def certificate():
            with open(identity) as file:
                return json.load(file)["certificate"]
        agent = self.begin(1, "laptime-agent", "run", "--state", box, "--name", "box",
                           *(["--data", DATA] if DATA else []))
        eventually("box is attached", lambda: self.state_of_box() == "DEVICE_STATE_IDLE")
        # The next certificate lives as long as they do by default: the cable may be cut for as long as it takes.
        server.end()
        serve()
        first = certificate()
        eventually("box is attached again", lambda: self.state_of_box() == "DEVICE_STATE_IDLE")
        workload = "simclr-cifar10" if DATA else "simclr-synthetic-cifar10"
        print(f"what is trained: {workload}", flush=True)
        epochs = 1000
        settings = dict(batch_size=8, train_images=64, eval_images=16, knn_k=8, max_steps_per_epoch=2, epochs=epochs)
        job = self.command(0, "laptime", "submit", workload, "--device", "box/cpu", "--detach",
                           *[word for key, value in settings.items() for word in ("--set", f"{key}={value}")]).strip()
        run = self.here("job", "show", job)["runs"][0]["id"]

        def laps():
            return [lap["number"] for lap in self.here("run", "show", run).get("epochs", [])]
        eventually("two laps", lambda: len(laps()) >= 2, deadline=400)

        eventually("the certificate is another", lambda: certificate() != first)
        self.machines.cut()
        eventually("box is away", lambda: self.state_of_box() == "DEVICE_STATE_AWAY")
        before = laps()
        self.machines.heal()
        eventually("box is back", lambda: self.state_of_box() == "DEVICE_STATE_BUSY")
        eventually("the laps of the time between", lambda: len(laps()) > len(before))
        shown = self.here("run", "show", run)
        self.assertEqual(shown["run"]["attempt"], 1)
        numbers = [lap["number"] for lap in shown["epochs"]]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)), "a lap was lost, or came twice")
        self.command(0, "laptime", "job", "cancel", job)
        self.command(0, "laptime", "device", "remove", "box", "--yes")
        self.assertEqual(agent.wait(), 4, agent.output())
        self.assertIsNone(self.state_of_box())
        print(f"two machines: {len(numbers)} laps, {len(before)} of them before the cable was cut for more than the "
              "lease; 0 lost, 0 doubled; certificate renewed; device removed", file=sys.stderr)


if __name__ == "__main__":
    skip_without_machines()
    unittest.main()
