"""The server's certificate is exchanged while agents report and people ask; a pair that is broken is refused."""
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

from fake_fleet import FakeFleet
from programs import eventually
from promise_row import print_tried
from secured_fleet import SecuredFleet

AGENTS = 2
LAPS = 50  # of a run; runs follow each other
LAP_MS = 20
EXCHANGES = 3
PAST, FUTURE = ("20200101000000Z", "20210101000000Z"), ("20900101000000Z", "20910101000000Z")
REFUSED = "the last good ones stay"
END = "-----END CERTIFICATE-----\n"
# For certificates that no init makes.
OPENSSL = """[req]
distinguished_name=any
[ca]
default_ca=own
[own]
database={dir}/index.txt
serial={dir}/serial
new_certs_dir={dir}
default_md=sha256
policy=any
x509_extensions=names
unique_subject=no
[any]
commonName=optional
[names]
subjectAltName={names}
"""


def leaf(pair):
    return pair[0][:pair[0].index(END) + len(END)]


class Caller:
    """Calls all the time until it is stopped."""

    def __init__(self, call):
        self.call = call
        self.calls, self.failures = 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            done = self.call()
            self.calls += 1
            if done.returncode != 0:
                self.failures.append(done.stderr)

    def stop(self):
        self.over.set()
        self.thread.join()


class RotationTest(SecuredFleet, FakeFleet):
    def setUp(self):
        super().setUp()
        self.env["LAPTIME_FAKE_LAP_MS"] = str(LAP_MS)
        self.joined = 0
        self.complaints = []

    # ---- pairs: (server.pem, server.key) ----

    def made_by_init(self, directory):
        done = self.run_program("laptime-server", "init", "--state", self.path(directory))
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.pair_in(directory)

    def pair_in(self, directory):
        return self.read(directory, "server.pem"), self.read(directory, "server.key")

    def made_by_openssl(self, authority, begins, ends, names="DNS:localhost,IP:127.0.0.1"):
        """A pair of the authority in that directory."""
        directory = tempfile.mkdtemp(dir=self.dir)
        config, key, request, made = (os.path.join(directory, name) for name in ("config", "key", "request", "made"))
        for name, text in (("index.txt", ""), ("config", OPENSSL.format(dir=directory, names=names))):
            with open(os.path.join(directory, name), "w") as file:
                file.write(text)
        for command in (
                ["req", "-config", config, "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", "/CN=localhost", "-keyout", key, "-out", request],
                ["ca", "-config", config, "-batch", "-notext", "-create_serial", "-in", request, "-out", made,
                 "-cert", os.path.join(self.path(authority), "ca.pem"),
                 "-keyfile", os.path.join(self.path(authority), "ca.key"), "-startdate", begins, "-enddate", ends]):
            done = subprocess.run(["openssl", *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        return self.read(made) + self.read(authority, "ca.pem"), self.read(key)

    def read(self, *names):
        with open(os.path.join(self.dir, *names)) as file:
            return file.read()

    def put(self, directory, name, text):
        """Whole or not at all, as an administrator's tool does; None takes the file away."""
        path = os.path.join(self.dir, directory, name)
        if text is None:
            os.remove(path)
            return
        with open(path + ".new", "w") as file:
            file.write(text)
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)

    def put_pair(self, pair, directory="server"):
        self.put(directory, "server.key", pair[1])
        self.put(directory, "server.pem", pair[0])

    # ---- what came of it ----

    def shown(self):
        """The certificate that the port shows to a new connection."""
        certificate = self.shake_hands()
        return certificate and ssl.DER_cert_to_PEM_cert(certificate)

    def comes_true(self, what, condition):
        try:
            return bool(eventually(what, condition, deadline=10))
        except AssertionError as error:
            self.complaints.append(f"{error}\n{self.server.output()[-2000:]}")
            return False

    def refusals(self):
        return self.server.output().count(REFUSED)

    def serves(self, pair):
        """New connections are shown that pair; a machine that is new joins over them, and attaches."""
        self.joined += 1
        name = f"new{self.joined}"
        if not self.comes_true("the pair is shown", lambda: self.shown() == leaf(pair)):
            return False
        agent = self.join_and_run(name, bin=self.bin)
        agent.end()
        self.programs.remove(agent)
        return self.shown() == leaf(pair)

    def is_renewed(self):
        """One of ours that has expired is made anew, and the new one is served."""
        expired = self.made_by_openssl("server", *PAST)
        self.put_pair(expired)
        self.comes_true("it is made anew", lambda: leaf(self.pair_in("server")) != leaf(expired))
        return self.serves(self.pair_in("server"))

    def is_refused(self, pair, good):
        before = self.refusals()
        self.put_pair(pair)
        said = self.comes_true("the log says what is refused", lambda: self.refusals() > before)
        return said and self.shown() == leaf(good)

    def broken(self, good, other):
        """By what is wrong with them. One after the other has another complaint: the same is logged once."""
        foreign = self.made_by_init("foreign")
        pairs = {
            "an empty certificate": ("", good[1]),
            "another key": (good[0], other[1]),
            "half a certificate": (good[0][:len(leaf(good)) // 2], good[1]),
            "another authority's": foreign,
            "an empty key": (good[0], ""),
            "no key": (good[0], None),
            "a file too large": (good[0] + "#" * 65536, good[1]),
        }
        if shutil.which("openssl"):
            pairs["one of the future"] = self.made_by_openssl("server", *FUTURE)
            pairs["another authority's, expired"] = self.made_by_openssl("foreign", *PAST, "DNS:elsewhere.example.org")
        return pairs

    def test_exchanges_under_load(self):
        self.initialise()
        self.log_in_as_admin()
        boxes = [f"box{number}" for number in range(AGENTS)]
        agents = [self.join_and_run(box, "--machine-lock", self.path(f"{box}.lock"), bin=self.bin) for box in boxes]
        jobs = [self.submit(f"{box}/cpu", repeat=200, epochs=LAPS) for box in boxes]
        for job in jobs:
            self.wait_for_epochs(self.job_runs(job)[0]["id"], 1)
        for name in ("ca.pem", "ca.key"):
            os.makedirs(self.path("copy"), exist_ok=True)
            shutil.copy(os.path.join(self.state, name), self.path("copy"))
        caller = Caller(lambda: self.run_client("device", "list"))

        pairs = [self.made_by_init("copy") for _ in range(EXCHANGES + 1)]
        expired = shutil.which("openssl") is not None
        tried = len(pairs) + expired
        exchanged = 0
        for pair in pairs[:-1]:
            self.put_pair(pair)
            exchanged += self.serves(pair)
        exchanged += expired and self.is_renewed()
        good = self.pair_in("server")
        broken = self.broken(good, pairs[0])
        refused = [what for what, pair in broken.items() if self.is_refused(pair, good)]
        self.put_pair(pairs[-1])
        exchanged += self.serves(pairs[-1])
        caller.stop()

        def row(what, tried, lost):
            print_tried("S13", what, tried, lost, survived=tried - lost)

        row("certificates exchanged under load: shown, and a machine joins", tried, tried - exchanged)
        row("broken pairs: refused in the log, the last good one shown", len(broken), len(broken) - len(refused))
        row("calls on new connections meanwhile", caller.calls, len(caller.failures))
        runs, lost, doubled = self.stop_jobs(boxes, jobs)
        print_tried("S13", f"laps of {runs} runs meanwhile", runs * LAPS, lost, doubled)
        self.control()
        self.assertEqual(refused, list(broken), "\n".join(self.complaints))
        self.assertEqual(caller.failures, [])
        self.assertEqual((exchanged, lost, doubled), (tried, 0, 0))
        for agent in agents:
            self.assertIsNone(agent.process.poll(), agent.output())

    def stop_jobs(self, boxes, jobs):
        """(runs that were begun, their laps that are lost, those that are doubled)"""
        for box in boxes:
            self.client("device", "drain", f"{box}/cpu")

        def begun():
            return [run for job in jobs for run in self.job_runs(job) if run["state"] != "RUN_STATE_QUEUED"]

        eventually("the runs have ended", lambda: all(run["state"] not in ("RUN_STATE_ASSIGNED", "RUN_STATE_RUNNING")
                                                      for run in begun()))
        runs = begun()
        lost = doubled = 0
        for run in runs:
            self.assertEqual((run["state"], run["attempt"]), ("RUN_STATE_SUCCEEDED", 1))
            laps = self.stored_laps(run["id"])
            lost += len(set(range(1, LAPS + 1)) - set(laps))
            doubled += len(laps) - len(set(laps))
        return len(runs), lost, doubled

    def control(self):
        """Another authority's pair in force without the check: the same calls must notice."""
        foreign = self.made_by_init("foreign")
        self.put_pair(foreign, "server/tls/current")
        eventually("the port shows it", lambda: self.shown() == leaf(foreign))
        done = [self.run_client("device", "list").returncode for _ in range(3)]
        print_tried("S13 ctrl", "calls while a foreign pair is in force: must be lost", len(done),
                    sum(code != 0 for code in done))
        self.assertNotIn(0, done)


if __name__ == "__main__":
    unittest.main()
