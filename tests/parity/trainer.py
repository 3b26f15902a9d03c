"""laptime-trainer's commands for the comparison, as functions of dicts of tensors."""
import json
import os
import subprocess
import tempfile
import unittest

import torch

PROGRAM = os.path.join(os.path.abspath(os.environ["LAPTIME_BIN"]), "laptime-trainer")


def run(*arguments):
    """What the program prints, a JSON value a line. It leaves nothing in the user's cache."""
    with tempfile.TemporaryDirectory(prefix="laptime-cache-") as cache:
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, "XDG_CACHE_HOME": cache})
    if done.returncode != 0:
        raise AssertionError(f"laptime-trainer {arguments[0]} ended with {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class TrainerTest(unittest.TestCase):
    """A test case with a directory of its own for the files."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="laptime-parity-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def save(self, **tensors):
        path = self.path("input.pt")
        torch.save(tensors, path)
        return path

    def replay(self, state, view0, view1, rates, *arguments):
        """The losses of all steps and the state after the last."""
        file = self.save(state=state, view0=view0, view1=view1,
                         learning_rate=torch.tensor(rates, dtype=torch.float64))
        lines = run("replay", file, "--save-state", self.path("state.pt"), *arguments)
        self.assertEqual([line["step"] for line in lines], list(range(1, len(rates) + 1)))
        return [line["loss"] for line in lines], torch.load(self.path("state.pt"))

    def answer(self, command, *arguments, **tensors):
        """The file that the command writes."""
        files = [self.save(**tensors)] if tensors else []
        run(command, *files, "--output", self.path("output.pt"), *arguments)
        return torch.load(self.path("output.pt"))
