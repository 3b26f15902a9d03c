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
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, "XDG_CACHE_HOME": options.cache})
    if done.returncode != 0:
        raise SystemExit(f"error: laptime-trainer ended with {done.returncode}: {done.stderr[-2000:]}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    # Only the first run of a precision measures it.
    options.layouts.add(next(event["started"]["flags"]["layout"].split(" (before")[0]
                             for event in events if "started" in event))
    lap = [event["epoch_finished"] for event in events if "epoch_finished" in event][-1]
    return {"step": lap["step_seconds"]["p50"], "lap": lap["wall_seconds"],
            "view": lap["phases"]["augment"] / (lap["steps"] * options.batch * VIEWS),
            "load_wait": lap["phases"]["load_wait"] / lap["wall_seconds"],
            "flops": lap["flops_per_second"]}


def run_lightly(options, precision, workers):
    with tempfile.TemporaryDirectory(prefix="laptime-bench-") as directory:
        done = subprocess.run(
            [sys.executable, "-s", os.path.join(HERE, "lightly_side.py"), "--images", str(options.images), "--epochs",
             str(EPOCHS), "--workers", str(workers), "--data", options.data or "",
             *(["--bf16"] if precision == "bf16" else []),
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
    parser.add_argument("--bf16", action="store_true", help="both sides in bf16 too")
    options = parser.parse_args()
    options.batch = 128
    if options.images < 3 * options.batch:
        parser.error("--images: at least three batches of 128")
    if options.data:
        options.data = os.path.abspath(options.data)

    options.layouts = set()
    with tempfile.TemporaryDirectory(prefix="laptime-cache-") as options.cache:  # its layout is measured here and now
        race(options)


def race(options):
    workers = [int(word) for word in options.workers.split(",")]
    precisions = ["fp32", "bf16"] if options.bf16 else ["fp32"]
    lightly = {precision: {count: [] for count in workers} for precision in precisions}
    ours = {precision: [] for precision in precisions}
    for number in range(1, options.rounds + 1):
        for precision in precisions:
            for count in workers:
                result = run_lightly(options, precision, count)
                lightly[precision][count].append(result)
                print(f"round {number}: lightly, {precision}, {count} workers: {result['step']:.3f} s a step", flush=True)
            ours[precision].append(run_laptime(options, precision))
            print(f"round {number}: laptime, {precision}: {ours[precision][-1]['step']:.3f} s a step", flush=True)

    def of(results, key):
        return [result[key] for result in results]

    def fastest(precision, key):
        return of(min(lightly[precision].values(), key=lambda results: statistics.median(of(results, key))), key)

    steps = options.images // options.batch
    print(f"\n{options.rounds} round(s), the sides in turn; a lap of {steps} steps of batch {options.batch}, a bank of "
          f"{options.images} and {options.images // 5} votes; lightly with {' or '.join(map(str, workers))} workers, "
          "whichever is faster")
    for what in ("step", "lap"):
        for precision in precisions:
            compare(f"{what}, {precision}", "s", fastest(precision, what), of(ours[precision], what))
        if options.bf16:
            compare(f"{what}, lightly as published in fp32, laptime in bf16", "s", fastest("fp32", what),
                    of(ours["bf16"], what))
    compare("making a view, one core", "s", fastest("fp32", "view"), of(ours["fp32"], "view"))
    print(f"laptime makes {1 / statistics.median(of(ours['fp32'], 'view')):,.0f} views/s a core, waits for them "
          f"{100 * statistics.median(of(ours['fp32'], 'load_wait')):.3f} % of the lap, and reaches "
          f"{statistics.median(of(ours['fp32'], 'flops')) / 1e9:.0f} GFLOP/s in it")
    for layout in sorted(options.layouts):
        print(f"layout: {layout}")


if __name__ == "__main__":
    main()
