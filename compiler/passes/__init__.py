"""Passes: functions to equal, cheaper functions. ``PASSES`` is their order; ``CPU_PASSES`` come after them for a CPU.

Each is valid IR in, valid IR out, and works inside regions too.
"""

from .additions import add_in_branches
from .collect import collect_products
from .columns import turn_columns
from .comparisons import settle_comparisons
from .cse import eliminate_common_subexpressions
from .dce import eliminate_dead_code
from .fold import fold_constants
from .gather import gather_sums
from .hoist import hoist_invariants
from .idle import skip_idle_loops
from .in_blocks import run_in_blocks
from .inline import inline_calls, remove_barriers
from .interchange import interchange_loops
from .kept import compute_what_is_kept
from .side_by_side import run_side_by_side, run_side_by_side_for_gradients
from .simplify import simplify
from .sink import sink_constants
from .sizes import name_sizes

PASSES = (
    inline_calls,
    eliminate_dead_code,
    sink_constants,
    settle_comparisons,
    fold_constants,
    simplify,
    eliminate_common_subexpressions,
    eliminate_dead_code,
    hoist_invariants,
    sink_constants,
    fold_constants,
    simplify,
    eliminate_common_subexpressions,
    remove_barriers,
    eliminate_dead_code,
)

CPU_PASSES = (
    run_in_blocks,
    collect_products,
    skip_idle_loops,
    turn_columns,
    interchange_loops,
    sink_constants,
    gather_sums,
    run_side_by_side,
    add_in_branches,
    eliminate_dead_code,
    name_sizes,
)

__all__ = [
    "CPU_PASSES",
    "PASSES",
    "add_in_branches",
    "collect_products",
    "compute_what_is_kept",
    "eliminate_common_subexpressions",
    "eliminate_dead_code",
    "fold_constants",
    "gather_sums",
    "hoist_invariants",
    "inline_calls",
    "interchange_loops",
    "name_sizes",
    "remove_barriers",
    "run_in_blocks",
    "run_side_by_side",
    "run_side_by_side_for_gradients",
    "settle_comparisons",
    "simplify",
    "sink_constants",
    "skip_idle_loops",
    "turn_columns",
]
