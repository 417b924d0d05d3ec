"""The differential test's worker: episodes of random requests, each given to every side, each answer compared.

An episode makes one to three tables and throws them away at its end; its randomness is (seed, worker, episode), so one
episode alone can be repeated. As a program it runs against servers that are there already, to look at differences:

    serve_differential.py --oracle PORT --side sqlite=PORT --side postgresql=PORT --requests 5000 [--seed N] [--workers 2]
"""
import argparse
import collections
import multiprocessing
import random
import time

from serve_compare import Outcome, difference
from serve_deviations import Accepted
from serve_lab import Difference, Lab, find_difference, shrink, table_outcome
from serve_requests import Requests, Step, TableShape, create_variant

EPISODE_STEPS = 260


class Findings:
    """What one worker saw; crosses processes."""

    def __init__(self):
        self.requests = 0
        self.operations = collections.Counter()
        self.errors = collections.Counter()   # the oracle's, by type
        self.accepted = collections.Counter()
        self.differences = {}                 # signature → text of the smallest
        self.counts = collections.Counter()   # by signature

    def add(self, other):
        self.requests += other.requests
        for name in ("operations", "errors", "accepted", "counts"):
            getattr(self, name).update(getattr(other, name))
        for signature, text in other.differences.items():
            if len(text) < len(self.differences.get(signature, text + " ")):
                self.differences[signature] = text
        return self


class Worker:
    def __init__(self, ports, seed, number, requests, differences_max, shrinking=True):
        self.lab = Lab(ports)
        self.names = list(ports)
        self.seed, self.number, self.requests_max = seed, number, requests
        self.differences_max, self.shrinking = differences_max, shrinking
        self.accepted = Accepted()
        self.findings = Findings()

    def run(self):
        episode = 0
        while self.findings.requests < self.requests_max and len(self.findings.differences) < self.differences_max:
            self.episode(episode)
            episode += 1
        self.lab.close()
        self.findings.accepted.update(self.accepted.counts)
        return self.findings

    def episode(self, number):
        rng = random.Random(f"{self.seed}/{self.number}/{number}")
        shapes = [TableShape(rng, f"w{self.number}e{number}t{at}") for at in range(rng.choice((1, 2, 2, 3)))]
        self.create_variants(rng)
        differing = self.lab.create(shapes)
        if differing:
            self._found(Difference(shapes, [Step("CreateTable", shapes[-1].create())], differing, self.names,
                                   next(at for at in range(1, len(differing))
                                        if difference("CreateTable", differing[at], differing[0]) or differing[at].error),
                                   "table"), small=True)
            return
        requests = Requests(rng, shapes)
        history = []
        first = list(requests.first(15 * len(shapes)))
        for at in range(EPISODE_STEPS):
            step = first[at] if at < len(first) else requests.step()
            if not self.step(shapes, history, step):
                break
            history.append(step)
        self.lab.drop(shapes)

    def step(self, shapes, history, step):
        """False when the sides may hold different items from here on."""
        outcomes = self.lab.run(step)
        self.findings.requests += 1
        self.findings.operations[step.operation] += 1
        if outcomes[0].error:
            self.findings.errors[outcomes[0].error] += 1
        if all(_identical(outcome, outcomes[0]) for outcome in outcomes[1:]):
            return True
        found = find_difference(self.lab, step, outcomes, self.accepted)
        if found is None:
            # An accepted difference may still have written on one side only.
            return not ({outcome.error is None for outcome in outcomes} == {True, False} and _writes(step))
        self._found(Difference(shapes, [*history, step], outcomes, self.names, *found))
        return False

    def _found(self, found, small=False):
        signature = found.signature
        self.findings.counts[signature] += 1
        if signature not in self.findings.differences:
            if self.shrinking and not small:
                found = shrink(self.lab, found, self.accepted)
            self.findings.differences[signature] = str(found)

    def create_variants(self, rng):
        for at in range(2):
            shape = TableShape(rng, f"w{self.number}variant")
            step = Step("CreateTable", create_variant(rng, shape))
            outcomes = [table_outcome(answer) for answer in self.lab._all("CreateTable", step.request)]
            self.findings.requests += 1
            self.findings.operations["CreateTable"] += 1
            found = find_difference(self.lab, step, outcomes, self.accepted)
            if found:
                self._found(Difference([], [step], outcomes, self.names, *found), small=True)
            if any(outcome.error is None for outcome in outcomes):
                self.lab.drop([shape])


class TableWorker(Worker):
    """The same on one table that is there already and stays, e.g. one that a migration has loaded."""

    def __init__(self, ports, seed, shape, requests, differences_max, wrong=0.04):
        super().__init__(ports, seed, 0, requests, differences_max)
        self.shape, self.wrong = shape, wrong

    def episode(self, number):
        rng = random.Random(f"{self.seed}/{self.shape.name}/{number}")
        if number > 0:  # the first begins with what was loaded
            self.lab.create([self.shape])
        requests, history = Requests(rng, [self.shape], self.wrong), []
        for _ in range(EPISODE_STEPS):
            step = requests.step()
            if not self.step([self.shape], history, step):
                return
            history.append(step)


def _identical(left, right):
    return (isinstance(left, Outcome) and left.error is None and right.error is None and left.content == right.content
            and left.sequence == right.sequence)


def _writes(step):
    return step.operation in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "UpdateTable", "UpdateTimeToLive",
                              "DeleteTable")


def _work(worker, arguments, results):
    try:
        results.put(worker(*arguments).run())
    except BaseException as problem:  # the parent must not wait for ever
        import traceback
        results.put(f"worker {arguments[2]}: {problem!r}\n{traceback.format_exc()}")


def compare(ports, seed, requests, workers=2, differences_max=10, shrinking=True, worker=Worker):
    """Runs the workers; all their findings as one. `ports`: name → port, the oracle first."""
    results = multiprocessing.Queue()
    processes = []
    for number in range(workers):
        arguments = (ports, seed, number, requests // workers, differences_max, shrinking)
        processes.append(multiprocessing.Process(target=_work, args=(worker, arguments, results), daemon=True))
        processes[-1].start()
    everything, problems = Findings(), []
    for _ in processes:
        got = results.get()
        if isinstance(got, str):
            problems.append(got)
        else:
            everything.add(got)
    for process in processes:
        process.join()
    assert not problems, "\n".join(problems)
    return everything


def assert_alike(seed, requests, find, operations=(), refused_max=0.45):
    """What `find` finds by `requests` random requests: no differences, each of `operations`, and enough that was not refused,
    because requests that mostly fail compare little."""
    print(f"seed {seed}")
    begun = time.monotonic()
    found = find()
    text = summary(found, time.monotonic() - begun)
    print(text)
    assert not found.differences, f"seed {seed}\n{text}"
    assert found.requests >= requests and set(found.operations) >= set(operations), text
    assert sum(found.errors.values()) < found.requests * refused_max, text


def summary(findings, seconds=0):
    lines = [f"{findings.requests} requests" + (f" in {seconds:.1f} s, {findings.requests / seconds:.0f}/s" if seconds else "")]
    lines += [f"  {name:<20} {count}" for name, count in findings.operations.most_common()]
    lines.append("the oracle's errors: " + ", ".join(f"{name} {count}" for name, count in findings.errors.most_common()))
    lines += [f"known deviation: {name} {count}" for name, count in findings.accepted.most_common()]
    for signature, count in findings.counts.most_common():
        lines.append(f"\n{count} times: {findings.differences.get(signature, signature)}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracle", type=int, required=True)
    parser.add_argument("--side", action="append", default=[])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--differences", type=int, default=20)
    parser.add_argument("--no-shrink", action="store_true")
    arguments = parser.parse_args()
    ports = {"oracle": arguments.oracle}
    for side in arguments.side:
        name, port = side.split("=")
        ports[name] = int(port)
    print(f"seed {arguments.seed}")
    begun = time.monotonic()
    found = compare(ports, arguments.seed, arguments.requests, arguments.workers, arguments.differences,
                    not arguments.no_shrink)
    print(summary(found, time.monotonic() - begun))


if __name__ == "__main__":
    main()
