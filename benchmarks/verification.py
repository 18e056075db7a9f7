"""How well distances distinguish pairs of one person from pairs of two: the usual figures.

A pair is accepted as the same person if its distance is at most a threshold. A pair that could not
be judged has the distance infinity: it is never accepted, and so counts as an error if the person
is the same. Accuracy is the mean of the shares of right answers among the same and among the
different pairs, so that their numbers do not matter; with equal numbers it is plain accuracy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 10

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """The receiver operating characteristic, from accepting none of the pairs to accepting all.

    Attributes:
        thresholds: ascending, from -inf to inf.
        tar: share of the same pairs accepted at each threshold (true accept rate).
        far: share of the different pairs accepted at each threshold (false accept rate).
    """

    thresholds: Floats
    tar: Floats
    far: Floats

    @classmethod
    def of(cls, distances: Floats, same: Bools) -> "Roc":
        """Return the curve of pairs, at least one of them same and one different."""
        thresholds = np.unique([-np.inf, *distances, np.inf])
        return cls(
            thresholds,
            tar=_share_within(distances[same], thresholds),
            far=_share_within(distances[~same], thresholds),
        )

    def best_threshold(self) -> float:
        """Return the threshold with the highest accuracy, halfway between two distances."""
        accuracies = (self.tar + 1 - self.far) / 2
        best = np.flatnonzero(accuracies == accuracies.max())
        middle = best[(len(best) - 1) // 2]  # never the last: accepting none is as good as all
        low, high = self.thresholds[middle : middle + 2]
        return float((low + high) / 2 if np.isfinite([low, high]).all() else low)

    def at_far(self, limit: float) -> tuple[float, float]:
        """Return the true accept rate and the threshold at the highest `far` within a limit."""
        last = int(np.searchsorted(self.far, limit, side="right")) - 1
        return float(self.tar[last]), float(self.thresholds[last])

    def equal_error_rate(self) -> float:
        """Return the share of same pairs refused where as large a share of others is accepted."""
        excess = self.far - (1 - self.tar)  # rises from -1 to 1
        after = int(np.argmax(excess >= 0))
        low, high = excess[after - 1], excess[after]
        part = -low / (high - low)
        return float(self.far[after - 1] + part * (self.far[after] - self.far[after - 1]))


@dataclass(frozen=True, slots=True)
class Figures:
    """How well distances distinguish pairs; rates are shares of one, thresholds are distances.

    Attributes:
        accuracy: cross-validated (`cross_validated_accuracy`).
        accuracy_error: its standard error.
        threshold: the fixed threshold.
        accuracy_at_threshold: the accuracy there.
        tar_at_far_1_percent: the true accept rate where 1% of the different pairs are accepted.
        threshold_at_far_1_percent: the threshold there.
        tar_at_far_01_percent: the true accept rate where 0.1% of them are.
        threshold_at_far_01_percent: the threshold there.
        equal_error_rate: the share of same pairs refused where as large a share of different ones
            is accepted.
    """

    accuracy: float
    accuracy_error: float
    threshold: float
    accuracy_at_threshold: float
    tar_at_far_1_percent: float
    threshold_at_far_1_percent: float
    tar_at_far_01_percent: float
    threshold_at_far_01_percent: float
    equal_error_rate: float

    @classmethod
    def of(
        cls, distances: Floats, same: Bools, folds: NDArray[np.intp], threshold: float
    ) -> "Figures":
        """Return the figures of pairs in folds; each fold must have same and different pairs."""
        roc = Roc.of(distances, same)
        mean, error = cross_validated_accuracy(distances, same, folds)
        tar_1, threshold_1 = roc.at_far(0.01)
        tar_01, threshold_01 = roc.at_far(0.001)
        return cls(
            accuracy=mean,
            accuracy_error=error,
            threshold=threshold,
            accuracy_at_threshold=accuracy(distances, same, threshold),
            tar_at_far_1_percent=tar_1,
            threshold_at_far_1_percent=threshold_1,
            tar_at_far_01_percent=tar_01,
            threshold_at_far_01_percent=threshold_01,
            equal_error_rate=roc.equal_error_rate(),
        )


def accuracy(distances: Floats, same: Bools, threshold: float) -> float:
    """Return the accuracy of accepting distances up to a threshold."""
    accepted = distances <= threshold
    return float(accepted[same].mean() + 1 - accepted[~same].mean()) / 2


def cross_validated_accuracy(
    distances: Floats, same: Bools, folds: NDArray[np.intp]
) -> tuple[float, float]:
    """Return the mean accuracy over folds, and its standard error.

    Each fold is judged by the best threshold of the others, which is the protocol of Labeled Faces
    in the Wild (Huang et al., 2007).
    """
    accuracies = []
    for fold in np.unique(folds):
        held_out = folds == fold
        threshold = Roc.of(distances[~held_out], same[~held_out]).best_threshold()
        accuracies.append(accuracy(distances[held_out], same[held_out], threshold))
    return float(np.mean(accuracies)), float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)))


def _share_within(distances: Floats, thresholds: Floats) -> Floats:
    return np.searchsorted(np.sort(distances), thresholds, side="right") / len(distances)
