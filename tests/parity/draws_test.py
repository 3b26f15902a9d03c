"""What a run draws, against what lightly's transform draws: the same distributions, every view on its own."""
import math
import unittest

import torch
from torchvision.transforms import transforms as tv

import reference
from samples import DEVIATIONS, allowed_distance, distance
from trainer import TrainerTest

IMAGES = 50000


class DrawsTest(TrainerTest):
    def setUp(self):
        super().setUp()
        self.draws = self.answer("draws", "--images", IMAGES, "--seed", 7)
        self.transforms = reference.view_transform().transforms
        torch.manual_seed(11)

    def transform(self, kind):
        found = [transform for transform in self.transforms if isinstance(transform, kind)]
        self.assertEqual(len(found), 1)
        return found[0]

    def assert_same_distribution(self, name, ours, theirs):
        far, allowed = distance(ours, theirs), allowed_distance(len(ours), len(theirs))
        print(f"{name}: {far:.4f} apart, {allowed:.4f} allowed", flush=True)
        self.assertLess(far, allowed, name)

    def test_crops(self):
        crop = self.transform(tv.RandomResizedCrop)
        image = torch.empty(3, 32, 32)
        theirs = torch.tensor([crop.get_params(image, crop.scale, crop.ratio) for _ in range(IMAGES)]).double()
        ours = self.draws["crop"].double()
        for name, of in {
                "area": lambda c: c[:, 2] * c[:, 3],
                "aspect": lambda c: c[:, 3] / c[:, 2],
                "height": lambda c: c[:, 2],
                "width": lambda c: c[:, 3],
                "top": lambda c: c[:, 0],
                "left": lambda c: c[:, 1],
                "top within its room": lambda c: c[:, 0] / (33 - c[:, 2]),
                "left within its room": lambda c: c[:, 1] / (33 - c[:, 3]),
        }.items():
            self.assert_same_distribution(name, of(ours), of(theirs))

    def test_jitter(self):
        jitter = self.transform(tv.RandomApply).transforms[0]
        self.assertIsInstance(jitter, tv.ColorJitter)
        drawn = [jitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
                 for _ in range(IMAGES)]
        theirs = torch.tensor([row[1:] for row in drawn], dtype=torch.float64)
        ours = self.draws["factors"][self.draws["jitter"]]
        for operation, name in enumerate(["brightness", "contrast", "saturation", "hue"]):
            self.assert_same_distribution(name, ours[:, operation], theirs[:, operation])

    def test_order(self):
        orders = self.draws["order"][self.draws["jitter"]]
        digits = (orders * torch.tensor([64, 16, 4, 1])).sum(1)
        counts = digits.unique(return_counts=True)[1].double()
        self.assertEqual(len(counts), 24)
        expected = len(orders) / 24
        chi_square = ((counts - expected) ** 2 / expected).sum().item()
        print(f"24 orders, chi-square {chi_square:.1f}", flush=True)
        self.assertLess(chi_square, 66.2)  # 23 degrees of freedom at the samples' CHANCE

    def test_probabilities(self):
        count = len(self.draws["flip"])
        self.assertEqual(count, 2 * IMAGES)
        for name, kind in {"flip": tv.RandomHorizontalFlip, "jitter": tv.RandomApply,
                           "grayscale": tv.RandomGrayscale}.items():
            probability = self.transform(kind).p
            share = self.draws[name].double().mean().item()
            deviation = math.sqrt(probability * (1 - probability) / count)
            print(f"{name}: {share:.4f}, lightly {probability}", flush=True)
            self.assertLess(abs(share - probability), DEVIATIONS * deviation, name)

    def test_every_view_is_drawn_on_its_own(self):
        crop, factors, jitter = self.draws["crop"].double(), self.draws["factors"], self.draws["jitter"]
        columns = {"area": crop[:, 2] * crop[:, 3], "top": crop[:, 0], "left": crop[:, 1],
                   "flip": self.draws["flip"].double(), "jitter": jitter.double(),
                   "grayscale": self.draws["grayscale"].double()}
        for operation in range(4):
            columns[f"factor {operation}"] = factors[:, operation]
        for name, column in columns.items():
            for other, step, start in (("the other view", 1, 0), ("the next image's", 2, 0)):
                first, second = column[start:-step:2], column[start + step::2]
                # The factors mean nothing where there is no jitter.
                if name.startswith("factor"):
                    both = jitter[start:-step:2] & jitter[start + step::2]
                    first, second = first[both], second[both]
                correlation = torch.corrcoef(torch.stack([first, second]))[0, 1].item()
                self.assertLess(abs(correlation), DEVIATIONS / math.sqrt(len(first)), f"{name} and {other}")

    def test_a_seed_is_its_own_stream(self):
        again = self.answer("draws", "--images", 100, "--seed", 7)
        other = self.answer("draws", "--images", 100, "--seed", 8)
        self.assertTrue(torch.equal(again["crop"], self.draws["crop"][:200]))
        self.assertLess((again["crop"] == other["crop"]).all(1).sum().item(), 20)


if __name__ == "__main__":
    unittest.main()
