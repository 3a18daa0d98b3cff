"""Value of a book of European options, one option at a time with the functions of `math`.

Method: Black and Scholes (1973); Hull, Options, Futures, and Other Derivatives, chapter 15.
"""

import math

import numpy as np

ARGNUMS = (0, 1, 3, 4)
SMOOTH = True
NUMBA = True


def normal_cdf(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def price(spot, strike, years, rate, volatility, is_call):
    """Return what one call or put is worth today."""
    deviation = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + 0.5 * volatility**2) * years) / deviation
    d2 = d1 - deviation
    discounted = strike * math.exp(-rate * years)
    if is_call:
        return spot * normal_cdf(d1) - discounted * normal_cdf(d2)
    return discounted * normal_cdf(-d2) - spot * normal_cdf(-d1)


def program(spots, strikes, years, rate, volatilities, calls):
    """Return the prices of shape (n,); `calls` holds True for a call and False for a put."""
    prices = np.empty(len(spots))
    for i in range(len(spots)):
        prices[i] = price(spots[i], strikes[i], years[i], rate, volatilities[i], calls[i])
    return prices


def loss(spots, strikes, years, rate, volatilities, calls):
    prices = program(spots, strikes, years, rate, volatilities, calls)
    return np.cos(np.arange(prices.size)) @ prices


def problem(rng, n):
    return (
        rng.uniform(80.0, 120.0, n),
        rng.uniform(80.0, 120.0, n),
        rng.uniform(0.2, 2.0, n),
        0.03,
        rng.uniform(0.1, 0.5, n),
        rng.random(n) < 0.5,
    )


def arguments(rng):
    return problem(rng, 8)


def large_arguments(rng):
    return problem(rng, 100_000)
