"""A case whose coordinator has been initialised: certificates and tokens, as on a network."""
import socket
import ssl
import warnings

from programs import Programs


class SecuredFleet(Programs):
    def initialise(self, *arguments, port=0):
        self.state = self.path("server")
        done = self.run_program("laptime-server", "init", "--state", self.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server = self.start_secured(*arguments, port=port)
        return done.stdout

    def start_secured(self, *arguments, port=0):
        server = self.start_server(*arguments, port=port)
        self.address = self.address.replace("127.0.0.1", "localhost")
        return server

    def login(self, token_file):
        return self.run_client("login", self.address, "--token-file", token_file, server=False)

    def log_in_as_admin(self):
        done = self.login(f"{self.state}/admin.token")
        self.assertEqual(done.returncode, 0, done.stderr)

    def token_file(self, name, *arguments):
        file = self.path(name)
        with open(file, "w") as out:
            done = self.run_client("token", "create", *arguments, server=False, stdout=out)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    def join(self, name, file):
        return self.run_program("laptime-agent", "join", "--server", self.address, "--state",
                                self.path(f"agent-{name}"), "--token-file", file)

    def join_new(self, name):
        done = self.join(name, self.token_file(f"{name}.token", "--role", "agent"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def join_and_run(self, name, *arguments, **options):
        self.join_new(name)
        return self.start_agent(name, *arguments, **options)

    def shake_hands(self, version=None, timeout=None):
        """The certificate (DER) that the port shows, None when it does not shake hands (in that version of TLS)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.set_alpn_protocols(["h2"])
        if version is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
        host, port = self.address.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), timeout) as plain, \
                    context.wrap_socket(plain) as secured:
                return secured.getpeercert(binary_form=True)
        except OSError:  # of which an error of TLS and a timeout are kinds
            return None
