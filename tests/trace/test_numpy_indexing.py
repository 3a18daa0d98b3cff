"""Reading and writing by all kinds of indices, through views of views, against NumPy: results and changed arguments."""

from __future__ import annotations

import pytest
from against_numpy import check, programs, some_variants

PROGRAMS = programs("""
    x[::k] = f
    x[-3::k] = 7
    x[9::k] = 1
    return x
    x[1:-1:k] = 3
    return x
    A[1, ::k] = v[0]
    A[::k] = 5
    return A
    A[:, 1::k] = w[:, None]
    return A
    A[::k, ::k] = 7
    return A
    A[3:0:-k, :4:k] += f
    return A
x[::k]
x[::-k]
x[-2:0:-k]
A[1::k, ::-k]
A[::k, J[0]]
A[None, 0, ::k]
x[::k][::-1]
x[1:][::k]
    y = x[::k]
    y[1:] = 5
    return x, y
    A[::k].T[0] = 3
    return A
x[0]
x[-1]
x[k]
x[-k]
x[7]
x[-9]
x[range(1, 3)]
x[range(len(x))]
A[range(A.shape[0]), range(A.shape[0])]
    A[range(A.shape[0]), J[0, 0]] += 1
    return A
    for n in range(2):
        x[range(n, len(x))] += n
    return x
x[i]
x[i[0]]
x[1:3]
x[:-1]
x[::-1]
x[::2]
x[::-2]
x[3:1]
x[3:1:-1]
x[-3:]
x[10:]
x[:k]
x[k:]
x[-k:]
x[k:k + 1]
x[k - 1:-1]
x[len(x) // 2:]
x[len(x) - 1]
x[:]
x[...]
x[..., 0]
x[None]
x[:, None]
x[np.newaxis, :, None]
x[()]
z[()]
z[...]
z[None]
f[0]
A[0]
A[0, 1]
A[0][1]
A[1:, :2]
A[:, 0]
A[..., 0]
A[0, ...]
A[..., 0, :]
A[:, None, :]
A[None, ..., None]
A[-1, -1]
A[1:3][0]
A[:, ::-1]
A[::-1, ::-1][0]
A[0, 1, 2]
A[3]
A[k]
A[k, k]
A[0, k:]
A[:, -k:]
T[1, :, 2]
T[..., 1]
T[0, ..., 0]
T[:, 1:, ::2]
A[x]
A["a"]
A[1.5]
A[f]
A[[0, 2]]
A[[0, 2], [1, 3]]
A[(0, 2), (1, 3)]
A[:, (0, 2)]
A[(0, 2),]
A[np.array([0, 1])]
A[np.array([[0, 1], [1, 0]])]
A[:, [0, 2]]
A[[0, 2], :]
A[[0, 2], 1]
A[0, [1, 2]]
A[[0, 1], 1:3]
A[1:, [0, -1]]
A[J]
A[J, 0]
A[J, J]
A[i % 3][:, i]
T[0, :, [1, 2]]
T[:, [0, 1], [1, 2]]
T[[0, 1], :, [1, 2]]
T[[0], [1], [2]]
T[:, 0, [1, 2]]
T[..., [0, 1]]
x[True]
x[False]
x[x.sum() > 0]
z[z > 0]
A[None, True, 1:]
A[:, True]
A[..., False, 0]
A[True, i % 3]
A[True, M]
A[x[0] > 0, 1]
np.argwhere(z)
np.nonzero(z)
A[None, [0, 1]]
A[[0, 1], None]
A[[0, 1], None, 1]
A[:, None, [0, 1]]
A[[0, 7]]
A[[0, -4]]
A[[]]
x[[]]
x[[True, False, True, False, True]]
x[m]
x[~m]
x[x > 0]
x[x > 0].sum()
A[A > 0]
A[M]
A[M].sum()
A[w > 0]
A[w > 0, 1]
A[w > 0][:, 0]
A[:, v > 0]
A[w > 0, 1:3]
T[T > 0]
T[:, A > 0]
A[np.any(A > 1, axis=1)]
A[x > 0]
x[np.argsort(x, kind="stable")]
x[np.argmax(x)]
x[np.nonzero(x > 0)]
x[np.where(x > 0)[0]]
x[slice(1, 3)]
A[(0, 1)]
A[np.s_[0:2, 1]]
A[np.index_exp[0:2, 1]]
A[:, np.newaxis]
A[np.int64(1)]
A[np.array(1)]
A[np.uint8(1)]
x[np.array([1, 2], dtype=np.uint8)]
x[np.arange(2)]
x[np.arange(len(x))[::-1]]
x[i][0]
x[i] * 2
x[[k, 0]]
x[[0, 1]][::-1]
A.flat[0]
A.flat[2:5]
A.T[0]
A.T[1:, 0]
A.reshape(-1)[3]
x[0] + x[1]
A[0] @ v
A[0, 0] * f
x[A[0, 0].astype(int) * 0]
    a, b, c2 = w
    return a + b * c2
    a, *rest = x
    return a, rest
    *rest, b = x
    return b
    (a, b), q = A[:2, :2], 1
    return a * b
    p, q = A.shape
    return p * q
    r2, c2 = A[0], A[1]
    return r2 + c2
    a, b = A
    return a
    x[0] = 1
    return x
    x[-1] = f
    return x
    x[k] = 2
    return x
    x[7] = 1
    return x
    x[1:3] = 7
    return x
    x[1:3] = [1, 2]
    return x
    x[::2] = y[::2]
    return x
    x[::-1] = y
    return x
    x[:] = y
    return x
    x[...] = 0
    return x
    x[1:] = x[:-1]
    return x
    x[:-1] = x[1:]
    return x
    x[::-1] = x
    return x
    x[1:] += x[:-1]
    return x
    x[i] = 9
    return x
    x[i] = [1, 2, 3]
    return x
    x[i] += 1
    return x
    x[[0, 1]] = x[[1, 0]]
    return x
    x[0], x[1] = x[1], x[0]
    return x
    A[[0, 1]] = A[[1, 0]]
    return A
    A[0], A[1] = A[1], A[0].copy()
    return A
    A[0], A[1] = A[1], A[0]
    return A
    A[:, [0, 1]] = A[:, [1, 0]]
    return A
    A[0] = v
    return A
    A[0] = 1
    A[:, 1] = w
    A[1:, 2:] = 5
    return A
    A[0, 1] += 2
    return A
    A[0] += v
    return A
    A[0] = x
    return A
    A[:] = v
    return A
    A[:] = B.T
    return A
    A[...] = c
    return A
    A[A > 0] = 0
    return A
    A[A > 0] = B[A > 0]
    return A
    A[M] = f
    return A
    A[M] += 1
    return A
    A[M] *= B[M]
    return A
    A[w > 0] = v
    return A
    A[w > 0, 0] = 3
    return A
    A[:, v > 0] = 3
    return A
    x[m] = x[m][::-1]
    return x
    x[x < 0] = 0
    x[x > 1] = 1
    return x
    x[m] = [1]
    return x
    x[m] = np.arange(m.sum())
    return x
    A[J, 0] = 1
    return A
    A[[0, 1], [1, 2]] = [5, 6]
    return A
    A[[0, 1]] = v
    return A
    A[[0, 1], 1:3] = 4
    return A
    A[None] = 2
    return A
    A[:, None] = B[:, None]
    return A
    A[None, 0] = v
    return A
    A[[0, 1], None] = 2
    return A
    A[0][1] = 7
    return A
    A[0][1:][0] = 7
    return A
    row = A[0]
    row += 1
    return A
    row = A[0]
    row[1] = 5
    return A, row
    row = A[0]
    A[0, 0] = 8
    return row
    row = A[0] + 0
    row[0] = 4
    return A
    col = A[:, 1]
    col *= 2
    return A
    sub = A[1:, 1:]
    sub[...] = 0
    sub += 1
    return A
    sub = A[::2][:, ::-1]
    sub[0, 0] = 9
    return A
    t = A.T
    t[0] = 1
    return A
    t = A.T[1]
    t += 1
    return A
    q = A.reshape(-1)
    q[3] = 9
    return A
    A.ravel()[2] = 7
    return A
    A.reshape(2, 6)[0] += 1
    return A
    A.flat[3] = 2
    return A
    A.flat[:] = 1
    return A
    A.T[0, 1] = 4
    return A
    A.flatten()[0] = 100
    return A
    q = np.ravel(A)
    q += 1
    return A
    q = A[::-1]
    q[0] = 5
    return A
    q = np.flip(A, 1)
    q[0, 0] = 5
    return A
    q = np.swapaxes(A, 0, 1)
    q[0] = 6
    return A
    q = x[:, None]
    q[1] = 6
    return x
    q = np.expand_dims(x, 0)
    q[0, 2] = 1
    return x
    q = np.squeeze(r)
    q[0] = 1
    return r
    q = np.diagonal(S)
    q[0] = 1
    return S
    q = np.broadcast_to(v, (3, 4))
    q[0] = 1
    return v
    q = S.diagonal()
    return q + 1
    q = A.copy()
    q[0] = 1
    return A, q
    q = np.array(A)
    q += 1
    return A
    q = np.asarray(A)
    q += 1
    return A
    q = A.astype(A.dtype)
    q += 1
    return A
    q = A.astype(A.dtype, copy=False)
    q += 1
    return A
    q = x[i]
    q[0] = 100
    return x
    q = x[m]
    q += 1
    return x
    q = A[0, 0]
    q += 1
    return A
    q = z[()]
    q += 1
    return z
    q = A[..., 0]
    q += 1
    return A
    q = A[0, 0, ...]
    q += 5
    return A
    for row in A:
        row += 1
    return A
    for n in range(len(A)):
        A[n] += n
    return A
    for n in range(1, len(x)):
        x[n] += x[n - 1]
    return x
    for n, row in enumerate(A):
        row *= n
    return A
    a, b = np.split(x[:4], 2)
    a += 1
    return x
    a, b = x[:2], x[2:4]
    a[...] = b
    return x
    B = A
    B[0] = 1
    return A
    def helper(q):
        q[0] = 7
    helper(A)
    return A
    q = [A, B]
    q[0][0] = 1
    return q[0]
    np.fill_diagonal(S, 3)
    return S
    np.fill_diagonal(S, w)
    return S
    np.fill_diagonal(A, 1)
    return A
    np.put(x, [0, 2], 5)
    return x
    np.put(A, [0, 5], [1, 2])
    return A
    np.put(x, [0, 9], 1, mode="clip")
    return x
    np.place(A, A > 0, [1, 2])
    return A
    np.place(x, m, 7)
    return x
    np.putmask(A, A > 0, 3)
    return A
    np.putmask(A, A > 0, B)
    return A
    np.putmask(x, m, [1, 2])
    return x
    np.copyto(A, B)
    return A
    np.copyto(A, 1.0, where=M)
    return A
    np.copyto(A, v)
    return A
    np.put_along_axis(A, np.argmax(A, axis=1)[:, None], 99, axis=1)
    return A
    x[x.sum() > 0] = 7
    return x
    x[True] = y
    return x
    x[False] = y
    return x
    z[z > 0] = 3
    return z
    z[z > -2] += 2
    return z
    A[x.sum() > 0, 1] = v[1]
    return A
    np.put_along_axis(B, np.array([[1], [0]]), np.array([[7], [8]]), axis=0)
    return B
    np.put_along_axis(S, i[:2], 5, axis=None)
    return S
    A.fill(3)
    return A
    A.sort()
    return A
    A.sort(axis=0)
    return A
    x.put([0, 1], 4)
    return x
    x.resize((2, 2))
    return x
    np.add.at(x, i, 1)
    return x
    np.add.at(x, [0, 0, 1], [1, 2, 3])
    return x
    np.add.at(A, (i % 3, i % 3), 1)
    return A
    np.add.at(A, [0, 0], v)
    return A
    np.add.at(A, 0, 1)
    return A
    np.add.at(A, (slice(None), [0, 0]), 1)
    return A
    np.subtract.at(x, i, 1)
    return x
    np.multiply.at(x, i, 2)
    return x
    np.maximum.at(x, i, 1)
    return x
    np.minimum.at(x, [0, 0, 1], [1, -1, 0])
    return x
    np.negative.at(x, [0, 1])
    return x
    np.divide.at(x, [0], 2)
    return x
    np.add.at(x, m, 1)
    return x
    np.logical_or.at(m, [0, 1], True)
    return m
    x[0] = np.nan
    return x
    x[0] = z
    return x
    x[:2] = 300
    return x
    del x
    return A
    out = np.zeros_like(A)
    out[1:-1, 1:-1] = A[:-2, 1:-1] + A[2:, 1:-1]
    return out
    out = np.empty((len(x), 2))
    out[:, 0] = x
    out[:, 1] = np.arange(len(x))
    return out
    out = np.zeros(len(x) + 1)
    out[1:] = np.cumsum(x)
    return out
    g = 3
    g = x
    g[0] = 1
    return x
    z[...] = 5
    return z
    z[()] = 5
    return z
    q = np.zeros(3)
    q[[0, 1, 2]] = w
    return q
    q = np.zeros(5, int)
    q[:] = x
    return q
    q = np.zeros(5, np.float32)
    q[1:] = x[1:]
    return q
    q = T[0]
    q[1] = v
    q[:, 0] = 0
    return T
    q = T[..., 0]
    q[0] = 1
    p = q.T
    p[1] = 2
    return T
    q = T.reshape(6, 4)[1::2]
    q[0] += 10
    return T
    q = np.moveaxis(T, 0, -1)
    q[0, 0] = 1
    return T
    q = T.transpose(2, 0, 1).reshape(4, 6)
    q[0] = 100
    return T
A.T.reshape(-1)[0]
    q = A.T.reshape(-1)
    q[0] = 99
    return A, q
    q = A[:, 1:].reshape(-1)
    q[0] = 99
    return A, q
    q = A[1:].reshape(-1)
    q[0] = 99
    return A, q
    q = A.T.ravel()
    q += 1
    return A
    q = A[:, ::-1].reshape(3, 2, 2)
    q[0] = 1
    return A
    q = T[:, 0].reshape(-1)
    q[0] = 1
    return T
    q = T.transpose(2, 0, 1).reshape(4, 6)
    q[0] = 100
    return T
    q = T.reshape(6, 4)[1::2]
    q[0] += 10
    return T
    q = T[..., :2].reshape(6, 2)
    q[0] = 100
    return T
    q = A.reshape(2, 6, order="F")
    q[0] = 1
    return A
    q = A.ravel(order="F")
    q[0] = 1
    return A
    q = A.flat
    A[0, 0] = 5
    return q[0]
    A.T.flat[1] = 7
    return A
    np.put(A.T, [1, 2], 8)
    return A
""")


@pytest.mark.parametrize("text", PROGRAMS)
def test_some_variants(text: str) -> None:
    check(text, some_variants(text))
