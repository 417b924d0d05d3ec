"""The proxy's wire: what its controls do is seen at both ends."""
import socket
import threading
import time

import pytest

from proxy import Proxy


@pytest.fixture
def echo():
    """A server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass
        connection.close()

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxy(echo):
    proxy = Proxy(echo)
    yield proxy
    proxy.stop()


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(connection, data=b"hello"):
    connection.sendall(data)
    got = b""
    while len(got) < len(data):
        more = connection.recv(65536)
        if not more:
            raise ConnectionResetError
        got += more
    assert got == data


def test_passes_everything_through(proxy):
    with connect(proxy) as connection:
        ask(connection, bytes(range(256)) * 4000)
    assert proxy.accepted == 1 and proxy.bytes == 2 * 256 * 4000


def test_cut(proxy):
    with connect(proxy) as connection:
        ask(connection)
        assert proxy.cut() == 1
        with pytest.raises(OSError):
            for _ in range(100):
                ask(connection)
    with connect(proxy) as connection:
        ask(connection)


def test_refuse_and_accept_on_the_same_port(proxy):
    with connect(proxy) as connection:
        ask(connection)
        proxy.refuse()
        with pytest.raises(OSError):
            connect(proxy)
        ask(connection)
        proxy.accept()
        with connect(proxy) as another:
            ask(another)


def test_stall_and_heal(proxy):
    with connect(proxy) as connection:
        ask(connection)
        proxy.stall()
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(connection)
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(100) == b"hello"


def test_slow(proxy):
    proxy.slow(bytes_per_second=100_000)
    began = time.monotonic()
    with connect(proxy) as connection:
        ask(connection, b"x" * 30_000)
    assert time.monotonic() - began >= 0.3
