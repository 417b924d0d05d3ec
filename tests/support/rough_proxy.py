"""A proxy in front of a server that makes trouble as AWS does: throttles, errors, cut answers, wrong checksums.

`trouble(number, target)` decides per request of one operation: None forwards it, else the name of a trouble.
"""
import http.client
import http.server
import threading
import urllib.parse

THROTTLE = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow"}'
FAULT = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"fault"}'


class RoughProxy:
    def __init__(self, upstream, trouble):
        self.troubles = {}
        self.requests = 0
        self.lock = threading.Lock()  # guards troubles and requests
        at = urllib.parse.urlsplit(upstream)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body, headers=(), cut=None):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:cut])
                if cut is not None:
                    self.close_connection = True

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = self.headers.get("x-amz-target", "").rsplit(".", 1)[-1] or self.command
                with proxy.lock:
                    number = proxy.requests
                    proxy.requests += 1
                    kind = trouble(number, operation)
                    if kind:
                        proxy.troubles[kind] = proxy.troubles.get(kind, 0) + 1
                if kind == "throttle":
                    return self.answer(400, THROTTLE)
                if kind == "fault":
                    return self.answer(500, FAULT)
                up = http.client.HTTPConnection(at.hostname, at.port)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                up.request(self.command, self.path, body, headers)
                got = up.getresponse()
                content = got.read()
                up.close()
                dropped = ("content-length", "transfer-encoding", "connection", "date", "server")
                kept = [(name, value) for name, value in got.getheaders() if name.lower() not in dropped]
                if kind == "checksum":
                    kept = [(name, value) for name, value in kept if name.lower() != "x-amz-crc32"]
                    kept.append(("x-amz-crc32", "1"))
                self.answer(got.status, content, kept, cut=len(content) // 2 if kind == "cut" else None)

            do_GET = do_POST = handle_any

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that was killed

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
