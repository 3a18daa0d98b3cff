"""LeNet-5 reads handwritten digits: scikit-learn's 1,797 images, enlarged from 8x8 to 32x32, a fifth of them held out."""

import time

import numpy as np
from sklearn.datasets import load_digits

import jitgrad as jg
from jitgrad import nn, optim

SHIFTS = ((0, 0), (2, 0), (-2, 0), (0, 2), (0, -2))
EPOCHS, RATE = 6, 2e-3


class LeNet(nn.Module):
    def __init__(self, rng):
        self.conv1 = nn.Conv2d(1, 6, 5, rng=rng)
        self.conv2 = nn.Conv2d(6, 16, 5, rng=rng)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120, rng=rng)
        self.fc2 = nn.Linear(120, 84, rng=rng)
        self.fc3 = nn.Linear(84, 10, rng=rng)

    def forward(self, x):
        x = self.pool(np.maximum(self.conv1(x), 0))
        x = self.pool(np.maximum(self.conv2(x), 0))
        x = x.reshape(x.shape[0], 400)
        x = np.maximum(self.fc1(x), 0)
        x = np.maximum(self.fc2(x), 0)
        return self.fc3(x)


def digits(rng):
    """(images, labels) to train on and to test with; each pixel becomes 3x3, smoothed, with a margin of 4.

    Each training image comes five times, shifted a little.
    """
    images, labels = load_digits(return_X_y=True)
    images = np.kron(images.reshape(-1, 1, 8, 8) / 16, np.ones((3, 3)))
    images = np.pad(images, ((0, 0), (0, 0), (4, 4), (4, 4)))
    images = sum(np.roll(images, (i, j), axis=(2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    images = images.astype(np.float32)
    order = rng.permutation(len(images))
    train, test = order[360:], order[:360]
    shifted = np.concatenate([np.roll(images[train], shift, axis=(2, 3)) for shift in SHIFTS])
    return (shifted, np.tile(labels[train], len(SHIFTS))), (images[test], labels[test])


def accuracy(logits, labels):
    return np.mean(np.argmax(logits, axis=1) == labels)


def main():
    rng = np.random.default_rng(0)
    train, test = digits(rng)
    model = LeNet(rng)
    print(f"{len(model.parameters())} parameter arrays, {sum(p.size for p in model.parameters())} numbers")
    start = time.perf_counter()
    history = jg.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.AdamW(lr=RATE, weight_decay=0.1),
        train,
        epochs=EPOCHS,
        batch_size=32,
        rng=rng,
        validation=test,
        metrics={"accuracy": accuracy},
        schedule=optim.CosineAnnealingLR(RATE, EPOCHS),
        callbacks=[lambda record, step: print(record)],
    )
    print(f"{time.perf_counter() - start:.1f} s, {history.records[0].seconds:.1f} of them for compilation and the first epoch")
    assert history.metric("accuracy")[-1] >= 0.98


if __name__ == "__main__":
    main()
