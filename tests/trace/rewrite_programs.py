"""Small programs, each with inputs, that the tests of `rewrite` run as they are and rewritten."""

# ruff: noqa: B007, B020, B023, RUF005, UP031

import contextlib
from collections.abc import Callable
from typing import Any

PROGRAMS: list[tuple[Callable[..., Any], tuple[tuple[Any, ...], ...]]] = []


def on(*inputs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a program with its inputs; an input that is no tuple is the only argument."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append((function, tuple(each if isinstance(each, tuple) else (each,) for each in inputs)))
        return function

    return register


class Log(list):
    """Notes what is evaluated, and in which order."""

    def __call__(self, value: Any) -> Any:
        self.append(value)
        return value

    def __deepcopy__(self, memo: dict[int, Any]) -> "Log":
        return Log(self)


class Box:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.__dict__ == other.__dict__

    __hash__ = None


LISTS = ([], [1], [3, 1, 2], [0, -1, 5, 7, -2, 4])


# Branches


@on(1, -1)
def branch(x):
    if x > 0:
        y = x
    else:
        y = -x
    return y


@on(1, -1)
def branch_without_else(x):
    y = 0
    if x > 0:
        y = x
    return y


@on(-2, 0, 2, 5)
def elif_chain(x):
    if x < 0:
        name = "negative"
    elif x == 0:
        name = "zero"
    elif x < 3:
        name = "small"
    else:
        name = "large"
    return name


@on(-2, 0, 2, 5)
def early_returns(x):
    if x < 0:
        return "negative"
    if x == 0:
        return "zero"
    x += 1
    if x < 4:
        return x
    return None


@on(-2, 0, 2, 5)
def nested_early_returns(x):
    if x < 3:
        if x < 0:
            return "negative"
        x = x + 10
    elif x == 5:
        return
    x *= 2
    return x


@on(1, -1)
def falls_off_the_end(x):
    if x > 0:
        return x


@on(1, -1)
def nothing(x):
    if x:
        pass


@on((1, 2), (2, 1))
def swap(a, b):
    if a < b:
        a, b = b, a
    return a, b


@on(0, 1)
def maybe_unbound(x):
    if x:
        y = 1
    return y


@on(0, 1)
def unbound_used(x):
    if x:
        y = 1
    return y + 1


@on(1, 0)
def deleted(x):
    y = 1
    if x:
        del y
    return y


@on(1)
def deleted_and_bound_again(x):
    y = 1
    del y
    y = x
    return y


@on(1, -1)
def raises(x):
    if x < 0:
        raise ValueError(x)
    return x


@on(1, -1, 0)
def raises_in_else(x):
    if x < 0:
        return "negative"
    else:
        if x == 0:
            raise KeyError("zero")
    return x


@on((True, [1]), (False, [1]))
def mutates_in_branch(flag, xs):
    if flag:
        xs[0] = 5
    else:
        xs.append(7)


@on((True, {"w": [1]}), (False, {"w": [1]}))
def augments_in_branch(flag, params):
    if flag:
        params["w"] += [2]
    params["n"] = len(params["w"])


@on((1, 2, 3), (1, 5, 3), (0, 0, 0))
def nested_branches(a, b, c):
    best = a
    if b > best:
        best = b
        if c > best:
            best = c
            where = "c"
        else:
            where = "b"
    else:
        where = "a"
    return best, where


# Loops


@on(*LISTS)
def total(xs):
    result = 0
    for x in xs:
        result += x
    return result


@on(*LISTS)
def last_item(xs):
    for x in xs:
        pass
    return x


@on(*LISTS)
def target_stays_bound(xs):
    x = "none"
    for x in xs:
        y = x
    return x, y


@on(*LISTS)
def first_negative(xs):
    for i, x in enumerate(xs):
        if x < 0:
            return i
    return None


@on(*LISTS)
def break_with_else(xs):
    for x in xs:
        if x > 4:
            found = x
            break
    else:
        found = "none"
    return found


@on(*LISTS)
def skip_some(xs):
    result = []
    for x in xs:
        if x < 0:
            continue
        if x == 5:
            result.append("five")
            continue
        result.append(x)
    return result


@on(*LISTS)
def continue_in_the_middle(xs):
    result = []
    for x in xs:
        if x > 0:
            if x > 3:
                continue
            x = -x
        result.append(x)
        if x < -2:
            result.append("low")
    return result


@on(*LISTS)
def break_in_the_middle(xs):
    count = 0
    for x in xs:
        if x > 0:
            count += 1
            if x > 3:
                break
            count += 10
        count += 100
    return count, x if xs else None


@on(0, 1, 10, 27)
def collatz(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


@on(0, 3, 100)
def while_true(n):
    i = 0
    while True:
        if i * i >= n:
            break
        i += 1
    return i


@on(0, 3, 100)
def while_true_return(n):
    i = 0
    while True:
        i += 1
        if i * i >= n:
            return i


@on(0, 3, 5, 100)
def while_else(n):
    i = 0
    while i < 10:
        i += 1
        if i == n:
            break
        if i % 2:
            continue
        n += 1
    else:
        i = -i
    return i, n


@on(4, 0, 1)
def nested_loops(n):
    pairs = []
    for i in range(n):
        for j in range(i):
            if (i + j) % 3 == 0:
                continue
            if i + j > 5:
                break
            pairs.append((i, j))
        else:
            pairs.append(i)
    return pairs


@on((4, 3), (4, 100), (0, 0))
def return_from_inner_loop(n, wanted):
    count = 0
    for i in range(n):
        for j in range(n):
            count += 1
            if i * j == wanted:
                return i, j, count
        count += 100
    return count


@on((4, 3), (4, 100), (3, 1))
def break_outer_by_flag(n, wanted):
    done = False
    for i in range(n):
        for j in range(n):
            if i * j == wanted:
                done = True
                break
        if done:
            break
    return i, j, done


@on(5)
def loop_changes_its_iterable_name(n):
    x = range(n)
    for x in x:
        n += x
    return x, n


@on([1, 2, 3])
def else_with_break_of_outer_loop(xs):
    seen = []
    for x in xs:
        for y in xs:
            if y > 5:
                break
        else:
            seen.append(x)
            if x == 2:
                break
        seen.append("after")
    return seen


@on([1, 2, 3], [])
def return_in_else_of_loop(xs):
    for x in xs:
        if x == 7:
            break
    else:
        return "no seven"
    return x


@on([(1, (2, 3, 4)), (5, (6, 7))])
def nested_targets(pairs):
    result = []
    for a, (b, *c) in pairs:
        result += [a, b, c]
    return a, b, c, result


@on([1, 2, 3])
def target_is_an_item(xs):
    slots = [0, 0]
    for slots[1] in xs:
        slots[0] += slots[1]
    return slots


@on(3)
def iterator_not_advanced_after_break(n):
    items = iter(range(10))
    for x in items:
        if x == n:
            break
    return next(items)


@on(0, 5)
def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@on([3, 1, 2], [])
def bubble_sort(xs):
    n = len(xs)
    for i in range(n):
        for j in range(n - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
    return xs


@on(10)
def bound_only_in_some_iterations(n):
    result = []
    for i in range(n):
        if i % 3 == 0:
            t = i
        result.append(t)
    return result


@on(10)
def unbound_in_first_iteration(n):
    result = []
    for i in range(n):
        if i > 3:
            t = i
        result.append(t)
    return result


@on(3)
def local_to_the_body(n):
    x = 0
    for i in range(n):
        t = i * 2
        u = t + 1
        x += u
    return x


# Conditions


@on((0, 0), (0, 2), (1, 0), (3, 4))
def and_or_not(a, b):
    return a and b, a or b, not a, (a and not b) or "x", (a or b) and (b or a)


@on((Log(), 1, 2, 3), (Log(), 2, 1, 3), (Log(), 1, 3, 2))
def chain_evaluates_once(log, a, b, c):
    return log(a) < log(b) < log(c), list(log)


@on((Log(), 1, 2, 3, 4), (Log(), 1, 2, 0, 4), (Log(), 5, 2, 3, 4))
def long_chain(log, a, b, c, d):
    if log(a) < log(b) <= log(c) != log(d) > 0:
        log("yes")
    return log


@on((1, [1, 2]), (3, [1, 2]))
def membership(x, xs):
    return x in xs, x not in xs, 0 < x in xs


@on(None, 1)
def identity(x):
    if x is None:
        return "none"
    return x is not None


@on((Log(), 0), (Log(), 1))
def thunks_are_lazy(log, x):
    y = log("a") if x else log("b")
    z = (x and log("c")) or log("d")
    return y, z, log


@on(3, -3, 0)
def conditional_expressions(x):
    return "p" if x > 0 else "n" if x < 0 else "z"


@on(1, 0, [])
def assertion(x):
    assert x, "message %s" % x
    assert x
    return x


@on([1, 2, 3], [5], [])
def walrus_in_if(xs):
    if (n := len(xs)) > 1:
        return n
    return -n


@on([1, 2, 3], [5], [])
def walrus_in_and(xs):
    if xs and (n := len(xs)) > 1 and n < 10:
        return n
    return n


@on([1, 2, 3, 0, 4], [0])
def walrus_in_while(xs):
    result = []
    while (x := xs.pop(0)) != 0:
        if x == 2:
            continue
        result.append(x)
    return result, x, xs


@on([1, 2, 3, 0, 4], [0], [9, 3])
def walrus_in_while_with_break(xs):
    result = []
    while xs and (x := xs.pop(0)) != 0:
        if x == 3:
            break
        result.append(x)
    else:
        result.append("else")
    return result, xs


@on(3, 0)
def variable_assigned_by_a_test(n):
    count = 0

    def more():
        nonlocal count
        count += 1
        return count <= n

    seen = []
    while more():
        seen.append(count)
    return seen, count


@on([1, 2, 3], [])
def walrus_in_comprehension(xs):
    result = [y := x + 1 for x in xs]
    return result, y


@on([1, 2, 3], [-5, 2])
def walrus_in_branch_thunk(xs):
    y = "old"
    for x in xs:
        if x > 0 and (y := x * 2) > 2:
            xs = xs + [y]
    return xs, y


@on((1, 2), (0, 2))
def walrus_in_lambda(a, b):
    f = lambda x: x and (y := x * 2) + y  # noqa: E731
    return f(a), f(b)


# Subscripts, attributes, augmented assignments


@on([1, 2, 3, 4, 5])
def slices(xs):
    xs[1:3] = [9]
    return xs[0], xs[-1], xs[1:], xs[:2], xs[::2], xs[1:4:2], xs[:]


@on({(1, 2): "a"})
def tuple_index(d):
    i = 1
    d[i, 3] = "b"
    return d[1, 2], d[i, 3], d[(i, i + 1)]


@on((Log(), [1, 2]))
def order_of_evaluation(log, xs):
    (log(xs))[log(0)] = log(5)
    (log(xs))[log(1)] += log(6)
    return xs


@on((Log(), [1, 2]))
def order_of_targets(log, xs):
    i = 0
    i, xs[i] = log(1), log(7)
    xs[0], i = i, 5
    a = xs[log(0)] = b = log([3])
    return i, xs, a is b, log


@on((Log(), [1, 2]))
def value_before_its_place(log, xs):
    try:
        xs[log(0)] = missing  # noqa: F821
    except UnboundLocalError:
        log("no value")
    missing = 1
    return log, missing


@on([1, 2, 3])
def swap_items(xs):
    xs[0], xs[2] = xs[2], xs[0]
    (xs[1], *rest), last = [xs[0], 8, 9], 4
    return xs, rest, last


@on(Box(value=1, inner=Box(xs=[1])))
def attributes(box):
    box.value = 5
    box.value += 2
    box.inner.xs[0] *= 10
    box.inner.new = box.value
    if box.value > 3:
        box.inner.xs.append(3)
        box.flag = True
    return box


@on([1, 2])
def in_place_keeps_identity(xs):
    ys = xs
    ys += [3]
    zs = xs
    zs = zs + [4]
    return xs, ys is xs, zs


@on((7, 2))
def all_in_place_operators(a, b):
    result = []
    x = a
    x += b
    result.append(x)
    x -= b
    x *= b
    result.append(x)
    x /= b
    x //= b
    result.append(x)
    x **= b
    x %= 5
    result.append(x)
    n = a
    n <<= b
    n |= 1
    n ^= 3
    n >>= 1
    n &= 13
    return result, n


@on([1, 2, 3])
def delete_items(xs):
    for _ in range(2):
        del xs[0]
    return xs


@on({"a": 1})
def dict_in_loop(d):
    for key in ["a", "b", "a"]:
        d[key] = d.get(key, 0) + 1
    return d


@on(3)
def annotated(n):
    x: int = n
    y: float
    if n:
        y: float = 2.0
    return x, y


# Comprehensions


@on([1, 2, 3, 4])
def comprehensions(xs):
    return (
        [x * x for x in xs],
        [x for x in xs if x % 2 if x > 1],
        {x % 2 for x in xs},
        {x: x + 1 for x in xs if x != 2},
        sum(x for x in xs),
        tuple(x for x in xs if x > 2),
    )


@on([[1, 2], [], [3]])
def nested_comprehensions(rows):
    return (
        [x for row in rows for x in row],
        [x + y for row in rows if row for x in row for y in range(x) if y],
        [[x * 2 for x in row] for row in rows],
        {x: len(row) for row in rows for x in row},
        {x for row in rows for x in row if x > 1},
        sum(x for row in rows for x in row),
    )


@on([(1, (2, 3)), (4, (5, 6))])
def comprehension_targets(pairs):
    return [a + b + c for a, (b, c) in pairs if a < b], {a: rest for a, [*rest] in pairs}, [x for (x, *_), in [[p] for p in pairs]]


@on([(1, 2, 3)])
def comprehension_wrong_length(pairs):
    return [a for a, b in pairs]


@on(5)
def comprehension_scope(x):
    y = 10
    squares = [x * y for x in range(3)]
    return x, squares


@on((Log(), [0, 3, 0, 4]))
def generator_is_lazy(log, xs):
    return any(log(x) for x in xs), next(log(x * y) for x in xs for y in xs if x * y), log


@on([1, 2, 3])
def comprehension_in_loop(xs):
    result = []
    for n in xs:
        result.append([x * n for x in xs if x >= n])
        k = max(x for x in xs) + n
    return result, k


# Functions


@on(3)
def closure(n):
    def add(x):
        return x + n

    n = n * 2
    return add(1)


@on([1, 2, 3])
def nonlocal_counter(xs):
    count = 0

    def note(x):
        nonlocal count
        if x > 1:
            count += x
        return count

    seen = [note(x) for x in xs]
    for x in xs:
        note(x)
    return count, seen


@on([1, 2, 3], [])
def functions_made_in_comprehensions(xs):
    k = 7
    late = [lambda: k for k in xs]
    early = [lambda k=k: k for k in xs]
    pairs = [lambda: (i, j) for i in xs for j in range(i) if (lambda: i + j)() > 1]
    table = {k: lambda v: (v, k, rest) for k, (_, *rest) in enumerate([xs] * 2) if xs}
    sums = [(x * n for x in xs) for n in range(3)]
    nested = [[f() for f in [lambda: [n, m, *[n + 0 for n in range(2)]] for m in range(2)]] for n in range(5, 7)]
    called = [f() for f in (lambda: x for x in xs)]
    return k, [[f() for f in each] for each in (late, early, pairs)], [f(1) for f in table.values()], [*map(sum, sums)], nested, called


@on(5)
def recursion(n):
    def factorial(k):
        if k <= 1:
            return 1
        return k * factorial(k - 1)

    return factorial(n)


@on(3)
def closures_made_in_loop(n):
    functions = []
    for i in range(n):
        k = i * 10
        functions.append(lambda: (i, k))
    return [f() for f in functions]


@on(3)
def closure_reads_loop_variable(n):
    x = 0
    peek = lambda: x  # noqa: E731
    seen = []
    for i in range(n):
        x = x + i
        seen.append(peek())
    while x > 0:
        x -= 1
        if x == 1:
            x = 0
        seen.append(peek())
    return seen


@on(True, False)
def function_made_in_branch(flag):
    if flag:
        def shape(n):
            return n if n < 3 else shape(n - 1)
    else:
        shape = lambda n: -n  # noqa: E731
    return shape(5)


@on((1,), (1, 2), (1, 2, 3, 4))
def star_arguments(first, *rest):
    def show(a, b=5, *args, c=7, **more):
        if more:
            a = sorted(more)
        return a, b, args, c

    return show(first, *rest), show(first, c=1), show(*rest, first, d=2, e=3), show(b=first, a=0)


@on(2)
def default_arguments(n):
    functions = [lambda x, k=k: x * k for k in range(3)]
    def power(x, *, exponent=n + 1):
        return x**exponent

    return [f(5) for f in functions], power(2), power(2, exponent=1)


@on([3, 1, 2])
def key_function(xs):
    sign = -1
    for _ in range(2):
        sign = -sign
        xs = sorted(xs, key=lambda x: x * sign)
    return xs


@on([3, 1, 2])
def mutation_through_function(xs):
    out = []

    def push(x):
        out.append(x)

    for x in xs:
        push(x)
    return out


COUNTER = 0


@on(3, 0)
def global_counter(n):
    global COUNTER
    COUNTER = 0
    for i in range(n):
        if i > 0:
            COUNTER += i
    return COUNTER


@on((2, 3))
def names_of_the_rewriter(body, then):
    state, names, test = 1, 2, 3
    slice = 5
    for item in range(body):
        if item:
            then += item + state
    return body, then, state, names, test, slice, [1, 2][0:1]


@on(1)
def shadows_builtins(x):
    slice, len = [x, 2, 3], 4
    return slice[1:], len


@on(1, 0)
def imports(x):
    if x:
        import math as m
    else:
        import os.path
        from cmath import sqrt

        return sqrt(-1), os.path.sep
    return m.floor(2.5)


@on(4)
def formatted(n):
    text = ""
    for i in range(n):
        text += f"{i if i else 'zero'}:{text[:1]!r:>{i + 3}} "
    return text


def decorated_twice(function):
    return lambda x: function(function(x))


@on(3)
def local_decorator(n):
    @decorated_twice
    def grow(x):
        if x > n:
            return x
        return x * 2

    return grow(2)


@on(3)
def local_class(n):
    class Point:
        size = n

        def __init__(self, x):
            self.x = x if x else self.size

        def moved(self, d):
            for _ in range(d):
                self.x += 1
            return self.x

    return Point(0).moved(2), Point(5).moved(n)


@on(3)
def local_generator(n):
    def count(k):
        for i in range(k):
            if i != 1:
                yield i

    return list(count(n))


# try, with, match


@on(0, 1, "a")
def handles(x):
    try:
        y = 1 / x
    except ZeroDivisionError as error:
        y = str(error)
    except TypeError:
        return "type"
    else:
        y += 1
    finally:
        x = None
    return y, x


@on([1, 0, "a", 4], [1, 2, 9])
def try_in_loop(xs):
    result = []
    for x in xs:
        try:
            if x == 9:
                break
            if x == 1:
                continue
            result.append(8 // x)
        except ZeroDivisionError:
            result.append("zero")
        except TypeError:
            return result, "type"
        else:
            result.append("else")
        finally:
            result.append("finally")
        result.append("after")
    return result


@on(0, 1, 5)
def return_in_try_of_branch(x):
    done = []
    if x < 3:
        try:
            if x == 0:
                return done
            done.append(1 // (x - 1))
        except ZeroDivisionError:
            return "zero", done
        finally:
            done.append("finally")
    return done


@on([1, 2, 0, 4])
def exception_leaves_variables(xs):
    product = 1
    last = None
    try:
        for x in xs:
            last = x
            product = product * 8 // x
            if x > 1:
                product += 1
    except ZeroDivisionError:
        product = -product
    return product, last


@on([1, 0, 2], [0], [3, 1], [0, 3])
def attempts_within_attempts(xs):
    seen, last = [], None
    try:
        for x in xs:
            last = x
            try:
                seen.append(6 // x)
            except ZeroDivisionError as error:
                seen.append(str(error))
                if len(xs) == 1:
                    raise
            else:
                if x == 3:
                    return seen, "early"
    except ArithmeticError as error:
        seen.append((last, type(error).__name__))
    return seen, last


@on(1, 0)
def exception_is_forgotten(x):
    error = "none"
    for _ in range(2):
        try:
            x = 1 / x
        except ZeroDivisionError as error:
            x = len(error.args)
    return x, error


@on(1, 0)
def return_in_with(x):
    with contextlib.nullcontext(x) as y:
        if y:
            return "yes"
        y = 7
        return y


@on(1, 0, -1)
def suppressed(x):
    result = "none"
    with contextlib.suppress(ZeroDivisionError):
        if x >= 0:
            result = 1 / x
            return result
    return "suppressed", result


@on([1, 0, 3, 7, 3])
def suppressed_in_loop(xs):
    result = []
    for x in xs:
        with contextlib.suppress(ZeroDivisionError), contextlib.nullcontext([x]) as (y,):
            if y == 7:
                break
            result.append(6 // y)
            if y == 3:
                continue
            result.append("end")
        result.append("after")
    return result, y


@on(1, 0)
def suppressed_return_at_the_end(x):
    with contextlib.suppress(ZeroDivisionError):
        if x > 5:
            return 5
        return 1 / x


@on("linear", 1, 2, None, "other", -1)
def match_values(kind):
    match kind:
        case "linear":
            return 1
        case 1 | 2 if kind > 1:
            result = "two"
        case None | True:
            result = "none"
        case other:
            result = other
    return result


@on([1], [1, 2], [1, 2, 3], {"a": 3}, 5)
def match_structures(thing):
    for _ in range(2):
        match thing:
            case [x]:
                return x
            case [x, y]:
                thing = [x + y, *thing]
                continue
            case {"a": value} if value > 2:
                thing = value
            case [x, *rest]:
                thing = rest
                break
    return thing


@on((1, 2), (-1, 2), (0, 3), (5, 5), (7, 0))
def match_captures(a, b):
    k = "before"
    match a:
        case 1 | 2:
            r = "few"
        case k if k < 0:
            r = -k
        case 0 as zero if b == 3:
            r = zero
        case a if a > 6:
            r = a * 2
        case _:
            r = None
    match a, b + 1:
        case (0, y) if y > 3:
            r = r, y
        case 1, (3 | 4) as y:
            r = r, y, "three"
        case _, _, _:
            r = "never"
        case [b, a] if a > b:
            match b:
                case w if w < 0:
                    r = r, w
                case w:
                    r = r, a, b, w
        case pair:
            r = r, pair
    return r, a, b


@on(1, 0)
def match_call(x):
    match len([x] * x):
        case 0:
            y = "empty"
        case 1:
            y = "one"
    return y


@on(3)
def raise_in_loop(n):
    for i in range(10):
        if i == n:
            raise IndexError(i)


@on(3)
def error_in_condition(n):
    while n >= 0:
        n -= 1
        if 1 / n > 5 or 2 / n > 5:
            n -= 1
    return n


@on(3)
def error_in_comprehension(n):
    xs = [
        1
        / (
            i
            - 2
        )
        for i in range(n)
    ]
    return xs


@on([1, 2])
def error_in_item(xs):
    i = 0
    while True:
        xs[
            i
        ] += xs[i + 1]
        i += 1


@on(["a"])
def error_in_chain_of_calls(xs):
    return (
        xs
        .copy()
        .index(
            "b"
        )
    )


@on([3, 1])
def error_in_slice(xs):
    return xs[
        0
    ][
        1
    ]


# Numerics


@on((2.0, 1e-9), (10.0, 1e-9))
def newton(a, tolerance):
    x = a
    for _ in range(50):
        step = (x * x - a) / (2 * x)
        x -= step
        if -tolerance < step < tolerance:
            break
    else:
        raise RuntimeError("no convergence")
    return x


@on(([4, 1, 3], 3), ([4, 1, 3], 7))
def bisect(xs, wanted):
    xs = sorted(xs)
    low, high = 0, len(xs)
    while low < high:
        middle = (low + high) // 2
        if xs[middle] == wanted:
            return middle
        if xs[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return -1


@on(20)
def sieve(n):
    prime = [True] * (n + 1)
    for i in range(2, n + 1):
        if not prime[i]:
            continue
        for j in range(i * i, n + 1, i):
            prime[j] = False
    return [i for i in range(2, n + 1) if prime[i]]


class Shape:
    __scale = 2

    def __init__(self, size):
        self.size = size

    def area(self, grow):
        if grow:
            self.size *= self.__scale
        return self.size**2

    @staticmethod
    def __hidden(x):
        return x + 1

    def hidden(self):
        return [self.__hidden(i) for i in range(self.size) if i]


class Square(Shape):
    def area(self, grow):
        result = 0
        for _ in range(2):
            if grow:
                result += super().area(grow)
        return result, __class__.__name__, [super(Square, self).size if False else 1 for _ in range(1)]


@on(True, False)
def methods(grow):
    square = Square(3)
    return square.area(grow), square.hidden(), square.size
