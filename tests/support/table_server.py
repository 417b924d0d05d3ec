"""Tables and their streams (scripted_table.py, prepared_stream.py) behind HTTP, as the service answers; and trouble.

In a test: server = TableServer(); table = server.tables.create("Orders"); table.enable_stream(); … server.stop().
As a process, for measuring: see main() in prepared_stream.py.

`trouble(operation, number)` decides before each request (number: of this operation, from 0): None lets it pass, else
"throttle", "limit", "fault", "reset" (the connection, at once), "cut" (after half the answer; the operation happened),
("error", type, message) or ("stall", seconds). One thread per connection.
"""
import collections
import json
import socket
import struct
import threading
import time
import zlib

import loopback
from change_stream import ServiceError
from scripted_table import Tables

REQUEST_BYTES_MAX = 20 << 20
PREFIX = "com.amazonaws.dynamodb.v20120810#"
TROUBLES = {
    "throttle": ServiceError("ProvisionedThroughputExceededException",
                             "The level of configured provisioned throughput for the table was exceeded."),
    "limit": ServiceError("LimitExceededException", "Subscriber limit exceeded: too many readers of a shard."),
    "fault": ServiceError("InternalServerError", "The request processing has failed because of an unknown error.",
                          500),
}


class TableServer:
    def __init__(self, tables=None, port=0, crc32=True):
        self.tables = tables or Tables()
        self.trouble = lambda operation, number: None
        self.crc32 = crc32
        self.calls = collections.Counter()     # by operation
        self.troubles = collections.Counter()  # by kind
        self._lock = threading.Lock()          # guards the counters and the connections
        self._connections = set()
        self.port = port
        self._listener = None
        self.start()

    def start(self):
        """Also after stop(): on the same port, with what the tables held."""
        self._listener, self.port = loopback.listen(self.port)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        """Nobody listens any more, and every connection is cut."""
        if self._listener:
            loopback.close(self._listener)
            self._listener = None
        with self._lock:
            open_now = list(self._connections)
        for connection in open_now:
            reset(connection)

    def crash(self):
        """Away and there again, between two requests."""
        self.stop()
        self.start()

    def remove(self):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def source(self, name):
        """The table's address for the tool."""
        return f"dynamodb://{name}?endpoint={self.url}&region=eu-west-1"

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            buffer = b""
            while True:
                while (end := buffer.find(b"\r\n\r\n")) < 0:
                    got = connection.recv(65536)
                    if not got or len(buffer) > REQUEST_BYTES_MAX:
                        return
                    buffer += got
                head = buffer[:end].decode("latin-1").lower().split("\r\n")
                headers = dict(line.split(": ", 1) if ": " in line else line.split(":", 1) for line in head[1:])
                length = int(headers.get("content-length", 0))
                if headers.get("expect"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                while len(buffer) < end + 4 + length:
                    got = connection.recv(1 << 20)
                    if not got:
                        return
                    buffer += got
                # Header values were lowered: the operation's own spelling is in the original bytes.
                at = buffer.lower().find(b"x-amz-target:")
                operation = buffer[at:buffer.find(b"\r\n", at)].rsplit(b".", 1)[-1].decode().strip()
                body, buffer = buffer[end + 4:end + 4 + length], buffer[end + 4 + length:]
                if not self._answer(connection, operation, body):
                    return
        except OSError:
            pass  # a client that was killed
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer(self, connection, operation, body):
        """False when the connection is over."""
        with self._lock:
            number = self.calls[operation]
            self.calls[operation] += 1
        kind = self.trouble(operation, number)
        if kind:
            with self._lock:
                self.troubles[kind if isinstance(kind, str) else kind[0]] += 1
        if kind == "reset":
            # No FIN before it: the caller's close() sends an RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if isinstance(kind, tuple) and kind[0] == "stall":
            time.sleep(kind[1])
            kind = None
        status = 200
        try:
            if kind in TROUBLES:
                raise TROUBLES[kind]
            if isinstance(kind, tuple):
                raise ServiceError(*kind[1:])
            content = self.tables.call(operation, json.loads(body or b"{}"))
            if not isinstance(content, (str, bytes, list)):
                content = json.dumps(content, separators=(",", ":"))
        except ServiceError as error:
            status = error.status
            prefix = "com.amazon.coral.validate#" if error.kind == "ValidationException" else PREFIX
            content = json.dumps({"__type": prefix + error.kind, "message": error.message})
        parts = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
                 for part in (content if isinstance(content, list) else [content])]
        head = (f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\nServer: Server\r\n"
                "Content-Type: application/x-amz-json-1.0\r\n"
                f"x-amzn-RequestId: {operation}-{number}\r\nContent-Length: {sum(map(len, parts))}\r\n")
        if self.crc32:
            check = 0
            for part in parts:
                check = zlib.crc32(part, check)
            head += f"x-amz-crc32: {check}\r\n"
        parts.insert(0, (head + "\r\n").encode())
        if kind == "cut":
            whole = b"".join(parts)
            connection.sendall(whole[:len(parts[0]) + (len(whole) - len(parts[0])) // 2])
            return False
        if len(parts[1]) < 65536 and len(parts) == 2:
            connection.sendall(parts[0] + parts[1])
        else:
            for part in parts:
                connection.sendall(part)
        return True


def reset(connection):
    """The thread that serves the connection wakes up and closes it: with an RST where something was still to be sent."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


if __name__ == "__main__":
    from prepared_stream import main
    main()
