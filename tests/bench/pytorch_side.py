"""Steps of lightly's SimCLR benchmark on one NVIDIA GPU, in PyTorch and without a loader: the images lie on the device.

`plain` is PyTorch as lightly's script uses it; `tuned` is what is usually advised: channels-last, cudnn.benchmark and the
fused SGD. Writes the seconds of a step: the time of all timed steps by their number, waited for once at the end.
"""
import argparse
import contextlib
import json
import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
import reference  # noqa: E402

WARM_UP = 20
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def seconds_a_step(precision, tuned, steps, device):
    torch.backends.cudnn.benchmark = tuned
    layout = torch.channels_last if tuned else torch.contiguous_format
    if precision == "fp32-strict":
        torch.backends.cudnn.allow_tf32 = False
    model = reference.SimCLR(seed=1).to(device, memory_format=layout)
    views = [torch.randn(reference.BATCH, 3, 32, 32, device=device).to(memory_format=layout) for _ in range(2)]
    sgd = torch.optim.SGD(model.parameters(), lr=reference.RATE, momentum=0.9, weight_decay=5e-4, fused=tuned)
    criterion = reference.NTXentLoss()
    scaler = torch.amp.GradScaler("cuda", enabled=precision == "fp16")
    autocast = torch.autocast("cuda", TYPES[precision]) if precision in TYPES else contextlib.nullcontext()
    start = 0.0
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            torch.cuda.synchronize(device)
            start = time.perf_counter()
        with autocast:
            loss = criterion(model(views[0]), model(views[1]))
        sgd.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(sgd)
        scaler.update()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - start) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=["fp32", "fp32-strict", "bf16", "fp16"], required=True)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--device", required=True)
    options = parser.parse_args()
    json.dump({"step": seconds_a_step(options.precision, options.tuned, options.steps, options.device),
               "gpu": torch.cuda.get_device_name(options.device), "torch": torch.__version__}, sys.stdout)


if __name__ == "__main__":
    main()
