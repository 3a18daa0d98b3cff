"""Reprojection residuals of points seen by several cameras.

Method: Triggs et al., Bundle Adjustment: A Modern Synthesis (2000); rotation vectors by the
formula of Rodrigues (1840).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True


def rotate(vector, point):
    """Turn `point` about the axis `vector` by the angle of its length."""
    angle = np.sqrt(np.dot(vector, vector))
    axis = vector / angle
    along = np.dot(axis, point) * (1.0 - np.cos(angle))
    return point * np.cos(angle) + np.cross(axis, point) * np.sin(angle) + axis * along


def project(camera, point):
    """Return the pixel of `point` in a camera of rotation, shift, focal length and distortion."""
    x, y, z = rotate(camera[:3], point) + camera[3:6]
    focal, k1, k2 = camera[6:]
    u, v = x / z, y / z
    r2 = u * u + v * v
    distortion = 1.0 + k1 * r2 + k2 * r2**2
    return focal * distortion * u, focal * distortion * v


def program(cameras, points, camera_of, point_of, pixels):
    """Return residuals of shape (observations, 2) for cameras of shape (c, 9)."""
    residuals = np.empty_like(pixels)
    for i in range(len(pixels)):
        u, v = project(cameras[camera_of[i]], points[point_of[i]])
        residuals[i, 0] = u - pixels[i, 0]
        residuals[i, 1] = v - pixels[i, 1]
    return residuals


def loss(cameras, points, camera_of, point_of, pixels):
    return 0.5 * np.sum(program(cameras, points, camera_of, point_of, pixels) ** 2)


def problem(rng, cameras, points, observations):
    rows = np.empty((cameras, 9))
    rows[:, :3] = 0.3 + 0.1 * rng.normal(size=(cameras, 3))
    rows[:, 3:6] = [0.0, 0.0, 5.0] + 0.1 * rng.normal(size=(cameras, 3))
    rows[:, 6:] = [1.5, 0.1, 0.01] + 0.01 * rng.normal(size=(cameras, 3))
    return (
        rows,
        rng.normal(size=(points, 3)),
        rng.integers(cameras, size=observations),
        rng.integers(points, size=observations),
        rng.normal(size=(observations, 2)),
    )


def arguments(rng):
    return problem(rng, 2, 4, 7)


def large_arguments(rng):
    return problem(rng, 20, 1000, 10_000)
