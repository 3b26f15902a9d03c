"""Draws of views: what `laptime-trainer augment` reads and `laptime-trainer draws` writes."""
from unittest import mock

import torch
from PIL import Image
from torchvision.transforms import functional
from torchvision.transforms import transforms as tv

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class Table:
    """Rows of draws, one per view; starts with views that change nothing."""

    def __init__(self, count):
        self.columns = {
            "crop": torch.tensor([0, 0, 32, 32]).repeat(count, 1),
            "flip": torch.zeros(count, dtype=torch.bool),
            "jitter": torch.zeros(count, dtype=torch.bool),
            "order": torch.arange(4).repeat(count, 1),
            "factors": torch.tensor([1, 1, 1, 0], dtype=torch.float64).repeat(count, 1),
            "grayscale": torch.zeros(count, dtype=torch.bool),
        }

    def __getattr__(self, name):
        return self.columns[name]

    def __len__(self):
        return len(self.flip)

    def describe(self, row):
        return ", ".join(f"{name} {column[row].tolist()}" for name, column in self.columns.items())


class Recorder:
    """While it is entered, notes in row `row` of a table what torchvision's transforms draw."""

    def __init__(self, table):
        self.table = table
        self.row = 0
        self.patches = [
            mock.patch.object(tv.RandomResizedCrop, "get_params", staticmethod(self._crop(tv.RandomResizedCrop.get_params))),
            mock.patch.object(tv.ColorJitter, "get_params", staticmethod(self._jitter(tv.ColorJitter.get_params))),
            mock.patch.object(functional, "hflip", self._noted("flip", functional.hflip)),
            mock.patch.object(functional, "rgb_to_grayscale", self._noted("grayscale", functional.rgb_to_grayscale)),
        ]

    def __enter__(self):
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, *_):
        for patch in self.patches:
            patch.stop()

    def _crop(self, original):
        def get_params(*arguments):
            self.table.crop[self.row] = torch.tensor(original(*arguments))
            return tuple(self.table.crop[self.row].tolist())
        return get_params

    def _jitter(self, original):
        def get_params(*arguments):
            drawn = original(*arguments)
            self.table.jitter[self.row] = True
            self.table.order[self.row] = drawn[0]
            self.table.factors[self.row] = torch.tensor(drawn[1:], dtype=torch.float64)
            return drawn
        return get_params

    def _noted(self, column, original):
        def transform(*arguments, **options):
            self.table.columns[column][self.row] = True
            return original(*arguments, **options)
        return transform


def apply(image, table, row):
    """The view by torchvision's functions on PIL."""
    view = Image.fromarray(image.numpy())
    top, left, height, width = table.crop[row].tolist()
    view = functional.resized_crop(view, top, left, height, width, [32, 32])
    if table.flip[row]:
        view = functional.hflip(view)
    if table.jitter[row]:
        factors = table.factors[row].tolist()
        for operation in table.order[row].tolist():
            view = {
                BRIGHTNESS: functional.adjust_brightness,
                CONTRAST: functional.adjust_contrast,
                SATURATION: functional.adjust_saturation,
                HUE: functional.adjust_hue,
            }[operation](view, factors[operation])
    if table.grayscale[row]:
        view = functional.rgb_to_grayscale(view, num_output_channels=3)
    return pixels(view)


def pixels(view):
    """uint8 [32,32,3] of a PIL image."""
    return functional.pil_to_tensor(view).permute(1, 2, 0)
