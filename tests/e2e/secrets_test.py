"""Secrets lie in the files that are for them, and nowhere else: no output, log, process, table or core."""
import base64
import contextlib
import hashlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import unittest

from fake_fleet import FakeFleet
from programs import BIN, DEADLINE, Program, descendants, eventually
from promise_row import print_tried
from secured_fleet import SecuredFleet

PIECE = 16  # characters of a secret that are one too many: 64 bits of a token's secret, 96 of a key
P256_KEY = bytes.fromhex("0201010420")  # in the DER of a private key; its 32 bytes follow
KEY_BYTES = 32
NO_CORE = (0, 1)  # limits, see proto/support/no_core.h


def pieces_of(text):
    """Parts of which each run of 1.5 PIECE characters holds one."""
    return {text[at:at + PIECE] for at in range(0, len(text) - PIECE + 1, PIECE // 2)}


def forms_of_token(text):
    """What the secret half of a token may look like where it does not belong."""
    secret = text.strip().split("_")[2]
    forms = pieces_of(secret) | pieces_of(secret.upper())
    for whole in (bytes.fromhex(secret), secret.encode()):
        for shift in range(3):  # where it stands in what was encoded
            inner = base64.b64encode(bytes(shift) + whole).decode().rstrip("=")[4:-4]
            forms |= pieces_of(inner)
    return {form.encode() for form in forms} | {bytes.fromhex(secret)}


def der_of(pem):
    return base64.b64decode("".join(pem.strip().splitlines()[1:-1]))


def forms_of_key(pem):
    """Of its private number only: the public one stands in certificates."""
    lines = pem.strip().splitlines()[1:-1]
    der = der_of(pem)
    begin = der.index(P256_KEY) + len(P256_KEY)
    secret = der[begin:begin + KEY_BYTES]
    forms = pieces_of(secret.hex()) | pieces_of(secret.hex().upper())
    for number, line in enumerate(lines):
        first = max(0, -(-begin // 3) * 4 - number * 64)
        last = min(64, (begin + KEY_BYTES) // 3 * 4 - number * 64)
        if last - first >= PIECE:
            forms |= pieces_of(line[first:last])
    return {form.encode() for form in forms} | {secret}


class Secrets:
    """{what: its forms}"""

    def __init__(self):
        self.forms = {}

    def add_token(self, what, text):
        self.forms[what] = forms_of_token(text)

    def add_key(self, what, pem):
        self.forms[what] = forms_of_key(pem)

    def within(self, data):
        """Which of them are in there, wholly or in part."""
        return {what for what, forms in self.forms.items() if any(form in data for form in forms)}


class Processes:
    """Command lines and environments of everything that this process starts, read again and again until it is stopped.
    """

    def __init__(self):
        self.read = {}  # {(process, which file): contents}
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def sample(self, pids):
        for pid in pids:
            for file in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    with open(f"/proc/{pid}/{file}", "rb") as opened:
                        contents = opened.read()
                    if contents:  # none of one that has ended
                        with self.lock:
                            self.read.setdefault((pid, file), set()).add(contents)

    def has_read(self, pid):
        with self.lock:
            return {(pid, "cmdline"), (pid, "environ")} <= set(self.read)

    def _run(self):
        while not self.over.wait(0.01):
            self.sample(descendants(os.getpid()))

    def stop(self):
        self.over.set()
        self.thread.join()


def columns(database):
    """{table.column: all its values, one after the other}"""
    found = {}
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        opened.text_factory = bytes
        tables = [name.decode() for name, in opened.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            names = [row[1].decode() for row in opened.execute(f'PRAGMA table_info("{table}")')]
            for name in names:
                values = (value for value, in opened.execute(f'SELECT "{name}" FROM "{table}"'))
                found[f"{table}.{name}"] = b"\n".join(
                    value if isinstance(value, bytes) else str(value).encode() for value in values)
    return found


@unittest.skipUnless(sys.platform == "linux", "reads Linux's /proc")
class SecretsTest(SecuredFleet, FakeFleet):
    def setUp(self):
        super().setUp()
        # Whatever that of who tests is: files are private by themselves.
        self.addCleanup(os.umask, os.umask(0o022))
        self.env["TMPDIR"] = self.path("tmp")
        os.mkdir(self.path("tmp"))
        self.env["LAPTIME_FAKE_GATE"] = self.path("gate")
        self.secrets = Secrets()
        self.said = {}  # {command, numbered: what it wrote}
        self.processes = Processes()
        self.addCleanup(self.processes.stop)

    # ---- commands, what they say being kept ----

    def recorded(self, command, text_in=None, stdout=subprocess.PIPE, deadline=DEADLINE):
        process = subprocess.Popen(command, stdin=subprocess.PIPE if text_in else subprocess.DEVNULL, stdout=stdout,
                                   stderr=subprocess.PIPE, text=True, env=self.env, cwd=self.dir)
        self.processes.sample([process.pid])
        out, error = process.communicate(text_in, deadline)
        words = " ".join([os.path.basename(command[0]), *command[1:]]).replace(self.dir, "")
        self.said[f"{len(self.said)}: {words}"] = f"{out or ''}{error}"
        return subprocess.CompletedProcess(command, process.returncode, out, error)

    def run_client(self, *arguments, server=True, deadline=DEADLINE, text_in=None, stdout=subprocess.PIPE):
        command = self.invocation("laptime", *arguments) + (["--server", self.address] if server else [])
        return self.recorded(command, text_in, stdout, deadline)

    def run_program(self, program, *arguments, deadline=DEADLINE):
        return self.recorded(self.invocation(program, *arguments), deadline=deadline)

    def refused(self, done):
        self.assertNotEqual(done.returncode, 0, done.stdout)

    def read(self, *names, mode="r"):
        with open(os.path.join(self.dir, *names), mode) as file:
            return file.read()

    def write(self, name, text):
        """As a person who is careful keeps a secret."""
        with open(os.open(self.path(name), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        return self.path(name)

    # ---- the life of a fleet ----

    def new_token(self, role):
        self.write(f"{role}.token", "")
        text = self.read(self.token_file(f"{role}.token", "--role", role))
        self.secrets.add_token(f"{role} token", text)
        return text

    def set_up(self, agent=True):
        self.initialise("--log-level", "debug")
        self.secrets.add_token("administrator's token", self.read("server", "admin.token"))
        self.secrets.add_key("authority's key", self.read("server", "ca.key"))
        self.secrets.add_key("server's key", self.read("server", "server.key"))
        self.log_in_as_admin()
        self.tokens = {role: self.new_token(role) for role in ("agent", "viewer", "user")}
        for role in ("viewer", "user"):
            self.assertEqual(self.login(self.path(f"{role}.token")).returncode, 0)
        self.log_in_as_admin()
        joined = self.recorded(self.invocation("laptime-agent", "join", "--server", self.address, "--state",
                                               self.path("agent-box"), "--token-file", "-"), self.tokens["agent"])
        self.assertEqual(joined.returncode, 0, joined.stderr)
        self.secrets.add_key("agent's key", json.loads(self.read("agent-box", "identity.json"))["key"])
        if agent:
            self.agent = self.start_box()

    def start_box(self):
        return self.start_agent("box", "--log-level", "debug", bin=self.bin)

    def watch(self, job):
        watcher = Program([os.path.join(BIN, "laptime"), "job", "watch", job, "--server", self.address],
                          self.path("watch.log"), self.env)
        self.programs.append(watcher)
        eventually("the watcher follows", watcher.output)
        return watcher

    def train(self):
        job = self.submit("box/cpu", epochs=3)
        run = self.job_runs(job)[0]["id"]
        self.wait_for_epochs(run, 1)
        watcher = self.watch(job)
        trainer, = self.trainers(self.agent)
        for pid in (self.server.pid, self.agent.pid, watcher.pid, trainer):
            eventually(f"process {pid} was looked at", lambda: self.processes.has_read(pid))
        open(self.path("gate"), "w").close()
        self.assertEqual(watcher.wait(), 0, watcher.output())
        return run

    def take_along(self, run):
        self.client("server", "backup", self.path("backup.db"))
        self.client("run", "export", run, "--to", self.path("bundle.jsonl"))
        for rows in ("runs", "epochs", "samples"):
            self.write(f"{rows}.csv", self.client("export", rows))
        for words in (["token", "list"], ["server", "audit"], ["server", "check"], ["run", "show", run],
                      ["run", "logs", run], ["device", "list", "-v"], ["doctor"], ["config", "show"]):
            self.run_client(*words, "-o", "json")

    def go_wrong(self):
        """Secrets that are wrong, used up, revoked, broken, or where something else is expected."""
        prefix, public, secret, pin = self.tokens["agent"].strip().split("_")
        guess = hashlib.sha256(f"not {secret}".encode()).hexdigest()[:32]
        wrong = {"used": self.tokens["agent"], "guess": "_".join([prefix, public, guess, pin]),
                 "person": self.tokens["user"], "pin": "_".join([prefix, public, secret, "0" * 64]),
                 "long": "_".join([prefix, public, secret + "0", pin]), "half": f"{prefix}_{public}_{secret}",
                 "quoted": f"token = '{self.tokens['agent'].strip()}'", "twice": 2 * self.tokens["agent"]}
        self.secrets.add_token("a guessed token", wrong["guess"])
        for name, text in wrong.items():
            file = self.write(f"wrong-{name}", text)
            self.refused(self.join("other", file))
            if name != "person":
                self.refused(self.login(file))
        identity = self.read("agent-box", "identity.json")
        os.mkdir(self.path("broken"), 0o700)
        self.write("broken/identity.json", identity[:-20])
        self.refused(self.run_program("laptime-agent", "run", "--server", self.address, "--state", self.path("broken")))
        # One file taken for another.
        for file in (self.path("user.token"), os.path.join(self.state, "ca.key")):
            self.refused(self.run_program("laptime-agent", "run", "--config", file))
            self.refused(self.run_client("run", "verify", file, server=False))
            self.refused(self.run_client("import", file))
            self.refused(self.run_client("submit", file, "--detach"))
            self.refused(self.join("other", file if "ca.key" in file else self.path("wrong-half")))
        known = self.env
        self.env = dict(known, XDG_CONFIG_HOME=self.path("else"))
        self.assertEqual(self.login(self.path("user.token")).returncode, 0)
        self.client("device", "list")
        public = self.tokens["user"].split("_")[1]
        self.env = known
        self.client("token", "revoke", public)
        self.env = dict(known, XDG_CONFIG_HOME=self.path("else"))
        self.refused(self.run_client("device", "list"))
        logins = self.read("else", "laptime", "logins.json")
        self.write("else/laptime/logins.json", logins[:-20])
        self.refused(self.run_client("device", "list"))
        self.env = known

    def break_certificate(self):
        """A pair that the coordinator refuses, in its log."""
        key = os.path.join(self.state, "server.key")
        good = self.read(key)
        self.write(key, good[:-60])
        eventually("the log says what is refused", lambda: "the last good ones stay" in self.server.output())
        self.write(key, good)

    # ---- the search ----

    def holders(self):
        """{file: the secrets that are to be there}"""
        found = {"server/ca.key": {"authority's key"}, "server/server.key": {"server's key"},
                 "server/tls/1/server.key": {"server's key"}, "server/admin.token": {"administrator's token"},
                 "agent-box/identity.json": {"agent's key"}, "config/laptime/logins.json": {"administrator's token"},
                 "else/laptime/logins.json": {"user token"}, "broken/identity.json": {"agent's key"}}
        for role in ("agent", "viewer", "user"):
            found[f"{role}.token"] = {f"{role} token"}
        for name in os.listdir(self.dir):
            if name.startswith("wrong-"):
                found[name] = {{"wrong-guess": "a guessed token", "wrong-person": "user token"}.get(name, "agent token")}
        return found

    def files(self):
        """{name: contents} of all that lies in the directory of this test, but for the programs."""
        found = {}
        for folder, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(folder, name)
                if folder != self.bin and stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, self.dir)] = file.read()
        return found

    def search(self, what, places, promise="S14"):
        """Prints the row; {place: secrets that are there}."""
        found = {place: sorted(inside) for place, data in places.items() if (inside := self.secrets.within(data))}
        print_tried(promise, what, len(places), len(found), survived=len(places) - len(found))
        return found

    def read_processes(self):
        return {f"{file} of {pid}": b"\n".join(each) for (pid, file), each in self.processes.read.items()}

    def control(self):
        """The same search, where secrets were planted."""
        secret = self.tokens["user"].strip()
        for name in ("server/laptime.db", self.server.log):
            shutil.copy(self.path(name), self.path(f"planted-{os.path.basename(name)}"))
        with contextlib.closing(sqlite3.connect(self.path("planted-laptime.db"))) as database:
            database.execute("UPDATE token SET label = ? WHERE role = 3", (f"of {secret},",))
            database.execute("UPDATE audit SET detail = ?", (secret.split("_")[2].upper()[:24],))
            database.commit()
        with open(self.path(f"planted-{os.path.basename(self.server.log)}"), "a") as log:
            log.write(f"error: no such file {secret}\n")
        encoded = base64.b64encode(secret.encode()).decode()
        key = self.read("server", "ca.key")
        planted = {name: data for name, data in self.files().items() if name.startswith("planted-")}
        planted.update({f"a table: {name}": data for name, data in columns(self.path("planted-laptime.db")).items()
                        if name in ("token.label", "audit.detail")})
        planted.update({"an encoded token": encoded.encode(), "a key in JSON": json.dumps(key).encode(),
                        "a line of a key": key.splitlines()[2].encode(),
                        "a key as DER": der_of(key)})
        watched = Processes()
        with subprocess.Popen([sys.executable, "-c", "input()", secret], stdin=subprocess.PIPE,
                              env=dict(self.env, LAPTIME_TOKEN=secret)) as waiting:
            eventually("it was looked at", lambda: watched.has_read(waiting.pid))
            waiting.communicate(b"\n")
        watched.stop()
        planted.update({f"{file} of a process": b"\n".join(watched.read[waiting.pid, file])
                        for file in ("cmdline", "environ")})
        found = self.search("planted in a log, tables, processes and encodings: must be lost", planted, "S14 ctrl")
        self.assertEqual(set(found), set(planted))

    # ---- cores ----

    def aborted(self, name, start):
        """(its limit of a core's size, the cores) of the program that `start` starts, in a directory of its own."""
        directory = self.path(f"aborted-{name}")
        os.mkdir(directory)
        os.chdir(directory)
        program = start()
        limit, _ = resource.prlimit(program.pid, resource.RLIMIT_CORE)
        program.signal(signal.SIGABRT)
        self.assertEqual(program.wait(), -signal.SIGABRT)
        cores = {core: self.secrets.within(self.read(directory, core, mode="rb")) for core in os.listdir(directory)}
        shutil.rmtree(directory)
        os.chdir(self.dir)
        return limit, cores

    def test_a_program_that_aborts_leaves_no_core(self):
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        if most == 0:
            self.skipTest("this machine allows no cores")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        self.addCleanup(os.chdir, os.getcwd())
        made = {}
        made["another program"] = self.aborted("other", self.other)
        made["coordinator"] = self.aborted("server", lambda: self.set_up(agent=False) or self.server)
        port = self.address.rsplit(":", 1)[1]
        self.server = self.start_secured(port=port)
        made["agent"] = self.aborted("agent", self.start_box)
        self.start_box()
        job = self.submit("box/cpu", epochs=3)
        made["client"] = self.aborted("client", lambda: self.watch(job))

        with open("/proc/sys/kernel/core_pattern") as file:
            written = file.read()[0] not in "|@/"  # into the directory of the program that aborts
        control = made.pop("another program")
        left = {name: each for name, each in made.items() if each[0] not in NO_CORE or each[1]}
        how = "no core" if written else "a limit that leaves no core"
        print_tried("S14", f"programs that abort while they hold secrets: {how}", len(made), len(left),
                    survived=len(made) - len(left))
        seen = control[0] not in NO_CORE and bool(control[1]) == written
        print_tried("S14 ctrl", "another program that aborts: must be lost", 1, int(seen))
        self.assertEqual(left, {}, "{program: (its limit, {core: the secrets in it})}")
        self.assertTrue(seen, control)

    def other(self):
        """A program that is not ours, once it runs."""
        program = Program([sys.executable, "-c", "import signal; print('here', flush=True); signal.pause()"],
                          self.path("other.log"), self.env)
        self.programs.append(program)
        eventually("it runs", program.output)
        return program

    def test_secrets_are_nowhere_else(self):
        self.set_up()
        run = self.train()
        self.take_along(run)
        self.go_wrong()
        self.break_certificate()
        tables = {f"{name}: {column}": data for name in ("server/laptime", "backup")
                  for column, data in columns(self.path(f"{name}.db")).items()}
        running = self.files()  # with what has not left the write-ahead logs
        self.assertGreater(len(running["server/laptime.db-wal"]), 0)
        for program in (self.agent, self.server):
            self.stop(program)
        self.processes.stop()
        files = {f"{when} {name}": data for when, found in (("running", running), ("stopped", self.files()))
                 for name, data in found.items()}
        holders = self.holders()
        count = len(self.secrets.forms)

        found = self.search(f"outputs of commands that hold none of {count} secrets",
                            {words: text.encode() for words, text in self.said.items()})
        found.update(self.search("command lines and environments of processes", self.read_processes()))
        found.update(self.search("columns of the database and of its backup", tables))
        found.update(self.search("files: logs, raw databases, backup, exports, bundle, spool", {
            name: data for name, data in files.items() if name.split(" ", 1)[1] not in holders}))
        self.assertEqual(found, {})

        # Seen where they are to be: the search finds them, and only their hashes are in the table.
        held = {name: self.secrets.within(files[f"stopped {name}"]) for name in holders}
        self.assertEqual(held, holders)
        hashes = tables["server/laptime: token.secret_sha256"]
        for text in [self.read("server", "admin.token"), *self.tokens.values()]:
            self.assertIn(hashlib.sha256(text.split("_")[2].encode()).hexdigest().encode(), hashes)
        private = dict.fromkeys(holders, 0o600)
        private.update(dict.fromkeys(("server", "server/tls", "agent-box"), 0o700))
        readable = [name for name, mode in private.items() if stat.S_IMODE(os.stat(self.path(name)).st_mode) != mode]
        print_tried("S14", "files that hold a secret and directories of state: their owner's alone", len(private),
                    len(readable), survived=len(private) - len(readable))
        self.assertEqual(readable, [])
        self.control()


if __name__ == "__main__":
    unittest.main()
