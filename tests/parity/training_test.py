"""The step: network, loss, gradients, optimizer."""
import statistics
import unittest

import torch

import reference
from reference import SimCLR
from trainer import TrainerTest

BATCH = 8
AFTER_THE_LAST_RELU = ("head.layers.3.weight", "head.layers.4.weight", "head.layers.4.bias")


def random_views(steps, batch, dtype):
    torch.manual_seed(5)
    # Two views of the same images are alike.
    images = torch.randn(1, steps, batch, 3, 32, 32, dtype=dtype)
    return images + 0.5 * torch.randn(2, steps, batch, 3, 32, 32, dtype=dtype)


class TrainingTest(TrainerTest):
    def test_losses_of_twenty_steps_in_double(self):
        epochs, steps = 5, 4
        view0, view1 = random_views(epochs * steps, BATCH, torch.float64)
        rate = reference.RATE * BATCH / reference.BATCH
        rates = [rate for rate in reference.schedule(rate, epochs) for _ in range(steps)]
        # So PyTorch's float64 convolutions are several times faster, and otherwise the same.
        model = SimCLR(seed=1, dtype=torch.float64).to(memory_format=torch.channels_last)
        losses, state = self.replay(model.state(), view0, view1, rates)
        expected = reference.train(model, view0, view1, rates)
        far = [abs(ours / theirs - 1) for ours, theirs in zip(losses, expected)]
        print(f"losses {expected[0]:.6f} to {expected[-1]:.6f}, relative differences up to {max(far):.1e}", flush=True)
        for step, difference in enumerate(far, 1):
            self.assertLess(difference, 1e-6, f"step {step}: {losses[step - 1]} instead of {expected[step - 1]}")
        self.assert_same_state(state, model.state())

    def assert_same_state(self, ours, theirs):
        self.assertEqual(set(ours), set(theirs))
        for name, tensor in theirs.items():
            far = ((ours[name] - tensor).norm() / tensor.norm()).item()
            self.assertLess(far, 1e-6, f"{name} after the last step")

    def test_first_step_on_the_fast_path(self):
        # A rate of 1 makes the update stand out of the rounding of the sum with the parameter.
        batch, rates = 32, [1.0]
        state = SimCLR(seed=2).state()
        views = random_views(1, batch, torch.float32)
        exact = {name: tensor.double() for name, tensor in state.items()}

        plain = SimCLR.of(state)
        plain_losses = reference.train(plain, *views, rates)
        double = SimCLR.of(exact)
        true_losses = reference.train(double, *views.double(), rates)

        for memory_format in ("channels_last", "contiguous"):
            with self.subTest(memory_format):
                losses, after = self.replay(state, *views, rates, "--memory-format", memory_format)
                print(f"\n{memory_format}: loss {losses[0]:.7f}, PyTorch {plain_losses[0]:.7f}, float64 "
                      f"{true_losses[0]:.7f}", flush=True)
                self.assertLess(abs(losses[0] / true_losses[0] - 1), 1e-5)
                self.assertLess(abs(losses[0] / plain_losses[0] - 1), 1e-5)
                self.assert_errors(exact, after, plain.state(), double.state())

    def test_first_step_in_bf16(self):
        batch, rates = 32, [1.0]
        state = SimCLR(seed=2).state()
        views = random_views(1, batch, torch.float32)
        exact = {name: tensor.double() for name, tensor in state.items()}
        try:
            losses, after = self.replay(state, *views, rates, "--precision", "bf16")
        except AssertionError as error:
            if "neither AVX512_BF16 nor AMX" in str(error):
                self.skipTest("this processor does not compute in bf16")
            raise
        own = SimCLR.of(state).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            own_losses = reference.train(own, *views, rates)
        double = SimCLR.of(exact)
        true_losses = reference.train(double, *views.double(), rates)
        print(f"\nbf16: loss {losses[0]:.5f}, PyTorch {own_losses[0]:.5f}, float64 {true_losses[0]:.5f}", flush=True)
        self.assertLess(abs(losses[0] / true_losses[0] - 1), 5e-3)
        own_after, double_after = own.state(), double.state()
        ratios = {}
        for name, before in exact.items():
            truth = double_after[name] - before
            errors = [(end[name].double() - before - truth).norm().item() for end in (after, own_after)]
            ratios[name] = errors[0] / errors[1]
            self.assertLessEqual(errors[0], 2 * errors[1], f"{name}: update of norm {truth.norm().item()}")
        print(f"bf16: errors of the updates {statistics.median(ratios.values()):.2f} times PyTorch's own in the median, "
              f"up to {max(ratios.values()):.2f}", flush=True)

    def assert_errors(self, exact, after, plain_after, double_after):
        """Of the updates of all tensors, beside those that PyTorch's plain layout makes."""
        ratios = {}
        for name, before in exact.items():
            truth = double_after[name] - before
            error = (after[name].double() - before - truth).norm().item()
            own = (plain_after[name].double() - before - truth).norm().item()
            ratios[name] = error / own
            allowed = max(4 * own, self.beyond(name) * truth.norm().item())
            self.assertLessEqual(error, allowed, f"{name}: update of norm {truth.norm().item()}")
        weights = [ratio for name, ratio in ratios.items() if "running" not in name]
        print(f"errors of the updates {statistics.median(weights):.2f} times PyTorch's own in the median, up to "
              f"{max(ratios[name] for name in AFTER_THE_LAST_RELU):.2f} where no ReLU's sign matters, "
              f"{max(weights):.2f} elsewhere", flush=True)
        self.assertLessEqual(statistics.median(weights), 4)

    @staticmethod
    def beyond(name):
        """The share of an update that may be wrong even where PyTorch's own error is smaller."""
        if "running" in name:
            # Of means near 0 rounding in the convolution before is a larger share: up to 1e-5 was seen, at 13 times
            # PyTorch's own.
            return 1e-4
        # An input of a ReLU that rounding brings to the other side of 0 changes all gradients below it; shares up to
        # 8e-3 were seen. It is chance on which side that happens, and it happens to PyTorch's layouts too.
        return 0 if name in AFTER_THE_LAST_RELU else 2e-2


if __name__ == "__main__":
    unittest.main()
