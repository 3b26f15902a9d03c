"""Views, byte for byte."""
import itertools
import unittest

import torch
from PIL import Image
from torchvision.transforms import transforms as tv

import draws
import pictures
import reference
from trainer import TrainerTest


class AugmentationTest(TrainerTest):
    def compare(self, images, table, expected):
        """`laptime-trainer augment` must make the expected views."""
        views = self.answer("augment", images=images, **table.columns)
        self.assertEqual(views.shape, images.shape)
        wrong = (views != expected).flatten(1).any(1).nonzero().flatten().tolist()
        if wrong:
            row = wrong[0]
            off = (views[row].int() - expected[row].int()).abs()
            self.fail(f"{len(wrong)} of {len(views)} views differ; the first, {row}, in {(off > 0).sum()} bytes "
                      f"by up to {off.max()}: {table.describe(row)}")
        print(f"{len(views)} views, {views.numel()} bytes: all equal", flush=True)

    def test_views_of_lightlys_own_transform(self):
        torch.manual_seed(1)
        images = pictures.mixture(12000)
        *operations, to_tensor, normalize = reference.view_transform().transforms
        self.assertIsInstance(to_tensor, tv.ToTensor)
        self.assertIsInstance(normalize, tv.Normalize)
        transform = tv.Compose(operations)
        table = draws.Table(len(images))
        expected = torch.empty_like(images)
        with draws.Recorder(table) as recorder:
            for row, image in enumerate(images):
                recorder.row = row
                expected[row] = draws.pixels(transform(Image.fromarray(image.numpy())))
        self.compare(images, table, expected)

    def test_draws_at_the_edges(self):
        # Every kind of crop with every strength of every operation, also such as no run draws.
        crops = [(0, 0, 32, 32), (0, 0, 1, 1), (31, 31, 1, 1), (0, 0, 1, 32), (31, 0, 1, 32), (0, 31, 32, 1),
                 (0, 0, 31, 31), (1, 1, 31, 31), (15, 16, 2, 3), (9, 0, 9, 32), (0, 5, 32, 8)]
        blends = [0.0, 0.6, 1.0, 1.4, 2.0]
        hues = [-0.5, -0.1, -1 / 255, -0.00001, 0.0, 0.003, 1 / 255, 0.1, 0.5]
        strengths = [(op, f) for op in range(3) for f in blends] + [(draws.HUE, f) for f in hues]
        cases = list(itertools.product(crops, strengths, [False, True], [False, True]))
        torch.manual_seed(2)
        images = torch.cat([pictures.extreme(len(cases) // 2), pictures.noise(len(cases) - len(cases) // 2)])
        table = draws.Table(len(cases))
        for row, (crop, (operation, factor), flip, grayscale) in enumerate(cases):
            table.crop[row] = torch.tensor(crop)
            table.factors[row, operation] = factor
            table.flip[row] = flip
            table.jitter[row] = True
            table.grayscale[row] = grayscale
        self.compare(images, table, self.expected(images, table))

    def test_every_order(self):
        orders = list(itertools.permutations(range(4)))
        torch.manual_seed(3)
        images = pictures.smooth(40 * len(orders))
        table = draws.Table(len(images))
        table.jitter[:] = True
        table.order[:] = torch.tensor(orders).repeat(40, 1)
        table.factors[:, :3].uniform_(0.6, 1.4)
        table.factors[:, 3].uniform_(-0.1, 0.1)
        self.compare(images, table, self.expected(images, table))

    @staticmethod
    def expected(images, table):
        return torch.stack([draws.apply(image, table, row) for row, image in enumerate(images)])


if __name__ == "__main__":
    unittest.main()
