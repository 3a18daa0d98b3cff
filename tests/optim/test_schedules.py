"""Schedules against PyTorch's, by hand and in compiled functions."""

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import optim

COUNT = 25
CASES = {
    "step": (optim.StepLR(0.1, 4, 0.5), lambda o, s: s.StepLR(o, 4, 0.5)),
    "multistep": (optim.MultiStepLR(0.1, (3, 8, 8), 0.3), lambda o, s: s.MultiStepLR(o, [3, 8, 8], 0.3)),
    "exponential": (optim.ExponentialLR(0.1, 0.9), lambda o, s: s.ExponentialLR(o, 0.9)),
    "cosine": (optim.CosineAnnealingLR(0.1, 7, 0.01), lambda o, s: s.CosineAnnealingLR(o, 7, 0.01)),
    "linear": (optim.LinearLR(0.1, 0.25, 0.75, 6), lambda o, s: s.LinearLR(o, 0.25, 0.75, 6)),
    "lambda": (optim.LambdaLR(0.1, lambda t: 1.0 / (1 + t)), lambda o, s: s.LambdaLR(o, lambda t: 1.0 / (1 + t))),
    "warmup": (
        optim.SequentialLR((optim.LinearLR(0.1, 0.1, total_iters=5), optim.ExponentialLR(0.1, 0.9)), (5,)),
        lambda o, s: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=5), s.ExponentialLR(o, 0.9)], [5]),
    ),
}


def torch_rates(make, metrics=None):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make(optimizer, torch.optim.lr_scheduler)
    rates = []
    for k in range(COUNT):
        optimizer.step()
        if metrics is None:
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
        else:
            scheduler.step(metrics[k])
            rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_rates_equal_torch(case):
    schedule, make = CASES[case]
    np.testing.assert_allclose([schedule(t) for t in range(COUNT)], torch_rates(make), rtol=1e-12)


def test_compiled_rates_equal_those_by_hand():
    @jg.jit
    def rates(t):
        return [schedule(t) for schedule, _ in CASES.values()]

    for t in (0, 4, 5, 9, 20):
        np.testing.assert_allclose(rates(t), [schedule(t) for schedule, _ in CASES.values()], rtol=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 0, "cooldown": 2, "factor": 0.5},
        {"patience": 1, "mode": "max", "threshold_mode": "abs", "threshold": 0.1},
        {"patience": 0, "mode": "max", "min_lr": 0.03},
    ],
)
def test_plateau_equals_torch(options):
    metrics = np.round(np.random.default_rng(2).normal(size=COUNT) + np.linspace(1, 0, COUNT), 1)
    plateau = optim.ReduceLROnPlateau(0.1, **options)
    rates = [plateau.step(m) for m in metrics]
    assert len(set(rates)) > 1
    np.testing.assert_allclose(rates, torch_rates(lambda o, s: s.ReduceLROnPlateau(o, **options), metrics), rtol=1e-12)


def test_plateau_goes_on_from_its_state():
    whole, first = optim.ReduceLROnPlateau(0.1, patience=2), optim.ReduceLROnPlateau(0.1, patience=2)
    metrics = [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]
    expected = [whole.step(m) for m in metrics]
    for m in metrics[:4]:
        first.step(m)
    second = optim.ReduceLROnPlateau(0.1, patience=2)
    second.load_state_dict(first.state_dict())
    assert [second.step(m) for m in metrics[4:]] == expected[4:]


def test_schedules_say_what_is_wrong():
    with pytest.raises(ValueError, match="need 1 milestones"):
        optim.SequentialLR((optim.StepLR(0.1, 1), optim.StepLR(0.1, 1)), ())
    with pytest.raises(ValueError, match="mode"):
        optim.ReduceLROnPlateau(0.1, mode="least")
