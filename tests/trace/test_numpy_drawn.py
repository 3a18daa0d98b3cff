"""Random programs of NumPy calls, well-typed by construction, against NumPy; one trace serves other sizes."""

from __future__ import annotations

from against_numpy import LARGER, check_on, pool
from hypothesis import given, settings
from hypothesis import strategies as st

MATRICES = ["A", "B", "np.abs(A)", "A.copy()"]
UNARY = ["np.sin({0})", "-{0}", "{0} * 2", "{0}[::-1]", "{0}[:, ::-1]", "np.cumsum({0}, axis=1)", "np.sort({0}, axis=0)",
         "np.where(M, {0}, 0.5)", "np.roll({0}, 1, axis=0)", "{0}.T.copy().T", "np.clip({0}, -1, 1)", "{0} - {0}.mean(axis=0)",
         "{0} / (1 + np.abs({0}).max())", "{0}.reshape(-1).reshape({0}.shape)", "np.tanh({0}) ** 2"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "np.maximum({0}, {1})", "np.where({0} > {1}, {0}, {1})", "np.hypot({0}, {1})",
          "{0} @ {1}.T @ {1}", "np.concatenate([{0}, {1}])[:3]", "{0} + v", "{0} * {1}[0]", "{0} - {1}[:, :1]"]  # fmt: skip
WRITES = ["{0}[0] = {1}[1]", "{0}[:, 1] += 1", "{0}[{0} > 1] = 0.5", "{0}[1:] = {0}[:-1]", "{0}[[0, 1]] = {0}[[1, 0]]", "{0} *= 2",
          "row = {0}[1]; row += {1}[0]", "{0}[0], {0}[1] = {0}[1].copy(), {0}[0].copy()", "np.add.at({0}, [0, 0], 1.5)"]  # fmt: skip
RESULTS = ["{0}", "{0}.sum()", "{0}.mean(axis=1)", "{0}[1]", "np.linalg.norm({0})", "{0}.argmax(axis=0)", "({0}, {1}.max())"]


@st.composite
def drawn(draw: st.DrawFn) -> str:
    """Statements that compute matrices of the shape of A from earlier ones, write to some, and return one."""
    names = [draw(st.sampled_from(MATRICES))]
    lines = [f"t0 = {names[0]}"]
    for k in range(1, draw(st.integers(2, 7))):
        before = [f"t{draw(st.integers(0, k - 1))}" for _ in range(2)]
        kind = draw(st.sampled_from([UNARY, BINARY, BINARY, WRITES]))
        text = draw(st.sampled_from(kind)).format(*before)
        lines += [text, f"t{k} = {before[0]}"] if kind is WRITES else [f"t{k} = {text}"]
    last = [f"t{draw(st.integers(0, k))}" for _ in range(2)]
    return "\n".join([*lines, f"return {draw(st.sampled_from(RESULTS)).format(*last)}"])


@given(drawn(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_drawn_programs(text: str, seed: int) -> None:
    check_on(text, pool(seed=seed), pool(sizes=LARGER, seed=seed + 10))
