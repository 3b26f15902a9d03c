"""Times lightly's benchmark and laptime's trainer in turn, each in processes of its own, and prints the ratios."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TRAINER = os.path.join(os.path.abspath(os.environ["LAPTIME_BIN"]), "laptime-trainer")
EPOCHS = 2  # the second counts: the first one of lightly's has its warm-up in it
VIEWS = 2


def run_laptime(options, precision):
    """What the last epoch of a training took."""
    workload = ["--workload", "simclr-cifar10", "--data", options.data] if options.data else \
        ["--workload", "simclr-synthetic-cifar10"]
    settings = {"epochs": EPOCHS, "train_images": options.images, "eval_images": options.images // 5,
                "precision": precision, "knn_k": min(200, options.images)}
    done = subprocess.run(
        [TRAINER, "train", *workload, *(word for item in settings.items() for word in ("--set", "{}={}".format(*item)))],
        capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(f"error: laptime-trainer ended with {done.returncode}: {done.stderr[-2000:]}")
    laps = [event["epoch_finished"] for event in map(json.loads, done.stdout.splitlines()) if "epoch_finished" in event]
    lap = laps[-1]
    return {"step": lap["step_seconds"]["p50"], "lap": lap["wall_seconds"],
            "view": lap["phases"]["augment"] / (lap["steps"] * options.batch * VIEWS),
            "load_wait": lap["phases"]["load_wait"] / lap["wall_seconds"],
            "flops": lap["flops_per_second"]}


def run_lightly(options, workers):
    with tempfile.TemporaryDirectory(prefix="laptime-bench-") as directory:
        done = subprocess.run(
            [sys.executable, "-s", os.path.join(HERE, "lightly_side.py"), "--images", str(options.images), "--epochs",
             str(EPOCHS), "--workers", str(workers), "--data", options.data or "",
             "--output", os.path.join(directory, "result.json")], stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise SystemExit(f"error: lightly's side ended with {done.returncode}")
        with open(os.path.join(directory, "result.json"), encoding="utf-8") as file:
            return json.load(file)


def describe(values):
    return f"{statistics.median(values):10.4g}  {min(values):.4g} to {max(values):.4g}"


def compare(what, unit, lightly, ours):
    """Medians of both sides, their ratio, and the range of the rounds' own ratios."""
    ratios = [theirs / own for theirs, own in zip(lightly, ours)]
    print(f"{what}\n  lightly {unit:12}{describe(lightly)}\n  laptime {unit:12}{describe(ours)}\n"
          f"  ratio of medians     {statistics.median(lightly) / statistics.median(ours):.2f}   "
          f"rounds {min(ratios):.2f} to {max(ratios):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="vs_lightly", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1280, help="of training; a fifth of that is evaluated")
    parser.add_argument("--workers", default=f"0,{os.cpu_count()}",
                        help="of lightly's data loader; of several the fastest counts")
    parser.add_argument("--data", help="directory with the real CIFAR-10; otherwise noise and synthetic images")
    parser.add_argument("--bf16", action="store_true", help="also laptime in bf16")
    options = parser.parse_args()
    options.batch = 128
    if options.images < 3 * options.batch:
        parser.error("--images: at least three batches of 128")
    if options.data:
        options.data = os.path.abspath(options.data)

    workers = [int(word) for word in options.workers.split(",")]
    lightly = {count: [] for count in workers}
    precisions = ["fp32", "bf16"] if options.bf16 else ["fp32"]
    ours = {precision: [] for precision in precisions}
    for number in range(1, options.rounds + 1):
        for count in workers:
            lightly[count].append(run_lightly(options, count))
            print(f"round {number}: lightly, {count} workers: {lightly[count][-1]['step']:.3f} s a step", flush=True)
        for precision in precisions:
            ours[precision].append(run_laptime(options, precision))
            print(f"round {number}: laptime, {precision}: {ours[precision][-1]['step']:.3f} s a step", flush=True)

    def of(results, key):
        return [result[key] for result in results]

    def fastest(key):
        return of(min(lightly.values(), key=lambda results: statistics.median(of(results, key))), key)

    steps = options.images // options.batch
    print(f"\n{options.rounds} round(s), the sides in turn; a lap of {steps} steps of batch {options.batch}, a bank of "
          f"{options.images} and {options.images // 5} votes; lightly with {' or '.join(map(str, workers))} workers, "
          "whichever is faster")
    for precision in precisions:
        compare(f"step, {precision}", "s", fastest("step"), of(ours[precision], "step"))
        compare(f"lap, {precision}", "s", fastest("lap"), of(ours[precision], "lap"))
    compare("making a view, one core", "s", fastest("view"), of(ours["fp32"], "view"))
    print(f"laptime makes {1 / statistics.median(of(ours['fp32'], 'view')):,.0f} views/s a core, waits for them "
          f"{100 * statistics.median(of(ours['fp32'], 'load_wait')):.3f} % of the lap, and reaches "
          f"{statistics.median(of(ours['fp32'], 'flops')) / 1e9:.0f} GFLOP/s in it")


if __name__ == "__main__":
    main()
