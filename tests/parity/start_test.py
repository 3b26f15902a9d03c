"""The state that a run starts with."""
import math
import unittest

import torch

from reference import SimCLR
from samples import DEVIATIONS, allowed_distance, distance
from trainer import TrainerTest

PARAMETERS = {"backbone": 11168832, "head": 328960}


class StartTest(TrainerTest):
    def setUp(self):
        super().setUp()
        self.model = SimCLR(seed=4)
        self.ours = self.answer("init", "--seed", 9)
        self.theirs = self.model.state()

    def test_names_and_shapes(self):
        self.assertEqual({name: tensor.shape for name, tensor in self.ours.items()},
                         {name: tensor.shape for name, tensor in self.theirs.items()})
        self.assertTrue(all(tensor.dtype == torch.float32 for tensor in self.ours.values()))

    def test_parameter_counts(self):
        trained = dict(self.model.named_parameters())
        for part, expected in PARAMETERS.items():
            theirs = sum(tensor.numel() for name, tensor in trained.items() if name.startswith(part))
            ours = sum(self.ours[name].numel() for name in trained if name.startswith(part))
            self.assertEqual((ours, theirs), (expected, expected), part)

    def test_distributions(self):
        random = 0
        for name, theirs in self.theirs.items():
            ours = self.ours[name]
            if theirs.dim() == 1:
                self.assertTrue(torch.equal(ours, theirs), name)  # norms start with ones and zeros
                continue
            random += 1
            count = theirs.numel()
            # Uniform, by PyTorch's default, within one over the root of the inputs.
            limit = 1 / math.sqrt(theirs[0].numel())
            deviation = limit / math.sqrt(3)
            for tensor in (ours, theirs):
                self.assertLessEqual(tensor.abs().max().item(), limit, name)
                self.assertGreater(tensor.abs().max().item(), limit * (1 - 20 / count), name)
                self.assertLess(abs(tensor.mean().item()), DEVIATIONS * deviation / math.sqrt(count), name)
                # A uniform distribution's fourth moment makes this the deviation of its deviation.
                self.assertLess(abs(tensor.std().item() - deviation),
                                DEVIATIONS * deviation * math.sqrt(0.2 / count), name)
            self.assertLess(distance(ours.flatten(), theirs.flatten()), allowed_distance(count, count), name)
        print(f"{random} random tensors: bounds, mean, deviation and distribution agree", flush=True)

    def test_every_tensor_is_drawn_on_its_own(self):
        other = self.answer("init", "--seed", 10)
        weights = [tensor for tensor in self.ours.values() if tensor.dim() > 1]
        # Whatever their bounds, no two may come of the same numbers.
        starts = {tuple((tensor.flatten()[:16] * 1000 * math.sqrt(tensor[0].numel())).round().tolist())
                  for tensor in weights}
        self.assertEqual(len(starts), len(weights))
        self.assertFalse(torch.equal(self.ours["backbone.0.weight"], other["backbone.0.weight"]))


if __name__ == "__main__":
    unittest.main()
