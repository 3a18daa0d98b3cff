"""Attention with several heads against PyTorch's."""

import numpy as np
import pytest
from peer import assert_near, check_gradients, matched, tensor, torch

from jitgrad import nn


def floats(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def layers(**options):
    return matched(nn.MultiheadAttention(6, 2, rng=0, **options), torch.nn.MultiheadAttention(6, 2, **options), np.float64)


CAUSAL = np.triu(np.ones((4, 4), bool), 1)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "mask", [None, CAUSAL, np.where(CAUSAL, -np.inf, 0.0), floats(9, 6, 4, 4)], ids=["none", "bool", "float", "heads"]
)
def test_forward(batch_first, bias, mask):
    ours, theirs = layers(batch_first=batch_first, bias=bias)
    x = floats(0, 3, 4, 6) if batch_first else floats(0, 4, 3, 6)
    options = {} if mask is None else {"attn_mask": mask}
    theirs_options = {} if mask is None else {"attn_mask": tensor(mask, grad=False)}
    assert_near(ours(x, x, x, **options), theirs(tensor(x), tensor(x), tensor(x), **theirs_options), np.float64)


def test_other_keys_padding_and_single_sequences():
    ours, theirs = layers(batch_first=True)
    q, k, v = floats(0, 3, 4, 6), floats(1, 3, 5, 6), floats(2, 3, 5, 6)
    padding = np.zeros((3, 5), bool)
    padding[:, 3:] = True
    expected = theirs(tensor(q), tensor(k), tensor(v), key_padding_mask=tensor(padding), average_attn_weights=False)
    assert_near(ours(q, k, v, key_padding_mask=padding, average_attn_weights=False), expected, np.float64)
    assert_near(ours(q[0], k[0], v[0]), theirs(tensor(q[0]), tensor(k[0]), tensor(v[0])), np.float64)
    output, weights = ours(q, k, v, need_weights=False)
    assert weights is None
    assert output.shape == (3, 4, 6)
    with pytest.raises(ValueError, match="key has shape"):
        ours(q, k[..., :5], v)


def test_scaled_dot_product_attention():
    q, k, v = floats(0, 2, 3, 4, 5), floats(1, 2, 3, 6, 5), floats(2, 2, 3, 6, 7)
    ours, theirs = nn.functional.scaled_dot_product_attention, torch.nn.functional.scaled_dot_product_attention
    assert_near(ours(q, k, v), theirs(tensor(q), tensor(k), tensor(v)), np.float64)
    assert_near(ours(q, k, v, is_causal=True), theirs(tensor(q), tensor(k), tensor(v), is_causal=True), np.float64)
    mask = floats(3, 4, 6) > -1
    assert_near(ours(q, k, v, mask), theirs(tensor(q), tensor(k), tensor(v), tensor(mask)), np.float64)


@pytest.mark.slow
def test_gradients():
    ours, theirs = layers(batch_first=True)
    check_gradients({"attention": (ours, theirs, (floats(0, 3, 4, 6), floats(1, 3, 5, 6), floats(2, 3, 5, 6)))}, np.float64)


def test_dropout_needs_a_key_that_moves_on():
    layer = nn.MultiheadAttention(6, 2, dropout=0.5, rng=0)
    x = floats(0, 4, 3, 6).astype(np.float32)
    first, second = layer(x, x, x)[0], layer(x, x, x)[0]
    assert np.any(first != second)
    assert list(layer.state_dict()) == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
