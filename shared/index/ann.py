"""Approximate search: a graph of near neighbours over the rows of a snapshot (pynndescent).

Source: W. Dong, M. Charikar, K. Li, "Efficient k-nearest neighbor graph construction for generic
similarity measures", WWW 2011; L. McInnes, the package pynndescent.

Importing this module takes seconds and the first graph of a machine a minute of compilation: it is
imported by what builds graphs, and by the thread that loads them, never in a request.
"""

import pickle
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pynndescent import NNDescent

# Among 100,000 vectors that lie like those of faces, this found more of the true neighbours in the
# same time than the package's own choice, for people who are not in the group above all.
_NEIGHBOURS = 30
_DROPPED_SHORTCUTS = 0.5  # of the edges that a detour would replace, the probability to be dropped
_MAX_EDGES = 3.0  # times the neighbours
_SEED = 1
_VECTORS = "_raw_data"  # in the state of an NNDescent: the rows, in the order of the search
_ORDER = "_vertex_order"
_TRAINING = "_neighbor_graph"  # needed to go on building alone


class Graph:
    """A graph over unit vectors, which it shares with the caller.

    Attributes:
        count: the number of vectors.
        bytes: the memory that it takes besides them, about.
    """

    def __init__(self, index: NNDescent, count: int, byte_count: int) -> None:
        self._index = index
        self._lock = threading.Lock()  # the search keeps its workspace in the index
        self.count = count
        self.bytes = byte_count

    def nearest(
        self, vector: NDArray[np.float32], count: int, *, effort: float
    ) -> NDArray[np.int32]:
        """Return the rows that are probably the nearest ones, nearest first.

        Args:
            vector: of unit length, float32 of shape (dimension,).
            count: how many rows.
            effort: how far beyond the best distances the search goes, 0..0.5 (epsilon).
        """
        with self._lock:
            rows: NDArray[np.int32] = self._index.query_indices(
                vector[np.newaxis], k=count, epsilon=effort, pre_normalized=True
            )[0].copy()
        return rows[rows >= 0]  # fewer were found than were asked for


def build(vectors: NDArray[np.float32]) -> tuple[NDArray[np.intp], bytes]:
    """Build a graph.

    Args:
        vectors: of unit length, float32 of shape (n, dimension), no two equal: of equal ones the
            search would find some.

    Returns:
        The order in which the graph has the vectors, and the graph without them, pickled: whoever
        opens it must have verified where it comes from.
    """
    index = NNDescent(
        vectors,
        metric="dot",
        n_neighbors=_NEIGHBOURS,
        diversify_prob=_DROPPED_SHORTCUTS,
        pruning_degree_multiplier=_MAX_EDGES,
        random_state=_SEED,
        low_memory=False,
    )
    index.prepare()
    state: dict[str, Any] = index.__getstate__()
    order = np.asarray(state[_ORDER], np.intp)
    state[_ORDER] = np.arange(len(order), dtype=state[_ORDER].dtype)
    del state[_VECTORS], state[_TRAINING]
    return order, pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)


def load(pickled: bytes, vectors: NDArray[np.float32]) -> Graph:
    """Return a graph, ready to be searched at once.

    Args:
        pickled: what `build` returned; its seal has been verified.
        vectors: in the order of the graph; shared, not copied.
    """
    state: dict[str, Any] = pickle.loads(pickled)  # noqa: S301 - sealed, and the seal was verified
    state[_VECTORS] = vectors
    index = NNDescent.__new__(NNDescent)
    index.__setstate__(state)
    graph = Graph(index, len(vectors), len(pickled))
    graph.nearest(vectors[0], 1, effort=0.1)  # whatever is made at the first search
    return graph


def compile_all() -> None:
    """Compile what builds and searches graphs; numba keeps what it can (NUMBA_CACHE_DIR)."""
    vectors = np.random.default_rng(_SEED).normal(size=(10 * _NEIGHBOURS, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order, pickled = build(vectors)
    load(pickled, vectors[order])
