"""One training step in PyTorch on one thread, timed beside the engines by `bench -- train`.

Reads one JSON request on standard input, writes one JSON answer: milliseconds a step, of the clock and of processors, in the order of the cases.
"""

import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)


def two_nn():
    return nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))


def cnn():
    """McMahan et al., AISTATS 2017, section 3."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 64, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


def images(*shape):
    return lambda rows: (torch.rand(rows, *shape), torch.randint(0, 10, (rows,)))


def table(rows):
    return torch.rand(rows, 30), torch.randint(0, 2, (rows, 1)).float()


MODELS = {
    "784-200-200-10": (two_nn, images(784), nn.CrossEntropyLoss()),
    "cnn": (cnn, images(1, 28, 28), nn.CrossEntropyLoss()),
    "logistic-30": (lambda: nn.Linear(30, 1), table, nn.BCEWithLogitsLoss()),
}

ROWS = 640
LONG = 0.3
RUNS = 5


def timed(name, batch):
    make, data, loss = MODELS[name]
    net = make()
    x, y = data(ROWS)
    optimizer = torch.optim.SGD(net.parameters(), 0.01)

    def train(steps):
        began, used = time.perf_counter(), time.process_time()
        for step in range(steps):
            first = step * batch % (ROWS - batch + 1)
            optimizer.zero_grad()
            loss(net(x[first : first + batch]), y[first : first + batch]).backward()
            optimizer.step()
        return time.perf_counter() - began, time.process_time() - used

    steps = 4
    found = train(steps)
    while found[0] < LONG:
        steps = int(steps * 1.2 * LONG / max(found[0], LONG / 8)) + 1
        found = train(steps)
    seconds, cpu = min(found, *(train(steps) for _ in range(RUNS - 1)))
    return {"msPerStep": 1000 * seconds / steps, "cpuMsPerStep": 1000 * cpu / steps}


def main():
    cases = json.load(sys.stdin)["cases"]
    json.dump({"cases": [timed(case["model"], case["batch"]) for case in cases]}, sys.stdout)


main()
