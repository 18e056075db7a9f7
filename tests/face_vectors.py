"""Vectors that lie like those of faces: made, not measured, for groups larger than any photos here.

The shape is that of the embedder's vectors of 334 people of Labeled Faces in the Wild: a mean of
length 0.916, people scattered around it with a variance of 0.134 and views of one person around him
with 0.058, both as if in some 26 directions.
"""

import numpy as np
from numpy.typing import NDArray

DIMENSION = 128
_MEAN = 0.916
_BETWEEN = 0.134
_WITHIN = 0.058
_DECAY = 13.0  # of the variance, over directions: as many as twice this matter


class Population:
    """People whose faces can be seen again and again."""

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
        vectors = self._people[people] + noise
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def anyone(self, count: int = 1) -> NDArray[np.float32]:
        """Return views of random people, float32 of shape (count, 128)."""
        return self.views(self._random.integers(len(self._people), size=count))

    def _directions(self, variance: float) -> NDArray[np.float64]:
        """Return a random matrix that gives normal numbers this variance in all."""
        shares = np.exp(-np.arange(DIMENSION) / _DECAY)
        rotation = np.linalg.qr(self._random.normal(size=(DIMENSION, DIMENSION)))[0]
        scales = np.sqrt(variance * shares / shares.sum())
        return np.asarray(scales[:, np.newaxis] * rotation)
