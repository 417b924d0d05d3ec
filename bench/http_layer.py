"""The HTTP layer alone: our server and nginx answer the same request with the same body, by turns, driven by wrk."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import paths
from common import RUNS, cpu_seconds

BODY_BYTES = 700
CONNECTIONS = 64
SECONDS = int(os.environ.get("BENCH_HTTP_SECONDS", "5"))
BAR = 0.7

# What a GetItem of an SDK looks like.
REQUEST = """
wrk.method = "POST"
wrk.body = string.rep("a", 140)
wrk.headers["Content-Type"] = "application/x-amz-json-1.0"
wrk.headers["X-Amz-Target"] = "DynamoDB_20120810.GetItem"
wrk.headers["X-Amz-Date"] = "20260101T000000Z"
wrk.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/dynamodb/aws4_request, " ..
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" .. string.rep("0123456789abcdef", 4)
"""

# The same bytes as ours, without a log.
NGINX = """
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  keepalive_requests 1000000000;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type text/plain; return 200 "{body}"; }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]}: ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{process.args[0]}: does not listen")


def drive(script, port, process):
    """(requests a second, microseconds of the server's CPU a request)"""
    before = cpu_seconds(process.pid)
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script, f"http://127.0.0.1:{port}/"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0 or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    return rate, (cpu_seconds(process.pid) - before) / requests * 1e6


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise SystemExit(f"the HTTP figures need {tool}: apt-get install {tool}")


def start_nginx(folder, workers, body):
    """(process, port) of an nginx that answers everything with `body`."""
    need("nginx")
    port = free_port()
    with open(os.path.join(folder, "nginx.conf"), "w") as out:
        out.write(NGINX.format(folder=folder, port=port, workers=workers, body=body))
    process = subprocess.Popen(["nginx", "-c", os.path.join(folder, "nginx.conf"), "-p", folder], stderr=subprocess.DEVNULL)
    wait_for(port, process)
    return process, port


def measure(bench):
    need("wrk")
    folder = tempfile.mkdtemp(prefix="offramp-bench-http-")
    os.chmod(folder, 0o755)
    script = os.path.join(folder, "request.lua")
    with open(script, "w") as out:
        out.write(REQUEST)
    processes = []
    try:
        # 0 threads: as many as a server has by default.
        ours = subprocess.Popen([os.path.join(paths.BUILD, "bench", "bench_http_limit"), str(BODY_BYTES), "0"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(ours)
        our_port = json.loads(ours.stdout.readline())["port"]
        nginx, port = start_nginx(folder, 1, "x" * BODY_BYTES)  # one worker, as wrk has one thread
        processes.append(nginx)
        rates = {"ours": [], "nginx": []}
        for _ in range(RUNS):
            rates["ours"].append(drive(script, our_port, ours))
            rates["nginx"].append(drive(script, port, nginx))
        best = {name: max(runs) for name, runs in rates.items()}
        bench.say("HTTP layer alone, next to nginx", best["ours"][0], best["nginx"][0], "req/s", BAR)
        bench.remark(f"CPU a request: {best['ours'][1]:.1f} µs, nginx {best['nginx'][1]:.1f} µs")
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
