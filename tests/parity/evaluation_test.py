"""The kNN evaluation: features of plain images, and the vote."""
import unittest

import torch
from torch import nn

import pictures
import reference
import trainer
from reference import SimCLR
from trainer import TrainerTest


class EvaluationTest(TrainerTest):
    def test_features(self):
        torch.manual_seed(21)
        images = pictures.smooth(200)  # no multiple of the batch
        model = SimCLR(seed=3)
        # Running statistics that are not those of the beginning.
        with torch.no_grad():
            for _ in range(5):
                model(torch.randn(64, 3, 32, 32))
        state = model.state()
        ours = self.answer("features", state=state, images=images)
        plain = reference.features(model, images)
        truth = reference.features(SimCLR.of({name: tensor.double() for name, tensor in state.items()}), images)
        self.assertEqual(ours.shape, truth.shape)
        error, allowed = (ours - truth).norm().item(), 4 * (plain - truth).norm().item()
        print(f"error {error:.2e}, PyTorch's own {allowed / 4:.2e}", flush=True)
        self.assertLessEqual(error, allowed)
        self.assertLess((ours - truth).norm(dim=1).max().item(), 1e-4)

    def test_predictions(self):
        torch.manual_seed(22)
        centers = torch.randn(reference.CLASSES, 512)
        for spread in (1.0, 4.0, 20.0):  # from clear to hopeless
            labels = torch.randint(0, reference.CLASSES, (10000,))
            bank = nn.functional.normalize(centers[labels] + spread * torch.randn(10000, 512), dim=1)
            answers = torch.randint(0, reference.CLASSES, (1000,))
            features = nn.functional.normalize(centers[answers] + spread * torch.randn(1000, 512), dim=1)
            file = self.save(bank=bank, bank_labels=labels, features=features)
            predictions = torch.tensor(trainer.run("knn", file)[0]["predictions"])
            expected = torch.cat([reference.knn_predict(batch, bank.t().contiguous(), labels, reference.CLASSES,
                                                        knn_k=200, knn_t=0.1)[:, 0]
                                  for batch in features.split(reference.BATCH)])
            right = (expected == answers).double().mean().item()
            print(f"{len(expected)} predictions, {100 * right:.1f} % right", flush=True)
            self.assertEqual((predictions != expected).sum().item(), 0)


if __name__ == "__main__":
    unittest.main()
