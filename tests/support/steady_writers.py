"""Writes at a steady rate, from processes of their own: requests are made beforehand, each connection has one under way.

    with SteadyWriters(ports, requests, rate=2000) as writers:   # requests(rng, number, of): [(operation, request), …] of one process
        …
    writers.rate(begin, end), writers.longest(begin, end)        # of time.monotonic()
    writers.errors
"""
import json
import multiprocessing
import random
import threading
import time

from serve_wire import Connection

PREPARED = 4000  # of each process, used again and again


class SteadyWriters:
    """`refused(answer)` says of an answer that is no 200 whether it is as it should be."""

    def __init__(self, ports, requests, rate, connections=16, processes=2, refused=lambda answer: False):
        self.ports, self.requests, self.rate_wanted, self.refused = ports, requests, rate, refused
        self.processes, self.threads = processes, max(1, connections // processes)
        self.counts = multiprocessing.Array("l", self.processes * self.threads, lock=False)
        self.stopping, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.written, self.errors = [], []  # (when it was sent, the seconds until its answer), in order

    @property
    def done(self):
        return sum(self.counts)

    def __enter__(self):
        ready = [multiprocessing.Event() for _ in range(self.processes)]
        self.running = [multiprocessing.Process(target=self._work, args=(number, ready[number]), daemon=True) for number in range(self.processes)]
        for process in self.running:
            process.start()
        for event in ready:
            assert event.wait(60), "a writer does not start"
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for _ in self.running:
            written, errors = self.results.get(timeout=120)
            self.written += written
            self.errors += errors
        for process in self.running:
            process.join()
        self.written.sort()

    def rate(self, begin, end):
        return sum(begin <= sent < end for sent, _ in self.written) / max(end - begin, 1e-9)

    def longest(self, begin=0.0, end=float("inf")):
        return max((took for sent, took in self.written if begin <= sent + took and sent < end), default=0.0)

    def _work(self, process, ready):
        rng = random.Random(process)
        prepared = [(operation, json.dumps(request).encode()) for operation, request in self.requests(rng, process, self.processes)]
        written, errors = [], []

        def run(thread):
            place = process * self.threads + thread
            connection = Connection(self.ports[place % len(self.ports)])
            step = len(self.counts) / self.rate_wanted
            due = time.monotonic() + step * place / len(self.counts)
            at = thread
            while not self.stopping.is_set():
                due += step
                now = time.monotonic()
                if due > now:
                    time.sleep(due - now)
                elif now - due > 1:
                    due = now  # what could not be written is not caught up with
                connection.send(*prepared[at % len(prepared)])
                at += self.threads
                sent = time.monotonic()
                answer = connection.receive()
                written.append((sent, time.monotonic() - sent))
                self.counts[place] += 1
                if answer.status != 200 and not self.refused(answer):
                    errors.append(str(answer))
                    return
            connection.close()

        def guarded(thread):
            try:
                run(thread)
            except Exception as problem:  # shown by whoever looks at the errors
                errors.append(repr(problem))

        threads = [threading.Thread(target=guarded, args=(thread,)) for thread in range(self.threads)]
        ready.set()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.results.put((written, errors))
