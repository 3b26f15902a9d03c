"""A run that really trained, taken along in one file, and what is found when somebody touches it."""
import json
import unittest

from programs import Programs

DAMAGED = 1
USAGE = 2


class BundleTest(Programs):
    def test_bundle(self):
        self.start_server()
        self.start_agent("box")
        self.client("job", "wait", self.submit("box/cpu", epochs=2))
        self.client("run", "annotate", "last", "quiet machine")
        self.client("run", "export", "last", "--to", self.path("run.jsonl"))
        with open(self.path("run.jsonl")) as file:
            text = file.read()
        lines = text.splitlines()
        manifest = json.loads(lines[0])
        names = [part["name"] for part in manifest["parts"]]
        self.assertEqual(len(names) + 1, len(lines))
        self.assertLessEqual({"run", "job", "snapshot", "attempt/1", "epoch/1", "epoch/2", "log", "note/1"}, set(names))
        self.assertEqual(json.loads(lines[1])["id"], manifest["run"])
        with self.subTest("the same each time"):
            self.assertEqual(self.client("run", "export", "last"), text)
            self.assertEqual(self.client("run", "export", "last", "--to", "-"), text)
        with self.subTest("a bundle has one form"):
            self.assertEqual(self.run_client("run", "export", "last", "-o", "json").returncode, USAGE)
        with self.subTest("good"):
            findings = self.verify("run.jsonl", 0)
            self.assertIn("workload", findings)
            self.assertEqual({state for state, _ in findings.values()}, {"good"})
            self.assertEqual(self.run_client("run", "verify", "-", server=False, text_in=text).returncode, 0)
        with self.subTest("edited"):
            at = next(i for i, line in enumerate(lines) if '"wall_seconds":' in line)
            lap = json.loads(lines[at])
            faster = [*lines[:at], json.dumps(dict(lap, wall_seconds=lap["wall_seconds"] / 2)), *lines[at + 1:]]
            self.write("edited.jsonl", "\n".join(faster) + "\n")
            findings = self.verify("edited.jsonl", DAMAGED)
            self.assertEqual(findings["median lap"][0], "wrong")
        with self.subTest("truncated"):
            self.write("cut.jsonl", text[:len(text) // 2])
            self.verify("cut.jsonl", DAMAGED)
        with self.subTest("something else"):
            self.write("other.jsonl", '{"source":"me"}\n')
            done = self.run_client("run", "verify", self.path("other.jsonl"), server=False)
            self.assertEqual(done.returncode, DAMAGED)
            self.assertIn("no bundle of a run", done.stderr)
            self.assertEqual(self.run_client("run", "verify", self.path("none"), server=False).returncode, USAGE)
        with self.subTest("mlperf"):
            log = self.client("run", "export", "last", "--format", "mlperf").splitlines()
            keys = [json.loads(line.removeprefix(":::MLLOG "))["key"] for line in log]
            self.assertEqual(keys.count("epoch_start"), 2)
            self.assertEqual(keys.count("eval_accuracy"), 2)
            self.assertEqual(keys[-1], "run_stop")

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def verify(self, name, code):
        """{what: (state, detail)}; asks no coordinator."""
        done = self.run_client("run", "verify", self.path(name), "-o", "json", server=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return {each["what"]: (each["state"], each["detail"]) for each in json.loads(done.stdout)["findings"]}


if __name__ == "__main__":
    unittest.main()
