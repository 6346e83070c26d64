"""A hash table compiled by numba that counts T and (T, Y) in one pass: the mark of the machine's
limit."""

import numba
import numpy as np

FEW = 16  # classes up to which a pattern's pairs stand in an array of its own


@numba.njit(inline="always")
def _mix(state, word):
    state = (state ^ word) * np.uint64(0xBF58476D1CE4E5B9)
    return state ^ (state >> np.uint64(29))


@numba.njit(inline="always")
def _equal(a, b):
    different = np.uint64(0)
    for j in range(len(a)):
        different |= a[j] ^ b[j]
    return different == 0


def steps(n):
    """What c log2 c grows by from c to c + 1, for c = 0 .. n - 1: constants, made outside the timed
    call."""
    c = np.arange(n + 1, dtype=np.float64)
    return np.diff(c * np.log2(np.maximum(c, 1)))


@numba.njit
def _room(n):
    size = 2
    while size < 2 * n:
        size *= 2
    return size


@numba.njit
def _count_layers(layers, labels, classes, steps, start, step, found):
    """found[i] = (H(T), H(T,Y)) in bits of layers start, start + step, ...; the tables are
    allocated once.

    Open addressing by a hash that is one to one for rows of one u64; wider rows are compared in
    full.
    """
    n, few = layers.shape[1], classes <= FEW
    size = _room(n)
    mask, other = np.uint64(size - 1), 1 if few else size
    group, key = (
        np.empty(size, np.int32),
        np.empty(size, np.uint64),
    )  # group: 1, 2, ...; 0 is an empty slot
    first, count = np.empty(n, np.int32), np.empty(n, np.int32)
    pair, pair_key = np.empty(other, np.int32), np.empty(other, np.uint64)
    pair_count = np.empty(n * classes if few else n, np.int32)
    for layer in range(start, len(layers), step):
        rows, n_groups, n_pairs, of_t, of_ty = layers[layer], 0, 0, 0.0, 0.0
        wide = rows.shape[1] > 1
        group[:] = 0
        pair[:] = 0
        for i in range(n):
            h = np.uint64(0x9E3779B97F4A7C15)
            for j in range(rows.shape[1]):
                h = _mix(h, rows[i, j])
            slot = (h ^ (h >> np.uint64(32))) & mask
            while group[slot] and (
                key[slot] != h or (wide and not _equal(rows[first[group[slot] - 1]], rows[i]))
            ):
                slot = (slot + np.uint64(1)) & mask
            if group[slot] == 0:
                group[slot], key[slot], first[n_groups], count[n_groups] = n_groups + 1, h, i, 0
                if few:
                    pair_count[n_groups * classes : (n_groups + 1) * classes] = 0
                n_groups += 1
            g = group[slot] - 1
            of_t += steps[count[g]]
            count[g] += 1
            if few:
                cell = g * classes + labels[i]
                of_ty += steps[pair_count[cell]]
                pair_count[cell] += 1
                continue
            h = np.uint64(g) * np.uint64(classes) + np.uint64(labels[i])
            mixed = _mix(np.uint64(0x9E3779B97F4A7C15), h)
            slot = (mixed ^ (mixed >> np.uint64(32))) & mask
            while pair[slot] and pair_key[slot] != h:
                slot = (slot + np.uint64(1)) & mask
            if pair[slot] == 0:
                pair[slot], pair_key[slot], pair_count[n_pairs] = n_pairs + 1, h, 0
                n_pairs += 1
            of_ty += steps[pair_count[pair[slot] - 1]]
            pair_count[pair[slot] - 1] += 1
        found[layer] = np.log2(n) - of_t / n, np.log2(n) - of_ty / n


@numba.njit
def entropies(layers, labels, classes, steps):
    """(H(T), H(T,Y)) of each layer, one after another; rows uint64 [B, N, V], labels int32 [N] ->
    float64 [B, 2]."""
    found = np.empty((len(layers), 2))
    _count_layers(layers, labels, classes, steps, 0, 1, found)
    return found


@numba.njit(parallel=True)
def entropies_in_threads(layers, labels, classes, steps):
    """As `entropies`, the layers spread over all cores."""
    found, n_threads = np.empty((len(layers), 2)), numba.get_num_threads()
    for thread in numba.prange(n_threads):
        _count_layers(layers, labels, classes, steps, thread, n_threads, found)
    return found
