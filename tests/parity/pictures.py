"""32x32 colour images, uint8 [N,32,32,3]."""
import os

import torch
from torch import nn

RECORD = 1 + 3 * 32 * 32  # of CIFAR-10's binary version: a label, then three planes


def noise(count):
    """The hardest for rounding: every byte on its own."""
    return torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8)


def smooth(count):
    """Like photographs: large shapes, some grain, often too dark or too bright somewhere."""
    shapes = nn.functional.interpolate(torch.rand(count, 3, 5, 5), size=32, mode="bicubic")
    pixels = 400 * shapes - 70 + 8 * torch.randn(count, 3, 32, 32)
    return pixels.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def extreme(count):
    """Black, white, gray, pure colours, and pixels that are one step away from gray."""
    base = torch.tensor([0, 1, 127, 128, 254, 255], dtype=torch.uint8)
    flat = base[torch.randint(0, 6, (count, 1, 1, 3))].expand(count, 32, 32, 3).clone()
    gray = torch.randint(0, 256, (count, 32, 32, 1)).expand(count, 32, 32, 3)
    nearly = (gray + torch.randint(-1, 2, (count, 32, 32, 3))).clamp(0, 255).to(torch.uint8)
    mixed = base[torch.randint(0, 6, (count, 32, 32, 3))]
    kind = torch.arange(count) % 3
    flat[kind == 1] = nearly[kind == 1]
    flat[kind == 2] = mixed[kind == 2]
    return flat


def cifar10(count):
    """The first real ones, where a copy of CIFAR-10 is named; otherwise none."""
    directory = os.environ.get("LAPTIME_TEST_CIFAR10", "")
    for folder in (directory, os.path.join(directory, "cifar-10-batches-bin")):
        file = os.path.join(folder, "data_batch_1.bin")
        if directory and os.path.exists(file):
            with open(file, "rb") as stream:
                records = torch.frombuffer(bytearray(stream.read(count * RECORD)), dtype=torch.uint8)
            return records.view(-1, RECORD)[:, 1:].reshape(-1, 3, 32, 32).permute(0, 2, 3, 1).contiguous()
    return torch.empty(0, 32, 32, 3, dtype=torch.uint8)


def mixture(count):
    """All of these, as many of each."""
    real = cifar10(count // 4)
    rest = count - len(real)
    parts = [noise(rest // 3), smooth(rest - 2 * (rest // 3)), extreme(rest // 3), real]
    return torch.cat(parts)[torch.randperm(count)]
