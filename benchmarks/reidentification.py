"""How often hidden faces are recognised: ranks, their uncertainty, and an attacker who learns.

A gallery holds one vector of each of N people and there is one probe of each, in the same order.
The rank of a probe is the number of other people who are more similar to it than the right one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NORMAL_95 = 1.959964
_PENALTIES = np.logspace(-3, 2, 11)
_NO_VARIANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the probes, 0..1, with its 95% interval and the share that guessing would give."""

    value: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """The shares of probes with the right person first, and among the first ten."""

    rank_1: Share
    rank_10: Share


def recognise(probes: Floats, gallery: Floats) -> Recognition:
    """Return how well unit vectors, both of shape (N, D), find their person."""
    return summarise(rank(probes, gallery), len(gallery))


def rank(probes: Floats, gallery: Floats) -> Floats:
    """Return the rank of each probe, shape (N,): 0 is the best; among equals it is halfway."""
    similarities = probes @ gallery.T
    right = np.diag(similarities)[:, np.newaxis]
    better = (similarities > right).sum(axis=1)
    equal = (similarities == right).sum(axis=1) - 1
    ranks: Floats = better + equal / 2
    return ranks


def summarise(ranks: Floats, people: int) -> Recognition:
    """Return the figures of ranks in a gallery of this many people."""
    return Recognition(*(_share(ranks < first, min(1, first / people)) for first in (1, 10)))


def recognise_by_learning(
    features: Floats,
    clean: Floats,
    people: NDArray[np.intp],
    gallery: NDArray[np.intp],
    probes: NDArray[np.intp],
    *,
    hidden_gallery: bool,
) -> Recognition:
    """Return how well an attacker does who has learnt to undo the hiding.

    By ridge regression on half of the people, the attacker learns to predict the vector of a clean
    face from the features of the hidden one, and then recognises the other half; both halves take
    both parts.

    Args:
        features: of each hidden photo, shape (M, F).
        clean: the vector of each photo before it was hidden, shape (M, D).
        people: the number of the person in each photo, 0..N-1, shape (M,).
        gallery: the number of one photo of each person, shape (N,).
        probes: the number of another photo of each person, shape (N,).
        hidden_gallery: whether the gallery is hidden in the same way, or clean.
    """
    ranks = []
    for half in (0, 1):
        taught, tested = people % 2 != half, np.arange(len(gallery)) % 2 == half
        guesses = learn(features[taught], clean[taught], features)
        known = guesses if hidden_gallery else _unit(clean - clean[taught].mean(axis=0))
        ranks.append(rank(guesses[probes[tested]], known[gallery[tested]]))
    return summarise(np.concatenate(ranks), len(gallery) // 2)


def learn(features: Floats, targets: Floats, unknown: Floats) -> Floats:
    """Return what ridge regression predicts for the unknown, centred and of unit length, (K, D).

    The penalty is the one with the smallest leave-one-out error, which has a closed form.

    Args:
        features: of the examples, shape (M, F).
        targets: of the examples, shape (M, D).
        unknown: features, shape (K, F).
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > _NO_VARIANCE, 1 / np.maximum(deviation, _NO_VARIANCE), 0)
    examples, questions = (features - mean) * scale, (unknown - mean) * scale
    centred = targets - targets.mean(axis=0)
    values, axes = np.linalg.eigh(examples @ examples.T)

    def solve(penalty: float) -> tuple[float, Floats]:
        inverse = axes / (values + penalty * values.max()) @ axes.T
        weights = inverse @ centred
        errors = weights / np.diag(inverse)[:, np.newaxis]
        return float((errors**2).sum()), weights

    _, weights = min((solve(penalty) for penalty in _PENALTIES), key=lambda solved: solved[0])
    return _unit(questions @ (examples.T @ weights))


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, _NO_VARIANCE)
    return unit


def _share(hits: NDArray[np.bool_], chance: float) -> Share:
    """Return a share with the interval of E. B. Wilson (1927)."""
    count, value = len(hits), float(hits.mean())
    z_squared = _NORMAL_95**2
    centre = (value + z_squared / (2 * count)) / (1 + z_squared / count)
    spread = value * (1 - value) / count + z_squared / (4 * count**2)
    half = _NORMAL_95 * math.sqrt(spread) / (1 + z_squared / count)
    return Share(value, max(0.0, centre - half), min(1.0, centre + half), chance)
