"""Adam beside plain gradient descent and momentum, on the same net and data; only the optimiser changes."""

import numpy as np

import jitgrad as jg
from jitgrad import nn, optim

OPTIMIZERS = (optim.SGD(lr=1e-4), optim.SGD(lr=1e-5, momentum=0.9, nesterov=True), optim.Adam(lr=1e-3), optim.AdamW(lr=1e-3))


def main():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 1000)).astype(np.float32), rng.normal(size=(64, 10)).astype(np.float32)
    for optimizer in OPTIMIZERS:
        model = nn.Sequential(nn.Linear(1000, 100, rng=1), nn.ReLU(), nn.Linear(100, 10, rng=2))
        step = jg.train_step(model, nn.MSELoss(reduction="sum"), optimizer)
        losses = [float(step(x, y)) for _ in range(200)]
        print(
            f"{type(optimizer).__name__:6} loss {losses[0]:.1f} -> {losses[49]:.3g} after 50 steps, {losses[-1]:.3g} after 200"
        )
        print(f"       state: {', '.join(step.state)}; {int(step.state['step'])} updates")
        assert losses[-1] < losses[0]


if __name__ == "__main__":
    main()
