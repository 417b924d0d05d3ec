"""One HTTP/1.1 connection that speaks DynamoDB's JSON protocol: made by hand, kept alive, with nothing in between.

`send` and `receive` are apart, so that several servers work on the same request at once. The signature is a dummy: for
servers that take any key. Answers may be chunked or announce their length; a connection that the server closed is made
anew at the next request, and the request that saw it close raises ConnectionError.
"""
import datetime
import json
import socket

API = "DynamoDB_20120810"
ANSWER_BYTES_MAX = 64 << 20


class Answer:
    """`status`, `headers` (names lower-case), `raw` (the body's bytes)."""

    __slots__ = ("status", "headers", "raw")

    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.raw) if self.raw else {}

    @property
    def error(self):
        """The error's type without its prefix; None for a success."""
        if self.status == 200:
            return None
        return self.json.get("__type", f"status {self.status}").rsplit("#", 1)[-1]

    def __repr__(self):
        return f"{self.status} {self.raw[:4000].decode(errors='replace')}"


def head_of(operation, length, target=None):
    """`operation` may have the API in front: "DynamoDBStreams_20120810.GetRecords"."""
    target = target or (operation if "." in operation else f"{API}.{operation}")
    now = datetime.datetime.now(datetime.timezone.utc)
    return (f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: {target}\r\n"
            f"Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: {now:%Y%m%dT%H%M%SZ}\r\n"
            f"Authorization: AWS4-HMAC-SHA256 Credential=local/{now:%Y%m%d}/eu-west-1/dynamodb/aws4_request, "
            f"SignedHeaders=host;x-amz-date;x-amz-target, Signature={'0' * 64}\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


class Connection:
    """Not shared between threads."""

    def __init__(self, port, timeout=60):
        self.port = port
        self.timeout = timeout
        self.socket = None
        self.buffer = b""
        self.heads = {}  # by operation: all but the length

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None
        self.buffer = b""

    def call(self, operation, request):
        self.send(operation, request if isinstance(request, bytes) else json.dumps(request).encode())
        return self.receive()

    def send(self, operation, body):
        head = self.heads.get(operation)
        if head is None:
            head = self.heads[operation] = head_of(operation, 0)[:-len(b"0\r\n\r\n")]
        self.send_bytes(b"%s%d\r\n\r\n%s" % (head, len(body), body))

    def send_bytes(self, data):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(data)
        except OSError:
            self.close()
            raise

    def receive(self):
        try:
            return self._receive()
        except OSError:
            self.close()
            raise

    def _more(self):
        got = self.socket.recv(262144)
        if not got:
            raise ConnectionResetError("the server closed the connection")
        self.buffer += got

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _line(self):
        while (end := self.buffer.find(b"\r\n")) < 0:
            self._more()
        line, self.buffer = self.buffer[:end], self.buffer[end + 2:]
        return line

    def _receive(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        self.buffer = self.buffer[end + 4:]
        status = int(lines[0].split(" ", 2)[1])
        if status == 100:
            return self._receive()
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            pieces = []
            while (size := int(self._line().split(b";")[0], 16)) > 0:
                pieces.append(self._take(size + 2)[:-2])
            while self._line():
                pass
            raw = b"".join(pieces)
        else:
            length = int(headers.get("content-length", 0))
            assert length <= ANSWER_BYTES_MAX, f"an answer of {length} bytes"
            raw = self._take(length)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, raw)
