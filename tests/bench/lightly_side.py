"""Some epochs of lightly's SimCLR benchmark, as its script and its BenchmarkModule run them, on fewer images.

Writes what the last epoch took: median step, whole lap with evaluation, one view on one core; in seconds.
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
import pictures  # noqa: E402
import reference  # noqa: E402

TIMED_VIEWS = 1000


class Images(Dataset):
    """PIL images, as torchvision's CIFAR10 gives them, through a transform."""

    def __init__(self, pixels, labels, transform):
        self.pixels, self.labels, self.transform = pixels, labels, transform

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def read(directory, files, count):
    """The first images of CIFAR-10's binary files and their labels; noise without a directory."""
    if not directory:
        torch.manual_seed(1)
        return (torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8).numpy(),
                torch.randint(0, reference.CLASSES, (count,)).tolist())
    inner = os.path.join(directory, "cifar-10-batches-bin")
    directory = inner if os.path.isdir(inner) else directory
    data = b"".join(open(os.path.join(directory, f"{name}.bin"), "rb").read() for name in files)
    rows = torch.frombuffer(bytearray(data[:count * pictures.RECORD]), dtype=torch.uint8).view(count, pictures.RECORD)
    images = rows[:, 1:].view(count, 3, 32, 32).permute(0, 2, 3, 1).contiguous().numpy()
    return images, rows[:, 0].tolist()


def two_views():
    transform = reference.view_transform()
    return lambda image: [transform(image), transform(image)]


@torch.no_grad()
def evaluate(model, bank_loader, test_loader):
    model.eval()
    features, labels = [], []
    for images, targets in bank_loader:
        features.append(nn.functional.normalize(model.backbone(images).squeeze(), dim=1))
        labels.append(targets)
    bank, bank_labels = torch.cat(features).t().contiguous(), torch.cat(labels)
    correct = total = 0
    for images, targets in test_loader:
        feature = nn.functional.normalize(model.backbone(images).squeeze(), dim=1)
        predicted = reference.knn_predict(feature, bank, bank_labels, reference.CLASSES, 200, 0.1)
        correct += (predicted[:, 0] == targets).sum().item()
        total += len(targets)
    model.train()
    return correct / total


def seconds_a_view(pixels):
    """In one thread, as a loader worker makes them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    transform = reference.view_transform()
    start = time.perf_counter()
    for number in range(TIMED_VIEWS):
        transform(Image.fromarray(pixels[number % len(pixels)]))
    seconds = (time.perf_counter() - start) / TIMED_VIEWS
    torch.set_num_threads(threads)
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--tests", type=int, help="default: a fifth of the images")
    parser.add_argument("--total-epochs", type=int, help="of the schedule; default: as --epochs")
    parser.add_argument("--bf16", action="store_true", help="as Lightning's bf16-mixed on a CPU")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    tests = options.tests or options.images // 5
    pixels, labels = read(options.data, [f"data_batch_{n}" for n in range(1, 6)], options.images)
    test_pixels, test_labels = read(options.data, ["test_batch"], tests)
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(**reference.IMAGENET_NORMALIZE)])

    def loader(images, targets, transform, **more):
        return DataLoader(Images(images, targets, transform), batch_size=reference.BATCH, num_workers=options.workers,
                          **more)

    training = loader(pixels, labels, two_views(), shuffle=True, drop_last=True)
    bank = loader(pixels, labels, plain)
    test = loader(test_pixels, test_labels, plain)
    model = reference.SimCLR(seed=1)
    criterion = reference.NTXentLoss()
    sgd = reference.optimizer(model, reference.RATE)
    epochs = []
    for rate in reference.schedule(reference.RATE, options.total_epochs or options.epochs)[:options.epochs]:
        sgd.param_groups[0]["lr"] = rate
        start = last = time.perf_counter()
        steps, losses = [], []
        for (x0, x1), _ in training:
            with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                loss = criterion(model(x0), model(x1))
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
            now = time.perf_counter()
            steps.append(now - last)
            last = now
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            accuracy = evaluate(model, bank, test)
        epochs.append({"step": statistics.median(steps), "lap": time.perf_counter() - start, "first_loss": losses[0],
                       "last_loss": losses[-1], "mean_loss": statistics.fmean(losses), "knn_accuracy": accuracy})
        print(json.dumps(epochs[-1]), file=sys.stderr, flush=True)
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({**epochs[-1], "view": seconds_a_view(pixels), "epochs": epochs}, file)


if __name__ == "__main__":
    main()
