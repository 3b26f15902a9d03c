"""The wire is a public interface: a client in another language, with a gRPC and a TLS of its own (grpcio, cryptography),
joins as a machine, submits, watches, trains by hand, and is refused as it should be."""
import glob
import os
import queue
import subprocess
import sys
import tempfile
import unittest

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc

from programs import Programs, eventually

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "../../proto")
GENERATED = tempfile.TemporaryDirectory(prefix="laptime-wire-")


def generate():
    import grpc_tools
    files = glob.glob(os.path.join(PROTO, "laptime/v1/*.proto"))
    include = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    subprocess.run([sys.executable, "-s", "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{include}",
                    f"--python_out={GENERATED.name}", f"--grpc_python_out={GENERATED.name}", *files], check=True)
    sys.path.insert(0, GENERATED.name)


generate()
from laptime.v1 import access_pb2, access_pb2_grpc, agent_pb2, agent_pb2_grpc, control_pb2, control_pb2_grpc  # noqa: E402

TIMEOUT = 30


class Token:
    def __init__(self, text):
        _, self.id, self.secret, self.ca = text.strip().split("_")

    def metadata(self):
        return [("authorization", f"Bearer {self.id}.{self.secret}")]



class ClientTest(Programs):
    def setUp(self):
        super().setUp()
        done = self.run_program("laptime-server", "init", "--state", self.path("server"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server = self.start_server()
        with open(self.path("server/ca.pem"), "rb") as file:
            self.ca = file.read()
        with open(self.path("server/admin.token")) as file:
            self.admin = Token(file.read())
        self.channels = []
        self.addCleanup(lambda: [channel.close() for channel in self.channels])

    def channel(self, key=None, certificate=None):
        credentials = grpc.ssl_channel_credentials(self.ca, key, certificate)
        self.channels.append(grpc.secure_channel(self.address, credentials))
        return self.channels[-1]

    def control(self):
        return control_pb2_grpc.ControlServiceStub(self.channel())

    def new_token(self, role):
        request = access_pb2.CreateTokenRequest(role=role)
        return Token(self.control().CreateToken(request, timeout=TIMEOUT, metadata=self.admin.metadata()).text)

    def assert_refused(self, code, call):
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call()
            for _ in answer if hasattr(answer, "__next__") else ():
                pass
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return caught.exception.details()

    def join(self, token, host):
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        message = access_pb2.JoinRequest(token_id=token.id, token_secret=token.secret, host_id=host,
                                         signing_request=request.public_bytes(serialization.Encoding.PEM).decode())
        answer = access_pb2_grpc.EnrollServiceStub(self.channel()).Join(message, timeout=TIMEOUT)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        return pem, answer.certificate.encode()

    def test_a_stranger_gets_health_and_nothing_else(self):
        channel = self.channel()
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
        self.assertEqual(health.status, health_pb2.HealthCheckResponse.SERVING)
        methods = 0
        for module in (control_pb2, agent_pb2, access_pb2):
            for service in module.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    path = f"/{service.full_name}/{method.name}"
                    if path.endswith("/Join"):  # a token's secret is what it asks for
                        stub = access_pb2_grpc.EnrollServiceStub(channel)
                        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED,
                                            lambda: stub.Join(access_pb2.JoinRequest(), timeout=TIMEOUT))
                    else:
                        call = channel.stream_stream(path, request_serializer=bytes, response_deserializer=bytes)
                        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED,
                                            lambda: call(iter([b""]), timeout=TIMEOUT))
                    methods += 1
        self.assertGreaterEqual(methods, 30)
        # Not even a list of what there is.
        reflection = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                           request_serializer=bytes, response_deserializer=bytes)
        self.assert_refused(grpc.StatusCode.UNIMPLEMENTED, lambda: reflection(iter([b""]), timeout=TIMEOUT))

    def test_plaintext_and_another_authority(self):
        with grpc.insecure_channel(self.address) as channel:
            stub = control_pb2_grpc.ControlServiceStub(channel)
            self.assert_refused(grpc.StatusCode.UNAVAILABLE,
                                lambda: stub.GetServerInfo(control_pb2.GetServerInfoRequest(), timeout=TIMEOUT,
                                                           metadata=self.admin.metadata()))
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "laptime agent")])
        import datetime
        now = datetime.datetime.now(datetime.timezone.utc)
        forged = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                  .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
                  .not_valid_after(now + datetime.timedelta(days=1))
                  .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier("laptime:host:box")]), False)
                  .sign(key, hashes.SHA256()))
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        stub = agent_pb2_grpc.AgentServiceStub(self.channel(pem, forged.public_bytes(serialization.Encoding.PEM)))
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in stub.Attach(iter([agent_pb2.AgentMessage()]), timeout=TIMEOUT):
                self.fail("a forged certificate was taken")
        self.assertIn(caught.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED))

    def test_roles(self):
        viewer, user = self.new_token(access_pb2.ROLE_VIEWER), self.new_token(access_pb2.ROLE_USER)
        stub = self.control()
        stub.ListDevices(control_pb2.ListDevicesRequest(), timeout=TIMEOUT, metadata=viewer.metadata())
        submit = control_pb2.SubmitJobRequest(workload="simclr-synthetic-cifar10")
        self.assert_refused(grpc.StatusCode.PERMISSION_DENIED,
                            lambda: stub.SubmitJob(submit, timeout=TIMEOUT, metadata=viewer.metadata()))
        self.assert_refused(grpc.StatusCode.FAILED_PRECONDITION,  # let in; there is no device
                            lambda: stub.SubmitJob(submit, timeout=TIMEOUT, metadata=user.metadata()))
        self.assert_refused(grpc.StatusCode.PERMISSION_DENIED,
                            lambda: stub.ListTokens(access_pb2.ListTokensRequest(), timeout=TIMEOUT,
                                                    metadata=user.metadata()))
        self.assert_refused(grpc.StatusCode.UNAUTHENTICATED,
                            lambda: stub.ListDevices(control_pb2.ListDevicesRequest(), timeout=TIMEOUT,
                                                     metadata=user.metadata() * 2))

    def test_joins_trains_by_hand_and_is_removed(self):
        key, certificate = self.join(self.new_token(access_pb2.ROLE_AGENT), "hand-made")
        agent = agent_pb2_grpc.AgentServiceStub(self.channel(key, certificate))
        user = self.new_token(access_pb2.ROLE_USER)
        control = self.control()
        out = queue.Queue()
        stream = agent.Attach(iter(out.get, None), timeout=120)
        hello = agent_pb2.AgentMessage()
        hello.hello.protocol = 1
        hello.hello.host.id, hello.hello.host.name, hello.hello.spool_id = "hand-made", "box", "spool"
        device = hello.hello.devices.add()
        device.name, device.kind = "cpu", 1
        out.put(hello)
        self.assertTrue(next(stream).HasField("welcome"))

        submit = control_pb2.SubmitJobRequest(workload="simclr-synthetic-cifar10", selectors=["box/cpu"],
                                              settings={"epochs": "2"})
        job = control.SubmitJob(submit, timeout=TIMEOUT, metadata=user.metadata()).job
        events = control.WatchJob(control_pb2.WatchJobRequest(id=job.id), timeout=120, metadata=user.metadata())
        start = next(message for message in stream if message.HasField("start_run")).start_run
        accepted = agent_pb2.AgentMessage()
        accepted.command_result.command_id = start.command_id
        out.put(accepted)
        attempt = start.attempt

        def report(seq, fill):
            message = agent_pb2.AgentMessage()
            message.report.seq = seq
            message.report.attempt.CopyFrom(attempt)
            fill(message.report)
            out.put(message)
        report(1, lambda r: r.started.SetInParent())
        for number in (1, 2):
            def lap(r, number=number):
                r.epoch_finished.number = number
                r.epoch_finished.wall_seconds = 10.0 * number
            report(1 + number, lap)
        report(2, lambda r: setattr(r.epoch_finished, "number", 99))  # said again: ignored
        report(4, lambda r: r.finished.SetInParent())
        acknowledged = 0
        while acknowledged < 4:
            message = next(stream)
            if message.HasField("report_ack"):
                acknowledged = message.report_ack.through_seq
        seen = [event.WhichOneof("event") for event in events]  # to the job's end
        self.assertEqual(seen[-1], "job_ended", seen)
        run = control.GetJob(control_pb2.GetJobRequest(id=job.id), timeout=TIMEOUT, metadata=user.metadata()).runs[0]
        self.assertEqual((run.epochs_done, run.median_epoch_seconds), (2, 15.0))

        control.RemoveHost(access_pb2.RemoveHostRequest(host="box"), timeout=TIMEOUT, metadata=self.admin.metadata())
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in stream:
                pass
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
        out.put(None)


if __name__ == "__main__":
    unittest.main()
