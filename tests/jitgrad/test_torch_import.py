"""PyTorch modules as jitgrad models."""

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import nn

torch = pytest.importorskip("torch")
t = torch.nn
F = torch.nn.functional


class Residual(t.Module):
    """A forward of its own: functions, methods, sizes, slices and a layer used twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = t.Conv2d(1, 4, 3, padding=1), t.BatchNorm2d(4)
        self.body = t.Sequential(t.Linear(16, 16), t.GELU())
        self.heads = t.ModuleList([t.Linear(16, 3), t.Linear(16, 3)])

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        x = x.view(x.size(0), -1)[:, :16]
        x = x + self.body(self.body(x))
        a, b = self.heads[0](x), self.heads[1](x).tanh()
        return F.log_softmax(torch.cat([a, 2 * b], dim=1), dim=1), x.mean(dim=1, keepdim=True)


def test_sequential():
    theirs = t.Sequential(
        t.Conv2d(1, 4, (3, 2), stride=2, padding=1), t.LeakyReLU(0.2), t.BatchNorm2d(4), t.AvgPool2d(2), t.Flatten(),
        t.Dropout(0.3),
        t.Sequential(t.Linear(16, 5), t.LayerNorm(5), t.SiLU()), t.Softmax(dim=1),
    )  # fmt: skip
    x = torch.randn(3, 1, 8, 8)
    ours = jg.from_torch(theirs, x)
    assert type(ours) is nn.Sequential and ours.training
    assert list(ours.state_dict()) == list(theirs.state_dict())
    np.testing.assert_allclose(ours.eval()(x.numpy()), theirs.eval()(x).detach().numpy(), atol=1e-6)


def test_a_module_with_its_own_forward(tmp_path):
    theirs, x = Residual().eval(), torch.randn(3, 1, 4, 4)
    ours = jg.from_torch(theirs, x)
    assert not ours.training
    assert list(ours.state_dict()) == list(theirs.state_dict())
    jg.save(ours, tmp_path / "model")
    again = jg.load(tmp_path / "model")
    for a, b in zip(again(x.numpy()), theirs(x), strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-6)


def test_double_precision_and_recurrent_layers():
    cell = t.LSTMCell(3, 4).double()
    ours = jg.from_torch(cell, torch.randn(2, 3, dtype=torch.float64))
    assert ours.weight_ih.dtype == np.float64
    attention = t.MultiheadAttention(4, 2, batch_first=True)
    x = torch.randn(2, 3, 4)
    jg.from_torch(attention, (x, x, x))
    jg.from_torch(t.Embedding(5, 3, padding_idx=1), torch.tensor([[0, 4, 1]]))


@pytest.mark.slow
def test_imported_models_compile():
    theirs, x = Residual().eval(), torch.randn(3, 1, 4, 4)
    ours = jg.from_torch(theirs)
    for a, b in zip(jg.jit(ours)(x.numpy()), theirs(x), strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-5)


def test_what_is_not_known_is_named():
    class Odd(t.Module):
        def forward(self, x):
            return torch.fft.fft(x)

    for module, message in (
        (t.Sequential(t.Linear(2, 2), t.Conv3d(1, 1, 1)), "1 is a Conv3d"),
        (t.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "padding_mode='reflect'"),
        (t.MaxPool2d(2, ceil_mode=True), "ceil_mode=True"),
        (Odd(), "fft_fft is not supported"),
    ):
        with pytest.raises(TypeError, match=message):
            jg.from_torch(module)
