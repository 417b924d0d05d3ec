"""Listening sockets of the tests' own servers."""
import socket


def listen(port):
    """A listener on 127.0.0.1 and the port it got (0: any free one)."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener, listener.getsockname()[1]


def close(listener):
    """Nobody listens any more. close() alone would leave accept() waiting, and the port taken."""
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
