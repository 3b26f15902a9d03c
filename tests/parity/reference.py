"""lightly's SimCLR benchmark on CIFAR-10, put together from lightly's own modules as its script does.

Only the modules that take part are imported. The packages' own __init__ would import lightly's web client and
PyTorch Lightning, and want versions of numpy and pydantic that today's Python has no wheels of.
"""
import importlib.util
import os
import sys
import types

import torch
from torch import nn
from torchvision import transforms


def _import_without_init():
    root = importlib.util.find_spec("lightly").submodule_search_locations[0]
    for package in ("", "loss", "models", "models/modules", "transforms", "utils", "utils/benchmarking"):
        name = ".".join(["lightly", *filter(None, package.split("/"))])
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [os.path.join(root, package)]


_import_without_init()
from lightly.loss.ntx_ent_loss import NTXentLoss  # noqa: E402
from lightly.models.modules.heads import SimCLRProjectionHead  # noqa: E402
from lightly.models.resnet import ResNetGenerator  # noqa: E402
from lightly.transforms.simclr_transform import SimCLRViewTransform  # noqa: E402
from lightly.transforms.utils import IMAGENET_NORMALIZE  # noqa: E402
from lightly.utils.benchmarking.knn import knn_predict  # noqa: E402, F401

BATCH = 128
RATE = 6e-2  # at that batch; others scale it
CLASSES = 10


class SimCLR(nn.Module):
    """The benchmark's SimCLRModel, with its head called `head`."""

    def __init__(self, seed=0, dtype=torch.float32):
        super().__init__()
        torch.manual_seed(seed)
        resnet = ResNetGenerator("resnet-18")
        self.backbone = nn.Sequential(*list(resnet.children())[:-1], nn.AdaptiveAvgPool2d(1))
        self.head = SimCLRProjectionHead(512, 512, 128)
        self.to(dtype)

    def forward(self, x):
        return self.head(self.backbone(x).flatten(start_dim=1))

    def state(self):
        """A plain dict of copies, without the counters that nothing reads."""
        return {name: tensor.detach().clone() for name, tensor in self.state_dict().items()
                if not name.endswith("num_batches_tracked")}

    @staticmethod
    def of(state):
        """A model with that state."""
        model = SimCLR(dtype=next(iter(state.values())).dtype)
        model.load_state_dict(state, strict=False)
        return model


def optimizer(model, rate):
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)


def train(model, view0, view1, rates, sgd=None):
    """The benchmark's training_step, once for each row of the views; returns the losses."""
    criterion = NTXentLoss()
    sgd = sgd or optimizer(model, rates[0])
    losses = []
    for x0, x1, rate in zip(view0, view1, rates):
        sgd.param_groups[0]["lr"] = rate
        loss = criterion(model(x0), model(x1))
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    return losses


def schedule(rate, epochs):
    """The rate of each epoch, by the benchmark's scheduler."""
    sgd = optimizer(nn.Linear(1, 1), rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, epochs)
    rates = []
    for _ in range(epochs):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        scheduler.step()
    return rates


def view_transform():
    """The benchmark's augmentation of one view: SimCLR's with what its script sets for CIFAR-10."""
    return SimCLRViewTransform(input_size=32, cj_strength=0.5, gaussian_blur=0.0).transform


@torch.no_grad()
def features(model, images):
    """Of uint8 [N,32,32,3], as the benchmark's module makes them for kNN."""
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(**IMAGENET_NORMALIZE)])
    dtype = next(model.parameters()).dtype
    pixels = torch.stack([to_tensor(image.numpy()) for image in images]).to(dtype)
    model.eval()
    rows = torch.cat([model.backbone(batch).squeeze() for batch in pixels.split(BATCH)])
    model.train()
    return nn.functional.normalize(rows, dim=1)
