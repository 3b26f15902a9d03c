"""S4: somebody else answers where a machine joins, and is not told the secret of its token."""
import contextlib
import socket
import ssl
import threading
import unittest

from promise_row import print_tried
from secured_fleet import SecuredFleet

SETTINGS = b"\0\0\0\4\0\0\0\0\0"  # an HTTP/2 server's first frame: then clients say what they want


class Impostor:
    """Shows certificates, takes what it is told, and keeps it."""

    def __init__(self, chain, key):
        self.told = b""
        self.over = False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.serve)]
        self.threads[0].start()

    def serve(self):
        while not self.over:
            plain, _ = self.listener.accept()
            self.threads.append(threading.Thread(target=self.listen, args=[plain]))
            self.threads[-1].start()

    def listen(self, plain):
        try:
            with plain, self.context.wrap_socket(plain, server_side=True) as secured:
                secured.sendall(SETTINGS)
                while said := secured.recv(4096):
                    self.told += said
        except OSError:  # of which an error of TLS is one
            pass

    def stop(self):
        """Once everybody has gone who was there."""
        self.over = True
        with contextlib.suppress(OSError):
            socket.create_connection(self.listener.getsockname()).close()  # wakes whoever accepts
        for thread in self.threads:
            thread.join()
        self.listener.close()


class ImpostorTest(SecuredFleet):
    def setUp(self):
        super().setUp()
        self.initialise()
        self.log_in_as_admin()
        other = self.path("other")
        done = self.run_program("laptime-server", "init", "--state", other)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.chain, self.key = f"{other}/server.pem", f"{other}/server.key"
        with open(f"{other}/admin.token") as file:
            self.its_pin = file.read().strip()[-64:]
        with open(self.token_file("t", "--role", "agent")) as file:
            self.token = file.read().strip()
        self.secret = self.token.split("_")[2].encode()

    def join_at(self, chain, token):
        """What an impostor with those certificates is told by a machine that joins with that token, and how it ends."""
        impostor = Impostor(chain, self.key)
        self.address = impostor.address
        with open(self.path("token"), "w") as file:
            file.write(token + "\n")
        joined = self.join("box", self.path("token"))
        impostor.stop()
        self.assertNotEqual(joined.returncode, 0)
        return impostor.told, joined

    def test_another_authority(self):
        told, joined = self.join_at(self.chain, self.token)
        print_tried("S4", "an impostor of another authority is told nothing", 1, int(told != b""))
        self.assertEqual(told, b"")
        self.assertIn("not the one that made this token", joined.stderr)

    def test_the_right_authority_beside_another_certificate(self):
        """ca.pem is no secret: whoever shows it has not proved to be its own."""
        both = self.path("both.pem")
        with open(both, "w") as out:
            for file in (self.chain, f"{self.state}/ca.pem"):
                with open(file) as part:
                    out.write(part.read())
        told, joined = self.join_at(both, self.token)
        print_tried("S4", "an impostor that shows the right authority, too, is told nothing", 1, int(told != b""))
        self.assertEqual(told, b"")
        self.assertEqual(joined.returncode, 5, joined.stderr)

    def test_a_token_of_the_impostors_own_is_told(self):
        """The control: it hears what it is told."""
        told, _ = self.join_at(self.chain, self.token[:-64] + self.its_pin)
        print_tried("S4 ctrl", "the same with the impostor's own pin: must lose the secret", 1, int(self.secret in told))
        self.assertIn(self.secret, told)


if __name__ == "__main__":
    unittest.main()
