"""A coordinator for other machines: init, tokens, joining, logging in, renewing, removing."""
import json
import os
import pty
import signal
import ssl
import stat
import subprocess
import sys
import termios
import unittest

from programs import eventually
from promise_row import print_tried
from secured_fleet import SecuredFleet


class FleetTest(SecuredFleet):
    def test_old_tls_is_refused(self):
        self.initialise()
        self.assertTrue(self.shake_hands(ssl.TLSVersion.TLSv1_2))
        self.assertTrue(self.shake_hands(ssl.TLSVersion.TLSv1_3))
        old = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
        let_in = sum(self.shake_hands(version) is not None for version in old)
        print_tried("S3", "TLS 1.0 and 1.1", len(old), let_in)
        self.assertEqual(let_in, 0)

    def test_from_init_to_a_result(self):
        told = self.initialise()
        for word in ("laptime login", "token create", "laptime-agent join"):
            self.assertIn(word, told)
        self.log_in_as_admin()
        agent = self.join_and_run("box")
        job = self.submit("box/cpu", epochs=2)
        self.client("job", "wait", job, deadline=400)
        self.assertEqual(self.job_runs(job)[0]["epochs_done"], 2)
        # Without --server the commands go where the login was.
        self.assertIn("box/cpu", self.run_client("device", "list", server=False).stdout)
        audit = json.loads(self.client("server", "audit", "-o", "json"))["entries"]
        self.assertIn("SubmitJob", [entry["action"] for entry in audit])
        self.assertIn("Join", [entry["action"] for entry in audit])

        self.client("device", "remove", "box", "--yes")
        self.assertEqual(agent.wait(), 4, agent.output())
        self.assertIn("laptime-agent join", agent.output())
        self.assertNotIn("box/cpu", self.client("device", "list"))
        self.assertEqual(len(self.ask("run", "list")["runs"]), 1, "its results stay")

    def test_strangers_get_nothing(self):
        self.initialise()
        stranger = self.run_client("device", "list")
        self.assertEqual(stranger.returncode, 5)
        self.assertIn("laptime login", stranger.stderr)
        agent = self.run_program("laptime-agent", "run", "--server", "192.0.2.1:7440", "--state", self.path("agent-x"))
        self.assertEqual(agent.returncode, 4)
        self.assertIn("laptime-agent join --server 192.0.2.1:7440", agent.stderr)
        self.log_in_as_admin()
        viewer = self.token_file("viewer.token", "--role", "viewer")
        self.assertEqual(self.login(viewer).returncode, 0)
        self.assertEqual(self.run_client("device", "list").returncode, 0)
        refused = self.run_client("token", "list")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("may not call ListTokens", refused.stderr)

    def test_wrong_tokens(self):
        self.initialise()
        self.log_in_as_admin()
        with open(self.path("bad"), "w") as file:
            file.write("no token\n")
        done = self.join("box", self.path("bad"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("no token of a coordinator", done.stderr)
        with open(self.token_file("t", "--role", "agent")) as file:
            text = file.read().strip()
        # Another coordinator's pin: the secret is not sent.
        with open(self.path("pin"), "w") as file:
            file.write(text[:-64] + "0" * 64)
        done = self.join("box", self.path("pin"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("not the one that made this token", done.stderr)
        self.assertEqual(self.join("box", self.path("t")).returncode, 0)
        again = self.join("other", self.path("t"))
        self.assertEqual(again.returncode, 4, "a token is used once")
        self.assertIn("used up", again.stderr)
        self.assertIn("could not join: its token is used up", self.server.output())
        self.assertNotIn(text.split("_")[2], self.server.output(), "a secret in the log")

    def unit_command(self, key, credentials):
        """What systemd starts, with this test's programs and directories."""
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/systemd/laptime-agent.service"),
                  encoding="utf-8") as unit:
            line, = (line.strip() for line in unit if line.startswith(f"{key}="))
        words = line.removeprefix(f"{key}=").replace("%S/laptime-agent", self.path("agent-box"))
        program, *arguments = words.replace("%d", credentials).split()
        return os.path.basename(program), arguments

    def test_the_unit_joins_at_its_first_start(self):
        self.initialise()
        self.log_in_as_admin()
        self.env["LAPTIME_SERVER"] = self.address
        credentials = self.path("credentials")
        os.mkdir(credentials)
        program, join = self.unit_command("ExecStartPre", credentials)

        def joins():
            audit = json.loads(self.client("server", "audit", "-o", "json"))["entries"]
            return [entry["action"] for entry in audit].count("Join")

        def starts(told):
            done = self.run_program(program, *join)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(told, done.stdout)

        starts("there is no token")
        self.assertEqual(joins(), 0)
        token = self.token_file("credentials/laptime.join-token", "--role", "agent")
        starts("joined")
        starts("has joined")
        self.assertEqual(joins(), 1)
        again = self.run_program(program, *(word for word in join if word != "--if-needed"))
        self.assertNotEqual(again.returncode, 0, "the control")
        self.assertIn("has joined already", again.stderr)
        os.remove(token)
        starts("has joined")
        program, run = self.unit_command("ExecStart", credentials)
        self.start(program, *run, "--name", "box")
        eventually("its agent is attached", lambda: self.device_states("box"))
        starts("has joined")

    def test_a_revoked_token_is_out_at_once(self):
        self.initialise()
        self.log_in_as_admin()
        home = dict(self.env)
        user = self.token_file("user.token", "--role", "user", "--label", "anna")
        tokens = self.ask("token", "list")["tokens"]
        anna = next(token["id"] for token in tokens if token.get("label") == "anna")
        self.env = dict(home, XDG_CONFIG_HOME=self.path("anna"))
        self.assertEqual(self.login(user).returncode, 0)
        self.client("device", "list")
        file = os.path.join(self.path("anna"), "laptime", "logins.json")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        self.env = home
        self.client("token", "revoke", anna)
        self.env = dict(home, XDG_CONFIG_HOME=self.path("anna"))
        self.assertEqual(self.run_client("device", "list").returncode, 4)

    def test_certificates_are_renewed_while_a_run_goes_on(self):
        lifetime = "24s"  # of which the last third must be enough for a busy machine to renew it
        self.initialise("--agent-certificate-lifetime", lifetime)
        self.log_in_as_admin()
        agent = self.join_and_run("box")
        job = self.submit("box/cpu", epochs=400)
        def identity():
            with open(self.path("agent-box/identity.json")) as file:
                return json.load(file)
        first = identity()["certificate"]
        eventually("another certificate", lambda: identity()["certificate"] != first)
        second = identity()["expires_unix_ms"]
        # A connection made anew shows the new one, after the first has expired.
        port = self.address.rsplit(":", 1)[1]
        eventually("a third", lambda: identity()["expires_unix_ms"] > second)
        self.wait_for_epochs(self.job_runs(job)[0]["id"], 1)
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        self.start_secured("--agent-certificate-lifetime", lifetime, port=port)
        eventually("it is back", lambda: self.device_states("box"))
        run = self.job_runs(job)[0]
        self.assertEqual((run["state"], run["attempt"]), ("RUN_STATE_RUNNING", 1))
        self.client("job", "cancel", job)
        self.assertIsNone(agent.process.poll(), agent.output())

    def test_up_leaves_a_fleets_directory_alone(self):
        self.initialise()
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        done = self.run_program("laptime", "up", "--state", self.state, "--port", "0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("laptime-server serve", done.stderr)

    def test_init_again_keeps_credentials(self):
        self.initialise()
        self.log_in_as_admin()
        port = self.address.rsplit(":", 1)[1]
        running = self.run_program("laptime-server", "init", "--state", self.state)
        self.assertEqual(running.returncode, 1)
        self.assertIn("in use", running.stderr)
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        done = self.run_program("laptime-server", "init", "--state", self.state, "--name", "box.example.org")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("box.example.org", done.stdout)
        self.start_secured(port=port)
        self.client("device", "list")
        done = self.run_program("laptime-server", "init", "--state", self.path("x"), "--name", "box:7440")
        self.assertEqual(done.returncode, 2)
        self.assertIn("neither a DNS name nor an IP address", done.stderr)

    def test_a_join_where_nobody_answers(self):
        self.initialise()
        self.log_in_as_admin()
        token = self.token_file("box.token", "--role", "agent")
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        done = self.join("box", token)
        self.assertEqual(done.returncode, 5)
        self.assertIn("no coordinator with certificates answers", done.stderr)

    @unittest.skipUnless(sys.platform == "linux", "only there all of 127.0.0.0/8 is this machine")
    def test_a_login_at_a_name_that_is_not_the_coordinators(self):
        self.initialise()
        self.server.signal(signal.SIGTERM)
        self.server.wait()
        other = self.start("laptime-server", "serve", "--listen", "127.0.0.2:0", "--state", self.state)
        eventually("it listens", lambda: "listening on" in other.output())
        self.address = other.output().split("listening on ")[1].split()[0].rstrip(",")
        done = self.login(f"{self.state}/admin.token")
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"certificate is not for {self.address}", done.stderr)
        self.assertIn("init --name", done.stderr)

    def test_a_backup_tells_why_it_is_refused(self):
        self.initialise()
        self.log_in_as_admin()
        self.assertEqual(self.login(self.token_file("viewer.token", "--role", "viewer")).returncode, 0)
        refused = self.run_client("server", "backup", self.path("copy.db"))
        self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertIn("may not call BackUp", refused.stderr)
        self.assertFalse(os.path.exists(self.path("copy.db")))

    def test_ctrl_c_at_the_prompt_leaves_the_terminal_as_it_was(self):
        terminal, its_end = pty.openpty()
        self.addCleanup(os.close, terminal)
        self.addCleanup(os.close, its_end)

        def echoes():
            return bool(termios.tcgetattr(its_end)[3] & termios.ECHO)
        self.assertTrue(echoes())
        login = subprocess.Popen(self.invocation("laptime", "login", "localhost:1"), stdin=its_end, stdout=its_end,
                                 stderr=its_end, env=self.env, start_new_session=True)
        self.addCleanup(login.kill)
        eventually("nothing that is typed is shown", lambda: not echoes())
        login.send_signal(signal.SIGINT)
        self.assertEqual(login.wait(30), 130)
        self.assertTrue(echoes())


if __name__ == "__main__":
    unittest.main()
