"""A TCP proxy in front of any server, whose wire a test may cut, stall, slow down or refuse.

Two threads per connection. Controls act at once on connections that are open and on those to come.
"""
import socket
import struct
import threading
import time

import loopback

CHUNK = 64 << 10


class Proxy:
    def __init__(self, port, host="127.0.0.1"):
        self.upstream = (host, port)
        self.accepted = 0
        self.bytes = 0
        self._rate = None             # bytes a second, each direction of each connection
        self._delay_s = 0.0           # before each piece that is passed on
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()  # guards _open and the counters
        self._open = set()
        self._listener = None
        self.port = 0
        self.accept()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def in_front_of(self, url):
        """The URL with this proxy's port in it."""
        return url.replace(f"127.0.0.1:{self.upstream[1]}", f"127.0.0.1:{self.port}")

    def accept(self):
        """Listens (again), on the port that it always had."""
        if self._listener:
            return
        self._listener, self.port = loopback.listen(self.port)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self):
        """Nobody listens; open connections stay."""
        if self._listener:
            loopback.close(self._listener)
            self._listener = None

    def cut(self):
        """Resets every open connection; returns how many they were."""
        with self._lock:
            pairs = list(self._open)
        for pair in pairs:
            for side in pair:
                try:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return len(pairs)

    def connections(self):
        """How many are open now."""
        with self._lock:
            return len(self._open)

    def stall(self):
        """Connections stay open and nothing comes through."""
        self._flowing.clear()

    def slow(self, bytes_per_second=None, delay_s=0.0):
        self._rate, self._delay_s = bytes_per_second, delay_s

    def heal(self):
        self.slow()
        self._flowing.set()
        self.accept()

    def stop(self):
        self.refuse()
        self.cut()
        self._flowing.set()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.upstream, timeout=10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for side in pair:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.accepted += 1
                self._open.add(pair)
            left = [2]
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(source, sink, pair, left), daemon=True).start()

    def _pump(self, source, sink, pair, left):
        try:
            while True:
                data = source.recv(CHUNK if self._rate is None else max(1, min(CHUNK, self._rate // 20)))
                if not data:
                    break
                self._flowing.wait()
                if self._delay_s:
                    time.sleep(self._delay_s)
                if self._rate:
                    time.sleep(len(data) / self._rate)
                sink.sendall(data)
                with self._lock:
                    self.bytes += len(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for side in pair:
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        finally:
            with self._lock:
                left[0] -= 1
                if not left[0]:
                    self._open.discard(pair)
            if not left[0]:
                for side in pair:
                    side.close()
