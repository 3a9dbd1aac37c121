"""Numpy versions of what other systems do, timed beside the engine by `bench -- aggregation`.

Written for this benchmark from the published formulas and the shape of the public code (Flower 1.28's serverapp
strategies, ByzFL's aggregators). Reads one JSON request on standard input, writes one JSON answer.
"""

import json
import sys
import time

import numpy as np

try:
    from scipy.spatial.distance import cdist
except ImportError:
    cdist = None


def pairwise(x):
    """Squared distances, each of them exact: a pass over two rows at a time."""
    n = len(x)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            out[i, j] = np.linalg.norm(x[i] - x[j]) ** 2
    return out


def blas(layers_of_clients):
    """Squared distances by one float32 matrix product, after the copies that Flower makes of its layers."""
    flat = np.stack([np.concatenate(layers, axis=None).ravel() for layers in layers_of_clients], axis=0)
    norms = np.square(flat).sum(axis=1)
    return norms[:, None] + norms[None, :] - 2 * flat @ flat.T


def distances(x):
    """ByzFL's: scipy's cdist; without scipy the same row by row."""
    if cdist is not None:
        return cdist(x, x)
    return np.stack([np.linalg.norm(x - row, axis=1) for row in x])


def krum_scores(squared, f):
    closest = max(1, len(squared) - f - 2)
    return np.array([np.sum(row[np.argsort(row)[1 : closest + 1]]) for row in squared])


def flower_mean(layers_of_clients, chosen):
    total = [np.zeros_like(layer) for layer in layers_of_clients[0]]
    for client in chosen:
        for out, layer in zip(total, layers_of_clients[client]):
            out += layer * (1 / len(chosen))
    return total


def layers(x):
    """Three layers of d/2, d/4 and d/4, as the measurements of Flower were taken."""
    d = x.shape[1]
    cuts = [d // 2, d // 2 + d // 4]
    return [np.split(row, cuts) for row in x]


def flower_trimmed(x, f):
    kept = np.partition(x, (f, len(x) - f - 1), axis=0)[f : len(x) - f]
    return np.mean(kept, axis=0)


def flower_multi_krum(x, f, squared):
    parts = layers(x)
    scores = krum_scores(squared(x, parts), f)
    return flower_mean(parts, np.argsort(scores)[: len(x) - f])


def flower_bulyan(x, f):
    parts = layers(x)
    theta = len(x) - 2 * f
    chosen = np.argsort(krum_scores(blas(parts), f))[:theta]
    beta = theta - 2 * f
    out = []
    for layer in range(len(parts[0])):
        stack = np.stack([parts[client][layer] for client in chosen])
        differences = np.abs(stack - np.median(stack, axis=0))
        nearest = np.argpartition(differences, beta - 1, axis=0)[:beta]
        out.append(np.mean(np.take_along_axis(stack, nearest, axis=0), axis=0))
    return out


def byzfl_krum(x, f):
    squared = np.sort(distances(x) ** 2, axis=1)[:, 1 : len(x) - f]
    return x[np.argmin(np.mean(squared, axis=1))]


def byzfl_nnm(x, f):
    k = len(x) - f
    nearest = np.argpartition(distances(x), k - 1, axis=1)[:, :k]
    return np.mean(x[nearest], axis=1)


def byzfl_geometric_median(x, nu=0.1, iterations=3):
    z = np.zeros_like(x[0])
    finite = x[~np.any(np.isinf(x), axis=1)]
    alpha = 1 / len(x)
    for _ in range(iterations):
        betas = np.linalg.norm(finite - z, axis=1)
        betas[betas < nu] = nu
        betas = (alpha / betas)[:, None]
        z = np.sum(finite * betas, axis=0) / np.sum(betas)
    return z


def byzfl_meamed(x, f):
    k = len(x) - f
    nearest = np.argpartition(np.abs(x - np.median(x, axis=0)), k - 1, axis=0)[:k]
    return np.mean(np.take_along_axis(x, nearest, axis=0), axis=0)


def byzfl_centered_clipping(x, radius=100):
    v = np.zeros_like(x[0])
    differences = x - v
    norms = np.linalg.norm(differences, axis=1)
    scale = np.minimum(1, radius / np.maximum(norms, 1e-30))
    return v + np.mean(differences * scale[:, None], axis=0)


PEERS = {
    "numpy mean": lambda x, f: np.mean(x, axis=0),
    "np.median": lambda x, f: np.median(x, axis=0),
    "np.partition": flower_trimmed,
    "byzfl meamed": byzfl_meamed,
    "byzfl krum": byzfl_krum,
    "pairwise multi-krum": lambda x, f: flower_multi_krum(x, f, lambda x, parts: pairwise(x)),
    "float32 BLAS multi-krum": lambda x, f: flower_multi_krum(x, f, lambda x, parts: blas(parts)),
    "flower bulyan": flower_bulyan,
    "byzfl nnm": byzfl_nnm,
    "byzfl geometric median": lambda x, f: byzfl_geometric_median(x),
    "byzfl centered clipping": lambda x, f: byzfl_centered_clipping(x),
}


def main():
    request = json.load(sys.stdin)
    answer = []
    for case in request["cases"]:
        n, d = case["n"], case["d"]
        x = np.random.default_rng(1).standard_normal((n, d), dtype=np.float32)
        for peer in case["peers"]:
            best = float("inf")
            for _ in range(request["repeats"]):
                began = time.perf_counter()
                PEERS[peer["name"]](x, peer["f"])
                best = min(best, time.perf_counter() - began)
                if best > 2:
                    break
            answer.append({"name": peer["name"], "n": n, "d": d, "f": peer["f"], "ms": 1000 * best})
        del x
    json.dump({"numpy": np.__version__, "scipy": cdist is not None, "peers": answer}, sys.stdout)


main()
