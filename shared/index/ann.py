"""Approximate search: a graph of near neighbours over the rows of a snapshot (pynndescent).

Source: W. Dong, M. Charikar, K. Li, "Efficient k-nearest neighbor graph construction for generic
similarity measures", WWW 2011; L. McInnes, the package pynndescent.

Importing this module takes seconds, and the first graph on a machine a minute of compilation. So it
is only imported by code that builds graphs and by the thread that loads them, never in a request.
"""

import pickle
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pynndescent import NNDescent

# Among 100,000 vectors distributed like those of faces, these parameters found more true neighbours
# in the same time than the package's defaults, above all for people who are not in the group.
_NEIGHBOURS = 30
_PRUNING_PROBABILITY = 0.5  # of an edge that a detour can replace
_MAX_EDGES = 3.0  # times the neighbours
_SEED = 1
_COMPILATION_DIMENSIONS = 64  # the compiled code is the same for any number
_VECTORS = "_raw_data"  # in the state of an NNDescent: the rows, in the order of the search
_ORDER = "_vertex_order"
_TRAINING = "_neighbor_graph"  # only needed to continue building


class Graph:
    """A graph over unit vectors, which it shares with the caller.

    Attributes:
        count: the number of vectors.
        bytes: the approximate memory in use, without the vectors.
    """

    def __init__(self, index: NNDescent, count: int, byte_count: int) -> None:
        self._index = index
        self._lock = threading.Lock()  # a search uses workspace inside the index
        self.count = count
        self.bytes = byte_count

    def nearest(
        self, vector: NDArray[np.float32], count: int, *, effort: float
    ) -> NDArray[np.int32]:
        """Return the rows that are probably nearest, nearest first; there may be fewer than count.

        Args:
            vector: of unit length, float32 of shape (dimensions,).
            count: the number of rows.
            effort: how far the search continues beyond the best distances, 0..0.5 (epsilon).
        """
        with self._lock:
            rows: NDArray[np.int32] = self._index.query_indices(
                vector[np.newaxis], k=count, epsilon=effort, pre_normalized=True
            )[0].copy()
        return rows[rows >= 0]


def build(vectors: NDArray[np.float32]) -> tuple[NDArray[np.intp], bytes]:
    """Build a graph.

    Args:
        vectors: of unit length, float32 of shape (n, dimensions), all distinct: of equal vectors,
            the search would find only some.

    Returns:
        The order of the vectors in the graph, shape (n,), and the graph without them as a pickle,
        whose origin must be verified before it is loaded.
    """
    index = NNDescent(
        vectors,
        metric="dot",
        n_neighbors=_NEIGHBOURS,
        diversify_prob=_PRUNING_PROBABILITY,
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
    """Return a graph that is ready for searches.

    Args:
        pickled: the result of `build`, whose seal was verified.
        vectors: in the order of the graph; shared, not copied.
    """
    state: dict[str, Any] = pickle.loads(pickled)  # noqa: S301 - its seal was verified
    state[_VECTORS] = vectors
    index = NNDescent.__new__(NNDescent)
    index.__setstate__(state)
    graph = Graph(index, len(vectors), len(pickled))
    graph.nearest(vectors[0], 1, effort=0.1)  # the first search prepares the index
    return graph


def compile_all() -> None:
    """Compile the code that builds and searches graphs; numba caches it (NUMBA_CACHE_DIR)."""
    shape = 10 * _NEIGHBOURS, _COMPILATION_DIMENSIONS
    vectors = np.random.default_rng(_SEED).normal(size=shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order, pickled = build(vectors)
    load(pickled, vectors[order])
