"""Synthetic face vectors, for groups larger than any set of photos.

They are distributed like the embedder's vectors of 334 people of Labeled Faces in the Wild
(`python -m benchmarks.large_group --pairs` compares the two): a mean of length 0.30, people around
it with a variance of 0.575, and views of one person around that person with a variance of 0.378,
some much farther away than others. Both vary in nearly all directions alike.
"""

import numpy as np
from numpy.typing import NDArray

DIMENSION = 128
_MEAN = 0.30
_BETWEEN = 0.575
_WITHIN = 0.378
_DECAY = 85.0  # of the variance over the directions: the last has a fifth of the first
_VIEWS = 0.31  # the standard deviation of the logarithm of a view's distance


class Population:
    """A population of people, each with any number of random views."""

    def __init__(self, people: int, seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        mean = self._random.normal(size=DIMENSION)
        mean *= _MEAN / np.linalg.norm(mean)
        self._within = self._directions(_WITHIN)
        self._people = mean + self._random.normal(size=(people, DIMENSION)) @ self._directions(
            _BETWEEN
        )

    def views(self, people: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return a new view of each of these people, by number: float32 of shape (n, 128)."""
        noise = self._random.normal(size=(len(people), DIMENSION)) @ self._within
        distances = np.exp(self._random.normal(-(_VIEWS**2), _VIEWS, size=(len(people), 1)))
        vectors = self._people[people] + distances * noise
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def anyone(self, count: int = 1) -> NDArray[np.float32]:
        """Return views of random people, float32 of shape (count, 128)."""
        return self.views(self._random.integers(len(self._people), size=count))

    def _directions(self, variance: float) -> NDArray[np.float64]:
        """Return a random (128, 128) matrix that gives normal vectors this total variance."""
        shares = np.exp(-np.arange(DIMENSION) / _DECAY)
        rotation = np.linalg.qr(self._random.normal(size=(DIMENSION, DIMENSION)))[0]
        scales = np.sqrt(variance * shares / shares.sum())
        return np.asarray(scales[:, np.newaxis] * rotation)
