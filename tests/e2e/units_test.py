"""The units of deploy/systemd on a machine that systemd boots: it is initialised, joins and trains (deploy/README.md)."""
import glob
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import unittest

from booted import Booted, why_not
from programs import BIN, SMALL, eventually
from promise_row import print_tried

SKIP = 77
ADDRESS = "10.77.0.1:7440"  # not loopback: who has not joined is told so
UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "systemd")
TOKEN = "/etc/credstore/laptime.join-token"
IDENTITY = "/var/lib/private/laptime-agent/identity.json"
INIT = ["systemd-run", "--quiet", "--pipe", "--wait", "-p", "DynamicUser=yes", "-p", "User=laptime-server",
        "-p", "StateDirectory=laptime-server", "-p", "StateDirectoryMode=0700",
        "laptime-server", "init", "--state", "/var/lib/laptime-server", "--name", ADDRESS.split(":", maxsplit=1)[0]]


class UnitsTest(unittest.TestCase):
    def setUp(self):
        self.machine = Booted()
        self.addCleanup(self.machine.end)
        self.machine.start()
        self.install()

    # ---- the machine ----

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.machine.path(name)), exist_ok=True)
        with open(os.open(self.machine.path(name), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)

    def install(self):
        for name in ("laptime", "laptime-server", "laptime-agent", "laptime-trainer"):
            shutil.copy(os.path.join(BIN, name), self.machine.path("/usr/local/bin"))
        for unit in glob.glob(os.path.join(UNITS, "*.service")):
            shutil.copy(unit, self.machine.path("/etc/systemd/system"))
        self.show_libtorch()
        self.command("ip", "address", "add", ADDRESS.split(":", maxsplit=1)[0], "dev", "lo")
        self.write("/etc/laptime/server.env", f"LAPTIME_LISTEN={ADDRESS}\n")
        self.write("/etc/laptime/agent.env", f"LAPTIME_SERVER={ADDRESS}\nLAPTIME_NAME=box\nLAPTIME_PROBE_AFTER=off\n")
        self.command("systemctl", "daemon-reload")

    def show_libtorch(self):
        """Its libraries lie beside the trainer, where they would be hidden from a unit."""
        listed = subprocess.run(["ldd", os.path.join(BIN, "laptime-trainer")], capture_output=True, text=True)
        folders = {os.path.dirname(path) for path in re.findall(r"=> (/(?:root|home)/\S+)", listed.stdout)}
        for number, folder in enumerate(sorted(folders)):
            shown = f"/opt/laptime-{number}"
            os.makedirs(self.machine.path(shown))
            self.command("mount", "--bind", folder, shown)
            for name in os.listdir(folder):
                if ".so" in name:
                    os.symlink(f"{shown}/{name}", self.machine.path(f"/usr/local/bin/{name}"))

    def command(self, *command, text_in=None):
        done = self.machine.run(*command, text_in=text_in)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}{self.machine.output()[-3000:]}")
        return done.stdout

    def ask(self, *arguments):
        return json.loads(self.command("laptime", *arguments, "-o", "json"))

    # ---- what the agent does ----

    def attached(self):
        return any(device["host"] == "box" and device["state"] != "DEVICE_STATE_AWAY"
                   for device in self.ask("device", "list").get("devices", []))

    def wait_until_attached(self):
        try:
            eventually("box is attached", self.attached, 40)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.journals()}") from None

    def journals(self):
        return "\n".join(self.machine.journal(unit) for unit in ("laptime-server", "laptime-agent*"))

    def joins(self):
        """Those that succeeded, in the audit log; and those that were refused, as their agent says."""
        entries = self.ask("server", "audit").get("entries", [])
        said = self.command("journalctl", "--unit", "laptime-agent*", "--output", "cat")
        return (sum(entry["action"] == "Join" for entry in entries),
                sum(said.count(refusal) for refusal in ("used up", "that machine has joined already")))

    def restarts(self):
        return int(self.machine.property_of("laptime-agent", "NRestarts"))

    def main_process(self):
        return self.machine.property_of("laptime-agent", "MainPID")

    def initialise_as_root(self):
        """Another name for the coordinator; what root writes there is the service's."""
        self.command("systemctl", "stop", "laptime-server")
        self.command("laptime-server", "init", "--state", "/var/lib/laptime-server", "--name",
                     ADDRESS.split(":", maxsplit=1)[0], "--name", "another.example.org")
        self.command("systemctl", "start", "laptime-server")
        eventually("it answers", lambda: self.machine.run("laptime", "device", "list").returncode == 0, 30)
        said = self.command("journalctl", "--unit", "laptime-server", "--output", "cat")
        self.assertNotIn("the last good ones stay", said)
        self.wait_until_attached()

    def train(self):
        values = dict(SMALL, epochs=1)
        job = self.command("laptime", "submit", "simclr-synthetic-cifar10", "--device", "box/cpu", "--detach",
                           *[word for key, value in values.items() for word in ("--set", f"{key}={value}")]).strip()
        self.machine.run("laptime", "job", "wait", job)
        return self.ask("job", "show", job)["runs"][0]["state"]

    def train_restricted(self):
        """The control: with one line more in the unit nothing trains (tests/checks/exposure knows the line)."""
        self.write("/etc/systemd/system/laptime-agent.service.d/more.conf",
                   "[Service]\nMemoryDenyWriteExecute=yes\n")
        self.command("systemctl", "daemon-reload")
        self.command("systemctl", "restart", "laptime-agent")
        self.wait_until_attached()
        return self.train()

    def make_token(self):
        text = self.command("laptime", "token", "create", "--role", "agent")
        self.write(TOKEN, text)
        return text.strip().split("_")[2]

    def test_the_agent_joins_by_itself_and_trains(self):
        self.command(*INIT)
        self.command("systemctl", "start", "laptime-server")
        eventually("it answers", lambda: self.machine.run(
            "laptime", "login", ADDRESS, "--token-file", "/var/lib/laptime-server/admin.token").returncode == 0, 30)
        good = {}  # what a start is to come to: whether it did

        # Without a token it stays outside, and says so.
        self.command("systemctl", "start", "laptime-agent")
        eventually("it has ended and was started anew", self.restarts, 30)
        good["no token: it does not join"] = self.joins() == (0, 0) and not self.attached()
        # The next start finds the token.
        secret = self.make_token()
        self.wait_until_attached()
        good["a token: it joins"] = self.joins() == (1, 0)
        with open(self.machine.path(f"/proc/{self.main_process()}/environ"), "rb") as environment:
            self.assertNotIn(secret.encode(), environment.read())
        self.assertEqual(stat.S_IMODE(os.stat(self.machine.path(IDENTITY)).st_mode), 0o600)
        # With the token still there, which is used up by now.
        before = self.main_process()
        self.command("systemctl", "restart", "laptime-agent")
        self.assertNotEqual(self.main_process(), before)
        self.wait_until_attached()
        good["once more: it has joined"] = self.joins() == (1, 0)
        # As deploy/README.md says it.
        self.command("laptime", "device", "remove", "box", "--yes")
        self.make_token()
        os.remove(self.machine.path(IDENTITY))
        self.command("systemctl", "restart", "laptime-agent")
        self.wait_until_attached()
        good["removed, another token: it joins anew"] = self.joins() == (2, 0)
        self.initialise_as_root()
        state = self.train()
        print_tried("S12", "starts of the agent's unit: joins with its token, and once", len(good),
                    len(good) - sum(good.values()), survived=sum(good.values()))
        print_tried("S12", "runs that train under the agent's unit", 1, int(state != "RUN_STATE_SUCCEEDED"))
        without = self.train_restricted()
        print_tried("S12 ctrl", "runs under a unit that forbids generated code: must be lost", 1,
                    int(without != "RUN_STATE_SUCCEEDED"))
        self.assertEqual((set(good.values()), state, without), ({True}, "RUN_STATE_SUCCEEDED", "RUN_STATE_FAILED"),
                         f"{good}\n{self.journals()}")


if __name__ == "__main__":
    if why_not():
        print(f"skipped: no machine that systemd boots: {why_not()}")
        sys.exit(SKIP)
    unittest.main()
