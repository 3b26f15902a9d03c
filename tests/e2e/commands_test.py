"""Every command that reads, once on real results: it ends well, in every output, with the documented fields."""
import csv
import io
import json
import os
import unittest

from programs import LASTING, Programs

# command -> the JSON's field that holds the rows, or the fields of the one object
COMMANDS = {
    ("job", "list"): ["jobs"],
    ("job", "show", "last"): ["job", "runs"],
    ("run", "list"): ["runs"],
    ("run", "show", "last"): ["run", "epochs", "snapshot", "attempts", "workload"],
    ("device", "list"): ["devices"],
    ("device", "show", "box/cpu"): ["device", "host"],
    ("workload", "list"): ["presets"],
    ("workload", "show", "simclr-cifar10"): [],
    ("workload", "explain", "batch_size"): [],
    ("table",): ["rows"],
    ("server", "info"): ["version", "database", "schema_version"],
    ("config", "show"): ["settings"],
    ("config", "path"): ["files"],
    ("version",): ["versions"],
    ("doctor",): [],
}
RUN = {"id", "job_id", "host", "device", "workload", "state", "attempt", "median_epoch_seconds"}
EPOCH = {"number", "wall_seconds", "mean_loss", "knn_accuracy", "images_per_second", "phases", "utilization",
         "step_seconds"}
PHASES = {"load_wait", "augment", "host_to_device", "forward", "loss", "backward", "optimizer", "bank", "knn", "other"}
UTILIZATION = {"mean_percent", "p5_percent", "above_90_fraction", "source"}
DEVICE = {"id", "host", "name", "kind", "model", "state", "health"}


class CommandsTest(Programs):
    def test_all(self):
        self.start_server()
        self.start_agent("box")
        job = self.submit("box/cpu", epochs=1, **LASTING)
        self.client("job", "wait", job)
        with self.subTest("outputs"):
            self.every_output()
        with self.subTest("fields"):
            self.documented_fields()
        with self.subTest("export"):
            self.export()
        with self.subTest("watching what has ended"):
            for command in (["job", "watch", job], ["run", "watch", "last"]):
                self.assertIn("succeeded", self.client(*command))
        with self.subTest("devices"):
            self.devices()
        with self.subTest("import"):
            self.imports()
        with self.subTest("dry run"):
            self.dry_run(job)

    def every_output(self):
        for command, fields in COMMANDS.items():
            for output in ("table", "wide", "json", "jsonl", "csv", "md"):
                with self.subTest(command=command, output=output):
                    text = self.client(*command, "-o", output)
                    self.assertTrue(text.strip())
                    self.assertNotIn("\x1b", text)
                    if output == "json":
                        answer = json.loads(text)
                        for field in fields:
                            self.assertIn(field, answer)
                    elif output == "jsonl":
                        for line in text.splitlines():
                            json.loads(line)
                    elif output == "csv":
                        rows = list(csv.reader(io.StringIO(text)))
                        self.assertEqual({len(row) for row in rows}, {len(rows[0])})

    def documented_fields(self):
        self.assertLessEqual(RUN, self.ask("run", "list")["runs"][0].keys())
        self.assertLessEqual(DEVICE, self.ask("device", "list")["devices"][0].keys())
        self.assertLessEqual(RUN, self.ask("job", "show", "last")["runs"][0].keys())
        shown = self.ask("run", "show", "last")
        epoch = shown["epochs"][0]
        self.assertLessEqual(EPOCH, epoch.keys())
        self.assertLessEqual(PHASES, epoch["phases"].keys())
        self.assertLessEqual(UTILIZATION, epoch["utilization"].keys())
        self.assertIsInstance(epoch["wall_seconds"], float)
        self.assertEqual(shown["run"]["state"], "RUN_STATE_SUCCEEDED")
        chosen = json.loads(self.client("run", "list", "--fields", "id,state", "-o", "json"))["runs"][0]
        self.assertEqual(list(chosen), ["id", "state"])

    def export(self):
        laps = [json.loads(line) for line in self.client("export", "epochs", "--format", "jsonl").splitlines()]
        self.assertEqual([lap["epoch"]["number"] for lap in laps], [1])
        rows = list(csv.DictReader(io.StringIO(self.client("export", "epochs", "-o", "csv"))))
        self.assertEqual(len(rows), 1)
        self.assertEqual(float(rows[0]["epoch.wall_seconds"]), laps[0]["epoch"]["wall_seconds"])
        # The laps of one run are still csv, where a run is shown.
        shown = list(csv.DictReader(io.StringIO(self.client("run", "show", "last", "-o", "csv"))))
        self.assertEqual(float(shown[0]["wall_seconds"]), laps[0]["epoch"]["wall_seconds"])

    def devices(self):
        self.client("device", "drain", "box/cpu")
        self.assertEqual(self.device_states("box"), {"box/cpu": "DEVICE_STATE_DRAINED"})
        self.client("device", "resume", "box/cpu")
        self.assertEqual(self.device_states("box"), {"box/cpu": "DEVICE_STATE_IDLE"})
        self.client("device", "rename", "box/cpu", "slow")
        self.assertEqual(list(self.device_states("box")), ["box/slow"])
        self.client("device", "rename", "box/slow", "cpu")

    def imports(self):
        line = {"source": "me", "host": "lab1", "device": "cuda:0", "kind": "cuda", "model": "RTX 4090",
                "workload": "simclr-cifar10", "precision": "fp32", "epoch_seconds": [21.4, 21.2]}
        with open(self.path("mine.jsonl"), "w") as file:
            file.write(json.dumps(line) + "\n")
        self.client("import", self.path("mine.jsonl"))
        self.client("import", "-", text_in=json.dumps(line))  # the same once more: stored once
        rows = [row for row in self.ask("table")["rows"] if row["device"] == "lab1/cuda:0"]
        self.assertEqual([row["marks"] for row in rows], [["imported"]])
        # Neither a run nor a device.
        self.assertEqual(list(self.device_states("lab1")), [])
        self.assertEqual(len(self.ask("run", "list")["runs"]), 1)

    def dry_run(self, job):
        plan = self.client("submit", "simclr-cifar10", "--device", "box/cpu", "--repeat", "3", "--dry-run", "-o", "json")
        self.assertEqual(len(json.loads(plan)["runs"]), 3)
        self.assertEqual([each["id"] for each in self.ask("job", "list")["jobs"]], [job])

    def test_standard_output_that_takes_no_more(self):
        self.start_server()
        self.start_agent("box")
        self.client("job", "wait", self.submit("box/cpu", epochs=1))
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        for command in (["run", "list"], ["run", "logs", "last"]):
            with open("/dev/full", "w") as full:
                done = self.run_client(*command, stdout=full)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("cannot write to standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
