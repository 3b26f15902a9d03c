"""How many figures a second an MLflow server on SQLite and laptime-server make durable, in turn, several rounds.

Four kinds of the same ingestion, each over loopback, from so many clients at once:
    single   one figure a call: MLflow's log_metric, a report of one sample
    turns    the same, and laptime's agents wait for each answer before they say more, too
    lap      the figures of one lap: one log_batch of as many metrics as a lap has columns, one epoch report
    batch    many figures a call: log_batch with the most that MLflow takes, a report of as many samples
A client of MLflow waits for each answer, as its client library does. laptime's agents send on (but for `turns`) and count
what has been acknowledged, which is once it is on the disk. Both databases lie on the same disk. Each side's figures of
all rounds are summed up by their median; CPU is that of the server over what it took in, which neighbours disturb less.
"""
import argparse
import multiprocessing
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BIN = os.environ["LAPTIME_BIN"]
LAP_FIGURES = 38     # of the lap that tests/load/messages.cc makes
BATCH_FIGURES = 1000  # MLflow's limit for one log_batch
GOALS = {"single": 40, "turns": None, "lap": None, "batch": 10}
FIGURES = {"single": 1, "turns": 1, "lap": LAP_FIGURES, "batch": BATCH_FIGURES}
WINDOWS = {"single": 256, "turns": 1, "lap": 64, "batch": 8}  # reports of one agent under way
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Of the process and all below it; those that have ended are left out."""
    parents, spent = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(entry)] = int(fields[1])
        spent[int(entry)] = (int(fields[11]) + int(fields[12])) / TICKS

    def of(process):
        return spent.get(process, 0) + sum(of(child) for child, parent in parents.items() if parent == process)
    return of(pid)


def mlflow_client(uri, kind, run, begin, end, counted):
    """Logs until `end`; what was answered from `begin` on counts."""
    import mlflow
    client = mlflow.MlflowClient(tracking_uri=uri)
    step = count = 0
    while time.time() < end:
        now = int(time.time() * 1000)
        if FIGURES[kind] == 1:
            client.log_metric(run, "figure", 1.0 + step, step=step, timestamp=now)
        else:
            names = min(FIGURES[kind], LAP_FIGURES)
            client.log_batch(run, metrics=[mlflow.entities.Metric(f"figure_{i % names}", 1.0 + i, now, step + i // names)
                                           for i in range(FIGURES[kind])])
        step += FIGURES[kind]
        if begin <= time.time() < end:
            count += FIGURES[kind]
    with counted.get_lock():
        counted.value += count


class Mlflow:
    """A server on a database of its own."""

    def __init__(self, directory):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}"
        self.log = open(os.path.join(directory, "mlflow.log"), "w")
        self.process = subprocess.Popen(
            [sys.executable, "-s", "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{directory}/mlflow.db",
             "--default-artifact-root", os.path.join(directory, "artifacts"), "--host", "127.0.0.1", "--port", str(port),
             # As many as cores; on a busy machine importing takes longer than the 5 s after which they would be killed.
             "--workers", str(os.cpu_count()), "--uvicorn-opts", "--timeout-worker-healthcheck 300"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True, cwd=directory)
        end = time.monotonic() + 900
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    sys.exit(f"error: MLflow's server does not listen; see {self.log.name}")
                time.sleep(0.2)

    def measure(self, kind, clients, seconds):
        import mlflow
        client = mlflow.MlflowClient(tracking_uri=self.uri)
        runs = [client.create_run("0").info.run_id for _ in range(clients)]
        counted = multiprocessing.Value("q", 0)
        begin = time.time() + 5  # the processes have to import MLflow first
        workers = [multiprocessing.Process(target=mlflow_client,
                                           args=(self.uri, kind, run, begin, begin + seconds, counted)) for run in runs]
        for worker in workers:
            worker.start()
        time.sleep(max(0.0, begin - time.time()))
        before = cpu_seconds(self.process.pid)
        time.sleep(max(0.0, begin + seconds - time.time()))
        cpu = cpu_seconds(self.process.pid) - before
        for worker in workers:
            worker.join()
        return counted.value / seconds, cpu / max(1, counted.value)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


def laptime(kind, clients, seconds):
    """Figures a second, and the server's CPU seconds for each."""
    load = [os.path.join(BIN, "laptime_load"), "reports", "--agents", str(clients), "--seconds", str(seconds),
            "--window", str(WINDOWS[kind])]
    load += ["--kind", "epochs"] if kind == "lap" else ["--kind", "samples", "--samples", str(FIGURES[kind])]
    done = subprocess.run(load, capture_output=True, text=True)
    row = re.search(r"durable.*?>= [\d,]+ /s +([\d,.]+) /s.*?([\d,.]+) us of CPU each", done.stdout)
    if done.returncode != 0 or row is None:
        sys.exit(f"error: laptime_load ended with {done.returncode}\n{done.stdout}{done.stderr}")
    value, cpu = (float(text.replace(",", "")) for text in row.groups())
    rate = value * (FIGURES[kind] if kind == "lap" else 1)
    return rate, cpu * 1e-6 / FIGURES[kind]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--kinds", default="single,turns,lap,batch")
    options = parser.parse_args()
    import mlflow
    directory = tempfile.mkdtemp(prefix="laptime-mlflow-")
    server = Mlflow(directory)
    kinds = options.kinds.split(",")
    results = {kind: ([], []) for kind in kinds}
    try:
        print(f"MLflow {mlflow.__version__} on SQLite beside laptime-server, {options.clients} clients, "
              f"{options.rounds} rounds of {options.seconds} s, load average {os.getloadavg()[0]:.1f}")
        for number in range(options.rounds):
            for kind in kinds:
                results[kind][0].append(server.measure(kind, options.clients, options.seconds))
                results[kind][1].append(laptime(kind, options.clients, options.seconds))
                (theirs, _), (ours, _) = results[kind][0][-1], results[kind][1][-1]
                print(f"round {number + 1}, {kind}: MLflow {theirs:,.0f} figures/s, laptime {ours:,.0f} figures/s", flush=True)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{'KIND':<8}{'MLFLOW':>14}{'LAPTIME':>14}{'RATIO':>9}{'GOAL':>8}{'KEPT':>6}   CPU of the server for a figure")
    for kind in kinds:
        (theirs, their_cpu), (ours, our_cpu) = ([statistics.median(column) for column in zip(*side)] for side in results[kind])
        ratio, goal = ours / max(theirs, 1e-9), GOALS[kind]
        verdict = "-" if goal is None else "yes" if ratio >= goal else "NO"
        print(f"{kind:<8}{theirs:>12,.0f}/s{ours:>12,.0f}/s{ratio:>8.1f}x{f'>= {goal}x' if goal else '-':>8}{verdict:>6}   "
              f"{their_cpu * 1e6:,.1f} and {our_cpu * 1e6:,.1f} us: {their_cpu / max(our_cpu, 1e-12):.0f}x")


if __name__ == "__main__":
    main()
