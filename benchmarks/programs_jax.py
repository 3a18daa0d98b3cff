"""The losses of `tests/programs` as somebody who knows JAX would write them.

In: the arguments of a program's loss; Python ints and strings are static.  Out: the same loss.
Loops are `scan` or `fori_loop` with static counts, because JAX cannot reverse through a `while_loop`;
where the count depends on data the root is found without derivatives and one Newton step adds
the first ones, or a solver with implicit derivatives is used, or idle steps fill up a fixed count.  What
JAX has ready (factorisations, FFT, convolution) is used.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_enable_x64", True)


def weighted(x: jax.Array) -> jax.Array:
    """Return the weighted sum that most programs have as their loss."""
    return jnp.vdot(jnp.cos(jnp.arange(x.size)), x)


def repeat(function: Callable, count: int, state):
    """Return `function` applied `count` times to `state`."""
    return lax.fori_loop(0, count, lambda _, state: function(state), state)


def jacobi_stencil(u, f, sweeps):
    h2 = 1.0 / (u.shape[0] - 1) ** 2

    def sweep(u):
        neighbours = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        return u.at[1:-1, 1:-1].set(0.25 * (neighbours + h2 * f[1:-1, 1:-1]))

    return weighted(repeat(sweep, sweeps, u) ** 2)


def gauss_seidel(u, f, omega, sweeps):
    h2 = 1.0 / (u.shape[0] - 1) ** 2

    def relax_row(above, rows):
        row, below, source = rows

        def relax(left, column):
            up, down, centre, right, source = column
            new = centre + 0.25 * omega * (up + down + left + right - 4.0 * centre + h2 * source)
            return new, new

        columns = above[1:-1], below[1:-1], row[1:-1], row[2:], source[1:-1]
        _, inner = lax.scan(relax, row[0], columns)
        row = row.at[1:-1].set(inner)
        return row, row

    def sweep(u):
        _, inner = lax.scan(relax_row, u[0], (u[1:-1], u[2:], f[1:-1]))
        return u.at[1:-1].set(inner)

    u = repeat(sweep, sweeps, u)
    neighbours = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
    return jnp.sum((neighbours - 4.0 * u[1:-1, 1:-1] + h2 * f[1:-1, 1:-1]) ** 2)


def heat_2d(u, k, dt, steps):
    def step(u, _):
        down = 0.5 * (k[1:] + k[:-1]) * jnp.diff(u, axis=0)
        right = 0.5 * (k[:, 1:] + k[:, :-1]) * jnp.diff(u, axis=1)
        rate = jnp.diff(jnp.pad(down, ((1, 1), (0, 0))), axis=0)
        rate += jnp.diff(jnp.pad(right, ((0, 0), (1, 1))), axis=1)
        u = u + dt * rate
        return u, u[0, 0]

    u, history = lax.scan(step, u, length=steps)
    return weighted(u**2) + jnp.mean(history)


def heat_3d(u, alpha, steps):
    inside = slice(1, -1), slice(1, -1), slice(1, -1)

    def step(u):
        x = u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1]
        y = u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
        z = u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2]
        return u.at[inside].add(alpha * (x + y + z - 6.0 * u[inside]))

    return weighted(repeat(step, 2 * (steps // 2), u))


def burgers_limiter(u, dx, t_end, limiter):
    def slopes(u):
        left = u - jnp.roll(u, 1)
        right = jnp.roll(u, -1) - u
        smaller = jnp.where(jnp.abs(left) < jnp.abs(right), left, right)
        return jnp.where(left * right > 0.0, smaller, 0.0)

    def step(state):
        u, t = state
        dt = jnp.clip(t_end - t, 0.0, 0.4 * dx / jnp.max(jnp.abs(u)))
        half = 0.5 * slopes(u)
        left, right = u + half, jnp.roll(u - half, -1)
        flux = 0.5 * jnp.maximum(jnp.maximum(left, 0.0) ** 2, jnp.minimum(right, 0.0) ** 2)
        return u - dt / dx * (flux - jnp.roll(flux, 1)), t + dt

    assert limiter == "minmod"
    u, _ = repeat(step, u.size, (u, 0.0))
    return weighted(u)


def euler_shock_tube(q, gamma, ratio, steps):
    def step(q):
        density, momentum, energy = q.T
        velocity = momentum / density
        pressure = (gamma - 1.0) * (energy - 0.5 * momentum * velocity)
        speed = jnp.abs(velocity) + jnp.sqrt(gamma * pressure / density)
        flux = jnp.stack([momentum, momentum * velocity + pressure, velocity * (energy + pressure)], axis=1)
        fastest = jnp.maximum(speed[:-1], speed[1:])[:, None]
        face = 0.5 * (flux[:-1] + flux[1:]) - 0.5 * fastest * (q[1:] - q[:-1])
        return q.at[1:-1].add(-ratio * (face[1:] - face[:-1]))

    return weighted(repeat(step, steps, q)[:, 0])


def lattice_boltzmann(f, relaxation, steps):
    cx = jnp.array([0, 1, 0, -1, 0, 1, -1, -1, 1.0])
    cy = jnp.array([0, 0, 1, 0, -1, 1, 1, -1, -1.0])
    shifts = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
    weights = jnp.array([4 / 9] + 4 * [1 / 9] + 4 * [1 / 36])[:, None, None]

    def moments(f):
        density = f.sum(axis=0)
        return density, jnp.tensordot(cx, f, 1) / density, jnp.tensordot(cy, f, 1) / density

    def step(f):
        density, ux, uy = moments(f)
        along = cx[:, None, None] * ux + cy[:, None, None] * uy
        equilibrium = weights * density * (1 + 3 * along + 4.5 * along**2 - 1.5 * (ux**2 + uy**2))
        f = f + relaxation * (equilibrium - f)
        return jnp.stack([jnp.roll(f[i], shift, axis=(0, 1)) for i, shift in enumerate(shifts)])

    density, ux, uy = moments(repeat(step, steps, f))
    return weighted(density * (ux**2 - uy))


def thomas(u, k, dt, steps):
    face = jnp.pad(0.25 * dt * (k[1:] + k[:-1]), 1)
    lower, upper, diagonal = -face[:-1], -face[1:], 1.0 + face[:-1] + face[1:]

    def step(u):
        right = (2.0 - diagonal) * u - lower * jnp.roll(u, 1) - upper * jnp.roll(u, -1)
        return lax.linalg.tridiagonal_solve(lower, diagonal, upper, right[:, None])[:, 0]

    return weighted(repeat(step, steps, u))


def gram_schmidt(A):
    Q, R = jnp.linalg.qr(A)
    signs = jnp.sign(jnp.diag(R))
    return weighted(Q * signs) + jnp.sum(jnp.log(jnp.abs(jnp.diag(R))))


def lu_solve(A, b):
    return weighted(jnp.linalg.solve(A, b))


def cholesky(A, y):
    lower = jnp.tril(A)
    L = jnp.linalg.cholesky(lower + jnp.tril(A, -1).T, symmetrize_input=False)
    z = jax.scipy.linalg.solve_triangular(L, y, lower=True)
    return 0.5 * z @ z + jnp.log(jnp.diag(L)).sum() + 0.5 * y.size * jnp.log(2.0 * jnp.pi)


def triangular_solve(L, B):
    Y = jax.scipy.linalg.solve_triangular(L, B, lower=True)
    return jnp.trace(jax.scipy.linalg.solve_triangular(L, Y, lower=True, trans=1))


def householder_qr(A, b):
    Q, R = jnp.linalg.qr(A)
    return weighted(jax.scipy.linalg.solve_triangular(R, Q.T @ b))


def jacobi_eigenvalues(A, tolerance):
    return weighted(jnp.linalg.eigvalsh(0.5 * (A + A.T)))


def conjugate_gradient(A, b, damping, tolerance):
    def normal(x):
        return A.T @ (A @ x) + damping * x

    x, _ = jax.scipy.sparse.linalg.cg(normal, A.T @ b, tol=0.0, atol=tolerance)
    return weighted(x)


def backwards(x, k):
    """Return x[k - 1], ..., x[0], followed by zeros, for a traced `k`."""
    index = jnp.arange(x.size)
    return jnp.where(index < k, x[(k - 1 - index) % x.size], 0.0)


def durbin(r):
    def step(k, state):
        y, alpha, beta = state
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + backwards(r, k) @ y) / beta
        return (y + alpha * backwards(y, k)).at[k].set(alpha), alpha, beta

    start = jnp.zeros_like(r).at[0].set(-r[0]), -r[0], 1.0
    y, _, _ = lax.fori_loop(1, r.size, step, start)
    return weighted(y)


def levinson(r, b):
    lags = jnp.roll(r, -1)

    def step(k, state):
        x, predictor, error = state
        reflection = -(r[k] + predictor @ backwards(r, k)) / error
        predictor = predictor + reflection * backwards(predictor, k - 1)
        predictor = predictor.at[k - 1].set(reflection)
        error *= 1.0 - reflection**2
        gap = (b[k] - x @ backwards(lags, k)) / error
        return (x + gap * backwards(predictor, k)).at[k].set(gap), predictor, error

    start = jnp.zeros_like(b).at[0].set(b[0] / r[0]), jnp.zeros_like(b), r[0]
    x, _, _ = lax.fori_loop(1, b.size, step, start)
    return weighted(x)


def sparse_matvec(values, columns, row_starts, x, repeats):
    rows = jnp.searchsorted(row_starts, jnp.arange(values.size), side="right") - 1

    def step(x):
        return jnp.tanh(jax.ops.segment_sum(values * x[columns], rows, x.size, indices_are_sorted=True))

    return weighted(repeat(step, repeats, x))


def pagerank(links, damping, tolerance):
    n = links.shape[0]
    transition = links.T / links.sum(axis=1)
    right = jnp.full(n, (1.0 - damping) / n)

    def flow_out(rank):
        return rank - damping * (transition @ rank)

    rank, _ = jax.scipy.sparse.linalg.bicgstab(flow_out, right, tol=0.0, atol=tolerance)
    return weighted(rank)


def nbody(x, v, masses, dt, steps):
    def accelerations(x):
        d = x[None, :, :] - x[:, None, :]
        return jnp.einsum("ijk,ij,j->ik", d, (jnp.sum(d * d, axis=-1) + 0.05) ** -1.5, masses)

    def step(state):
        x, v = state
        x = x + dt * v
        return x, v + dt * accelerations(x)

    x, v = repeat(step, steps, (x, v + 0.5 * dt * accelerations(x)))
    v = v - 0.5 * dt * accelerations(x)
    centre = masses @ x / masses.sum()
    return jnp.sum(masses * jnp.sum((x - centre) ** 2, axis=1)) + jnp.sum(v[0] * v[1])


def lennard_jones(positions, epsilon, sigma, box, cutoff):
    def energy(r2):
        s6 = (sigma * sigma / r2) ** 3
        return 4.0 * epsilon * (s6 * s6 - s6)

    i, j = jnp.triu_indices(len(positions), k=1)
    d = positions[i] - positions[j]
    r2 = jnp.sum((d - box * jnp.round(d / box)) ** 2, axis=1)
    return jnp.sum(jnp.where(r2 > cutoff**2, 0.0, energy(r2) - energy(cutoff**2)))


def runge_kutta_adaptive(y0, mu, t_end, tolerance):
    most_steps = 4000

    def rate(y):
        return jnp.array([y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]])

    def attempt(state):
        t, h, y, k1 = state
        h = jnp.minimum(h, t_end - t)
        k2 = rate(y + h * (0.5 * k1))
        k3 = rate(y + h * (0.75 * k2))
        y_new = y + h * (2.0 * k1 + 3.0 * k2 + 4.0 * k3) / 9.0
        k4 = rate(y_new)
        difference = h * (-5.0 * k1 / 72.0 + k2 / 12.0 + k3 / 9.0 - k4 / 8.0)
        error = jnp.sqrt(jnp.mean((difference / (1.0 + jnp.abs(y_new))) ** 2)) / tolerance
        accepted = jax.tree.map(partial(jnp.where, error <= 1.0), (t + h, y_new, k4), (t, y, k1))
        return accepted[0], h * jnp.clip(0.9 * error ** (-1.0 / 3.0), 0.2, 4.0), *accepted[1:]

    def step(state, _):
        return lax.cond(t_end - state[0] > 1e-12, attempt, lambda state: state, state), None

    (_, _, y, _), _ = lax.scan(step, (0.0, 0.05, y0, rate(y0)), length=most_steps)
    return y[0] ** 2 + 0.5 * y[1]


def lotka_volterra(rates, start, counts, dt, substeps):
    birth, predation, growth, death = rates

    def change(state):
        prey, predators = state
        return jnp.array([prey * (birth - predation * predators), predators * (growth * prey - death)])

    def step(state):
        k1 = change(state)
        k2 = change(state + 0.5 * dt * k1)
        k3 = change(state + 0.5 * dt * k2)
        k4 = change(state + dt * k3)
        return state + dt / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)

    def year(state, observed):
        state = repeat(step, substeps, state)
        return state, jnp.sum((jnp.log(state) - jnp.log(observed)) ** 2)

    _, misfits = lax.scan(year, start, counts)
    return misfits.sum() / counts.size


def cloud_in_cell(positions, charges, cells):
    place = positions * cells
    left = jnp.floor(place).astype(int)
    fraction = place - left
    density = jnp.zeros(cells).at[left % cells].add(charges * (1.0 - fraction))
    density = density.at[(left + 1) % cells].add(charges * fraction)
    field = jnp.cumsum(density - density.mean()) / cells
    return 0.5 * jnp.sum((field - field.mean()) ** 2)


def escape_time(centre_x, centre_y, width, pixels, limit):
    offset = width * ((jnp.arange(pixels) + 0.5) / pixels - 0.5)
    cx, cy = (centre_x + offset)[None, :], (centre_y + offset)[:, None]

    def step(state):
        x, y, count = state
        inside = x * x + y * y < 1e4
        new = x * x - y * y + cx, 2.0 * x * y + cy, count + 1
        return jax.tree.map(partial(jnp.where, inside), new, state)

    zero = jnp.zeros((pixels, pixels))
    x, y, count = repeat(step, limit, (zero, zero, zero.astype(int)))
    escaped = count < limit
    r2 = jnp.where(escaped, x * x + y * y, 1e4)
    smooth = count + 1.0 - jnp.log2(0.5 * jnp.log(r2))
    return jnp.mean(jnp.exp(-0.2 * jnp.where(escaped, smooth, float(limit))))


def kalman_filter(observations, F, Q, R, H):
    def step(state, z):
        mean, covariance = state
        mean = F @ mean
        covariance = F @ covariance @ F.T + Q
        innovation = z - H @ mean
        S = H @ covariance @ H.T + R
        gain = jnp.linalg.solve(S, H @ covariance).T
        whitened = jnp.linalg.solve(S, innovation)
        score = -0.5 * (innovation @ whitened + jnp.log(jnp.linalg.det(2.0 * jnp.pi * S)))
        return (mean + gain @ innovation, covariance - gain @ S @ gain.T), score

    n = F.shape[0]
    _, scores = lax.scan(step, (jnp.zeros(n), jnp.eye(n)), observations)
    return scores.sum()


def hmm_forward(start, transition, emission, symbols):
    A, B = jax.nn.softmax(transition), jax.nn.softmax(emission)

    def step(alpha, symbol):
        scale = alpha.sum()
        return (alpha / scale) @ A * B[:, symbol], jnp.log(scale)

    alpha, scales = lax.scan(step, jax.nn.softmax(start) * B[:, symbols[0]], symbols[1:])
    return scales.sum() + jnp.log(alpha.sum())


def viterbi(transition, scores):
    def forward(best, score):
        options = best[:, None] + transition
        return options.max(axis=0) + score, options.argmax(axis=0)

    best, came_from = lax.scan(forward, scores[0], scores[1:])
    first, _ = lax.scan(lambda state, row: (row[state], None), best.argmax(), came_from, reverse=True)
    return best.max() * (1.0 + 0.1 * first)


def lstm(params, xs, targets):
    def step(state, pair):
        h, c = state
        x, target = pair
        gates = x @ params["input"] + h @ params["recurrent"] + params["bias"]
        i, f, g, o = jnp.split(gates, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), jnp.sum((h @ params["output"] - target) ** 2)

    zero = jnp.zeros(params["recurrent"].shape[0])
    _, errors = lax.scan(step, (zero, zero), (xs, targets))
    return errors.sum() / targets.size


def moving_average(x, alpha, window):
    sums = jnp.concatenate([jnp.zeros(1), jnp.cumsum(x)])
    means = (sums[window:] - sums[:-window]) / window

    def step(level, value):
        new = level + alpha * (value - level)
        return new, (new, (value - level) ** 2)

    _, (levels, errors) = lax.scan(step, means[0], means[1:])
    smooth = jnp.concatenate([means[:1], levels])
    return weighted(smooth) + errors.sum() / smooth.size


def soft_edit_distance(a, b, gap, gamma):
    substitutions = jnp.sum((a[:, None, :] - b[None, :, :]) ** 2, axis=-1)

    def fill_row(above, row):
        def fill(left, entry):
            up, diagonal, substitution = entry
            choices = jnp.stack([up + gap, left + gap, diagonal + substitution])
            new = -gamma * jax.nn.logsumexp(-choices / gamma)
            return new, new

        first = above[0] + gap
        _, rest = lax.scan(fill, first, (above[1:], above[:-1], row))
        return jnp.concatenate([first[None], rest]), None

    last, _ = lax.scan(fill_row, gap * jnp.arange(len(b) + 1), substitutions)
    return last[-1]


def dynamic_time_warping(a, b, band):
    n, m = len(a), len(b)
    width = 2 * band + 1

    def fill_row(above, row):
        i, value = row
        centre = i * m // n
        columns = centre - band + jnp.arange(width)
        inside = (columns >= 1) & (columns <= m)
        distances = jnp.where(inside, (value - b[jnp.clip(columns - 1, 0, m - 1)]) ** 2, jnp.inf)
        window = lax.dynamic_slice(above, (centre,), (width + 1,))

        def fill(left, entry):
            up, diagonal, distance = entry
            new = distance + jnp.minimum(jnp.minimum(up, left), diagonal)
            return new, new

        _, filled = lax.scan(fill, jnp.inf, (window[1:], window[:-1], distances))
        return lax.dynamic_update_slice(jnp.full_like(above, jnp.inf), filled, (centre + 1,)), None

    # Entry j of a row stands at j + band + 1, so that the band never leaves the array.
    first = jnp.full(m + width + 2, jnp.inf).at[band + 1].set(0.0)
    last, _ = lax.scan(fill_row, first, (jnp.arange(1, n + 1), a))
    return jnp.sqrt(last[m + band + 1])


def black_scholes(spots, strikes, years, rate, volatilities, calls):
    cdf = jax.scipy.stats.norm.cdf
    deviation = volatilities * jnp.sqrt(years)
    d1 = (jnp.log(spots / strikes) + (rate + 0.5 * volatilities**2) * years) / deviation
    sign = jnp.where(calls, 1.0, -1.0)
    discounted = strikes * jnp.exp(-rate * years)
    return weighted(sign * (spots * cdf(sign * d1) - discounted * cdf(sign * (d1 - deviation))))


def bundle_adjustment(cameras, points, camera_of, point_of, pixels):
    def residual(camera, point, pixel):
        angle = jnp.sqrt(camera[:3] @ camera[:3])
        axis = camera[:3] / angle
        turned = (
            point * jnp.cos(angle) + jnp.cross(axis, point) * jnp.sin(angle) + axis * (axis @ point) * (1.0 - jnp.cos(angle))
        )
        x, y, z = turned + camera[3:6]
        uv = jnp.array([x, y]) / z
        r2 = uv @ uv
        return camera[6] * (1.0 + camera[7] * r2 + camera[8] * r2**2) * uv - pixel

    return 0.5 * jnp.sum(jax.vmap(residual)(cameras[camera_of], points[point_of], pixels) ** 2)


def gaussian_mixture(params, points):
    log_weights, means, log_diagonals, triangles = params
    n, d = points.shape
    rows, columns = jnp.tril_indices(d, k=-1)

    def scores(log_weight, mean, log_diagonal, triangle):
        L = jnp.diag(jnp.exp(log_diagonal)).at[rows, columns].set(triangle)
        return log_weight + log_diagonal.sum() - 0.5 * jnp.sum(((points - mean) @ L.T) ** 2, axis=1)

    likelihoods = jax.nn.logsumexp(jax.vmap(scores)(log_weights, means, log_diagonals, triangles), axis=0)
    return likelihoods.sum() - n * (jax.nn.logsumexp(log_weights) + 0.5 * d * jnp.log(2.0 * jnp.pi))


def cubic_spline(x, y, places):
    n = x.size
    h = jnp.diff(x)
    bends = 6.0 * jnp.diff(jnp.diff(y) / h)
    matrix = jnp.diag(2.0 * (h[:-1] + h[1:])) + jnp.diag(h[1:-1], 1) + jnp.diag(h[1:-1], -1)
    m = jnp.zeros(n).at[1:-1].set(jnp.linalg.solve(matrix, bends))

    low = jnp.clip(jnp.searchsorted(x, places, side="right") - 1, 0, n - 2)
    width = h[low]
    a, b = (x[low + 1] - places) / width, (places - x[low]) / width
    bend = (a**3 - a) * m[low] + (b**3 - b) * m[low + 1]
    return weighted(a * y[low] + b * y[low + 1] + bend * width**2 / 6.0)


def conv2d(images, filters, bias, stride):
    response = lax.conv(images, filters, (stride, stride), "VALID") + bias[:, None, None]
    return weighted(jax.nn.relu(response) ** 2)


def attention(params, x):
    heads = 2
    batch, length, width = x.shape

    def split(x):
        return x.reshape(batch, length, heads, width // heads)

    q, k, v = (split(x @ params[name]) for name in ("query", "key", "value"))
    scores = jnp.einsum("bihd,bjhd->bhij", q, k) / jnp.sqrt(width // heads)
    scores = jnp.where(jnp.tri(length, dtype=bool), scores, -jnp.inf)
    mixed = jnp.einsum("bhij,bjhd->bihd", jax.nn.softmax(scores), v).reshape(x.shape)
    return weighted(x + mixed @ params["out"])


def multilayer_perceptron(layers, x, labels):
    h = x
    for w, b in layers[:-1]:
        h = jnp.tanh(h @ w + b)
    w, b = layers[-1]
    log_probabilities = jax.nn.log_softmax(h @ w + b)
    penalty = sum(jnp.sum(w**2) for w, _ in layers)
    return -log_probabilities[jnp.arange(len(labels)), labels].mean() + 1e-3 * penalty


def sinkhorn(x, y, mass, regularisation, iterations):
    cost = jnp.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)
    K = jnp.exp(-cost / regularisation)
    target = mass.sum() / len(y)

    def scale(state):
        _, v = state
        u = mass / (K @ v)
        return u, target / (K.T @ u)

    u, v = repeat(scale, iterations, (jnp.ones(len(x)), jnp.ones(len(y))))
    return jnp.sum(u[:, None] * K * v * cost)


def line_search(w, x, signs, ridge, steps):
    def objective(w, x, ridge):
        return jnp.mean(jnp.log1p(jnp.exp(-signs * (x @ w)))) + 0.5 * ridge * (w @ w)

    def step(w):
        value, g = jax.value_and_grad(objective)(w, x, ridge)
        fixed = lax.stop_gradient((w, x, ridge, value, g))

        def too_long(rate):
            w, x, ridge, value, g = fixed
            return objective(w - rate * g, x, ridge) > value - 0.3 * rate * (g @ g)

        return w - lax.while_loop(too_long, lambda rate: 0.5 * rate, 8.0) * g

    return weighted(repeat(step, steps, w))


def kepler_newton(mean_anomalies, eccentricities):
    def newton(E, M, e):
        return E - (E - e * jnp.sin(E) - M) / (1.0 - e * jnp.cos(E))

    fixed = lax.stop_gradient((mean_anomalies, eccentricities))

    def refine(state):
        E, _ = state
        new = newton(E, *fixed)
        return new, jnp.max(jnp.abs(new - E))

    E, _ = lax.while_loop(lambda state: state[1] > 1e-8, refine, (fixed[0], jnp.inf))
    E = newton(E, mean_anomalies, eccentricities)
    x = jnp.cos(E) - eccentricities
    y = jnp.sqrt(1.0 - eccentricities**2) * jnp.sin(E)
    return weighted(jnp.stack([x, y], axis=1))


def colebrook_bisection(reynolds, roughness, tolerance):
    def mismatch(s, reynolds, roughness):
        return s + 2.0 * jnp.log10(roughness / 3.7 + 2.51 * s / reynolds)

    fixed = lax.stop_gradient((reynolds, roughness))

    def halve(bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        above = mismatch(middle, *fixed) > 0.0
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    start = jnp.full_like(reynolds, 1.0), jnp.full_like(reynolds, 20.0)
    low, high = lax.while_loop(lambda bracket: jnp.max(bracket[1] - bracket[0]) > tolerance, halve, start)
    s = 0.5 * (low + high)
    slope = 1.0 + 5.02 / (reynolds * (roughness / 3.7 + 2.51 * s / reynolds) * jnp.log(10.0))
    s = s - mismatch(s, reynolds, roughness) / slope
    return weighted(1.0 / s**2)


def horner(coefficients, x, steps):
    def step(x):
        value, slope = jnp.zeros_like(x), jnp.zeros_like(x)
        for c in coefficients[::-1]:
            value, slope = value * x + c, slope * x + value
        return x - value * slope / (slope**2 + 1.0)

    return weighted(repeat(step, steps, x))


def exponential_integral(n, x):
    return weighted(jax.scipy.special.expn(n, x))


def fft_radix2(re, im):
    spectrum = jnp.fft.fft(re + 1j * im)
    return weighted(spectrum.real**2 + spectrum.imag**2)


def floyd_warshall(distance):
    def relax(k, distance):
        return jnp.minimum(distance, distance[:, k, None] + distance[k])

    return lax.fori_loop(0, len(distance), relax, distance).mean()


def matrix_chain(sizes):
    n = sizes.size - 1
    k = jnp.arange(n)
    i = k[:, None]

    def lengthen(length, cost):
        j = jnp.minimum(i + length - 1, n - 1)
        product = sizes[:-1, None] * sizes[1:] * sizes[j + 1]
        candidates = cost + cost.T[j[:, 0]][:, jnp.minimum(k + 1, n - 1)] + product
        valid = (k >= i) & (k < j) & (i + length <= n)
        best = jnp.min(jnp.where(valid, candidates, jnp.inf), axis=1)
        return cost.at[k, j[:, 0]].set(jnp.where(i[:, 0] + length <= n, best, cost[k, j[:, 0]]))

    return lax.fori_loop(2, n + 1, lengthen, jnp.zeros((n, n)))[0, n - 1]


def trapezoid_refinement(decay, frequency, a, b, tolerance):
    """The number of points depends on the data: the derivatives go forward, through a loop over masked chunks of points."""
    chunk = 1024

    def integrate(decay, frequency, a, b):
        def integrand(x):
            return jnp.exp(-decay * x * x) * jnp.cos(frequency * x)

        def add_points(first, h, count):
            def add_chunk(k, total):
                i = k * chunk + jnp.arange(chunk)
                return total + jnp.sum(jnp.where(i < count, integrand(first + i * h), 0.0))

            return lax.fori_loop(0, (count + chunk - 1) // chunk, add_chunk, 0.0)

        def refine(state):
            n, h, total, coarse, extrapolated, _ = state
            total += add_points(a + 0.5 * h, h, n)
            fine = 0.5 * h * total
            better = fine + (fine - coarse) / 3.0
            return 2 * n, 0.5 * h, total, fine, better, jnp.abs(better - extrapolated)

        h = (b - a) / 4
        total = 0.5 * (integrand(a) + integrand(b)) + jnp.sum(integrand(a + jnp.arange(1, 4) * h))
        start = (4, h, total, total * h, total * h, jnp.inf)
        return lax.while_loop(lambda state: state[-1] > tolerance, refine, start)[4]

    def with_slopes(*arguments):
        return jax.vmap(lambda t: jax.jvp(integrate, arguments, tuple(t)), out_axes=(None, 0))(jnp.eye(4))

    integral = jax.custom_vjp(integrate)
    integral.defvjp(with_slopes, lambda slopes, cotangent: tuple(cotangent * slopes))
    return integral(decay, frequency, a, b)


def alternating_directions(steps, n, u):
    """Thomas's elimination scans over the columns; the pivots are the same for every row."""
    ratio = 0.4

    def half_step(old, border):
        def eliminate(before, explicit):
            upper, right = before
            pivot = 1.0 + 2.0 * ratio - ratio * upper
            now = ratio / pivot, (explicit + ratio * right) / pivot
            return now, now

        def substitute(after, column):
            upper, right = column
            now = upper * after + right
            return now, now

        explicit = old[1:-1, 1:-1] + ratio * (old[:-2, 1:-1] - 2.0 * old[1:-1, 1:-1] + old[2:, 1:-1])
        start = jnp.zeros(n - 2), border[1:-1, 0]
        _, factors = lax.scan(eliminate, start, explicit)
        _, columns = lax.scan(substitute, border[1:-1, -1], factors, reverse=True)
        return border.at[1:-1, 1:-1].set(columns.T)

    def step(u):
        between = half_step(u, u.T)
        return half_step(between, between.T)

    return jnp.sum(jnp.cos(jnp.arange(n)) * repeat(step, steps, u) ** 2)


def clustering(points):
    clusters, rounds = 3, 4
    places, moves = points[:clusters], []
    for _ in range(rounds):
        squares = jnp.sum((points[None] - places[:, None]) ** 2, axis=2)
        member = jax.nn.one_hot(jnp.argmin(squares, axis=0), clusters, axis=0)
        new = member @ points / jnp.maximum(member.sum(axis=1), 1.0)[:, None]
        moves.append(jnp.max(jnp.linalg.norm(new - places, axis=1)))
        places = new
    places = places[jnp.argsort(places[:, 0])]
    return jnp.sum(places * jnp.arange(1.0, places.size + 1).reshape(places.shape)) + 0.1 * (moves[0] + moves[1])


def residual_network(params, x):
    depth = sum(name.startswith("w") for name in params)
    h, squares, before = x, 0.0, 0.0
    for k in range(depth):
        z = h @ params[f"w{k}"] + params[f"b{k}"] + before * params.get(f"gate{k}", 0.5)
        squares += jnp.mean(z**2)
        h, before = jnp.tanh(z), z
    return jnp.sum(z * jnp.arange(1.0, z.size + 1).reshape(z.shape)) + squares
