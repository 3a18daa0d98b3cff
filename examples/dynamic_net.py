"""A net whose middle layer is applied 0 to 3 times, drawn anew for each step, always with the same weights.

The depth is an ordinary argument and the loop an ordinary loop: one program is compiled, which serves all depths.
"""

import numpy as np

import jitgrad as jg
from jitgrad import nn, optim


class DynamicNet(nn.Module):
    def __init__(self, inputs, hidden, outputs, rng):
        self.first = nn.Linear(inputs, hidden, rng=rng)
        self.middle = nn.Linear(hidden, hidden, rng=rng)
        self.last = nn.Linear(hidden, outputs, rng=rng)

    def forward(self, x, depth):
        h = np.maximum(self.first(x), 0)
        for _ in range(depth):
            h = np.maximum(self.middle(h), 0)
        return self.last(h)


def main():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 1000)).astype(np.float32), rng.normal(size=(64, 10)).astype(np.float32)
    model = DynamicNet(1000, 100, 10, rng)
    step = jg.train_step(model, nn.MSELoss(reduction="sum"), optim.SGD(lr=1e-4, momentum=0.9))
    seen = {depth: [] for depth in range(4)}
    for _ in range(500):
        depth = int(rng.integers(4))
        seen[depth].append(float(step(x, depth, y)))
    for depth, losses in seen.items():
        print(f"depth {depth}, {len(losses)} times: loss {losses[0]:.1f} -> {losses[-1]:.4f}")
        assert losses[-1] < 0.1 * losses[0]
    print(f"programs compiled: {step.programs}")
    assert step.programs == 1


if __name__ == "__main__":
    main()
