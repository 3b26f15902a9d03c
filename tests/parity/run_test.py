"""A whole run of `laptime-trainer train`, done again by lightly: the same start, draws and data, nothing else shared.

The rate is so small that rounding does not grow: SimCLR at its own rate is chaotic.
"""
import os
import unittest

import torch
from torchvision import transforms

import draws
import pictures
import reference
import trainer
from reference import SimCLR
from trainer import TrainerTest

SEED = 13
IMAGES, TESTS = 70, 150  # no multiples of the batch, nor of the 128 that are evaluated at once
BATCH, EPOCHS, NEIGHBOURS = 16, 3, 20
RATE = 2e-4  # at the reference's batch
RECORDS = 10000  # of a file of CIFAR-10


def write_cifar10(directory, **files):
    """CIFAR-10's binary version: each file has these images and labels, and nothing behind them."""
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        with open(os.path.join(directory, f"{name}.bin"), "wb") as file:
            if name in files:
                images, labels = files[name]
                planes = images.permute(0, 3, 1, 2).flatten(1)
                file.write(torch.cat([labels.to(torch.uint8)[:, None], planes], 1).numpy().tobytes())
            file.truncate(RECORDS * pictures.RECORD)


def labelled_pictures(count):
    """Ten classes that a glance at the colours tells apart, more or less."""
    labels = torch.randint(0, reference.CLASSES, (count,))
    tints = torch.tensor([[(c * 37) % 256, (c * 91) % 256, (c * 151) % 256] for c in range(reference.CLASSES)])
    images = pictures.smooth(count) // 2 + (tints[labels] // 2).view(count, 1, 1, 3).to(torch.uint8)
    return images, labels


class RunTest(TrainerTest):
    def setUp(self):
        super().setUp()
        torch.manual_seed(SEED)
        self.images, self.labels = labelled_pictures(IMAGES)
        self.tests, self.answers = labelled_pictures(TESTS)

    def train(self):
        """The epochs as the trainer reports them, and the best accuracy."""
        write_cifar10(self.directory, data_batch_1=(self.images, self.labels), test_batch=(self.tests, self.answers))
        settings = {"train_images": IMAGES, "eval_images": TESTS, "batch_size": BATCH, "epochs": EPOCHS,
                    "knn_k": NEIGHBOURS, "learning_rate": RATE, "seed": SEED}
        events = trainer.run("train", "--workload", "simclr-cifar10", "--data", self.directory,
                             *(word for item in settings.items() for word in ("--set", "{}={}".format(*item))))
        epochs = [event["epoch_finished"] for event in events if "epoch_finished" in event]
        return epochs, events[-1]["finished"]["max_knn_accuracy"]

    def views(self, epoch):
        """Both views of an epoch's batches, [steps, BATCH, 3, 32, 32] each."""
        drawn = self.answer("draws", "--images", IMAGES, "--seed", SEED, "--epoch", epoch)
        table = draws.Table(0)
        table.columns = drawn
        *_, to_tensor, normalize = reference.view_transform().transforms
        finish = transforms.Compose([to_tensor, normalize])
        steps = IMAGES // BATCH
        order = drawn["shuffle"][:steps * BATCH].tolist()
        return [torch.stack([finish(draws.apply(self.images[image], table, 2 * image + view).numpy())
                             for image in order]).view(steps, BATCH, 3, 32, 32) for view in range(2)]

    def accuracy(self, model):
        predictions = reference.knn_predict(
            reference.features(model, self.tests), reference.features(model, self.images).t().contiguous(),
            self.labels, reference.CLASSES, knn_k=NEIGHBOURS, knn_t=0.1)[:, 0]
        return (predictions == self.answers).double().mean().item()

    def test_a_run_is_what_lightly_makes_of_the_same_draws(self):
        epochs, best = self.train()
        self.assertEqual(len(epochs), EPOCHS)
        model = SimCLR.of(self.answer("init", "--seed", SEED))
        sgd = reference.optimizer(model, RATE * BATCH / reference.BATCH)
        rates = reference.schedule(RATE * BATCH / reference.BATCH, EPOCHS)
        for epoch, rate in zip(epochs, rates):
            view0, view1 = self.views(epoch["number"])
            losses = reference.train(model, view0, view1, [rate] * len(view0), sgd)
            accuracy = self.accuracy(model)
            print(f"epoch {epoch['number']}: rate {rate:.3e}, losses {losses[0]:.6f} to {losses[-1]:.6f}, ours "
                  f"{epoch['first_loss']:.6f} to {epoch['last_loss']:.6f}; kNN {100 * accuracy:.1f} %, ours "
                  f"{100 * epoch['knn_accuracy']:.1f} %", flush=True)
            self.assertAlmostEqual(epoch["learning_rate"], rate, delta=1e-12)
            self.assertEqual(epoch["steps"], IMAGES // BATCH)
            self.assertEqual(epoch["evaluated_images"], IMAGES + TESTS)
            # Float32 and SimCLR's chaos: by the last step the two have drifted apart by some 1e-4.
            for name, expected in {"first_loss": losses[0], "last_loss": losses[-1],
                                   "mean_loss": sum(losses) / len(losses)}.items():
                self.assertLess(abs(epoch[name] / expected - 1), 1e-3, name)
            self.assertLessEqual(abs(epoch["knn_accuracy"] - accuracy), 1.01 / TESTS)
        self.assertEqual(best, max(epoch["knn_accuracy"] for epoch in epochs))


if __name__ == "__main__":
    unittest.main()
