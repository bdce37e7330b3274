#!/usr/bin/env python3
"""Strangers at the coordinator's port: garbage, floods, giants, dawdlers; the sweep goes on beside them."""
import base64
import contextlib
import json
import os
import pathlib
import random
import socket
import struct
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import check, load_json, main, wait_for  # noqa: E402

STRANGERS_MAX = 256


class Victim:
    """A coordinator in the middle of a study, paused for the time of the attack; its port and memory."""

    def __init__(self, lab, workspace):
        self.lab, self.workspace = lab, workspace
        self.process = lab.start(workspace, "--gangs", 1, environment={"CHAOS_STEP_MS": "20"})
        file = lab.folder / workspace / "coordinator.json"
        wait_for("a coordinator", file.exists)
        wait_for("a stage done", lambda: lab.done(workspace) >= 1)
        self.where = load_json(file)
        self.act("pause")

    def act(self, name):
        request = urllib.request.Request(f"http://127.0.0.1:{self.where['port']}/api/actions/{name}", data=b"{}",
                                         headers={"Authorization": f"Bearer {self.where['token']}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            check(answer.status == 200, name, answer.status)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.where["port"]), timeout=60)

    def ask(self):
        """Seconds until the status came."""
        start = time.monotonic()
        request = urllib.request.Request(f"http://127.0.0.1:{self.where['port']}/status",
                                         headers={"Authorization": f"Bearer {self.where['view_token']}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            check(json.load(answer)["study"] == "tiny", "another study")
        return time.monotonic() - start

    def rss(self):
        """Resident bytes; 0 under a sanitizer, which keeps what was freed."""
        if int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[0]) > 1 << 26:
            return 0
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def sockets(self):
        count = 0
        for link in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                count += os.readlink(link).startswith("socket:")
        return count

    def finish(self):
        self.act("resume")
        self.lab.finish(self.process, self.workspace, seconds=300)
        self.lab.verify(self.workspace, attempts_max=10)  # Nobody lost a lease to a stranger.


def read_all(connection):
    """What comes until the other side closes."""
    data = b""
    with contextlib.suppress(OSError):
        while block := connection.recv(65536):
            data += block
    return data


def answer_of(victim, data):
    with victim.connect() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return read_all(connection)


def garbage(lab):
    """Random bytes and requests with random faults: an error or nothing comes back, and a closed line."""
    victim = Victim(lab, "garbage")
    before = victim.rss()
    dice = random.Random(1)
    good = b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n\r\n"
    for number in range(1500):
        if number % 3 == 0:
            data = dice.randbytes(dice.randrange(1, 3000))
        else:
            data = bytearray(good)
            for _ in range(dice.randrange(1, 6)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            data = bytes(data[:dice.randrange(1, len(data) + 1)]) if number % 3 == 1 else bytes(data)
        with victim.connect() as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            answer = read_all(connection)
        check(not answer.startswith(b"HTTP/1.1 2"), "garbage was answered with success:", data, answer[:200])
    check(victim.rss() - before < 32 << 20, "memory grew by", victim.rss() - before)
    victim.finish()


def giants(lab):
    """Headers, bodies and frames that claim to be huge cost nothing."""
    victim = Victim(lab, "giants")
    before = victim.rss()
    head = "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    text = answer_of(victim, (head + "X: " + "x" * 200000 + "\r\n\r\n").encode())
    check(b" 200 " not in text.split(b"\r\n")[0], text[:200])
    token = victim.where["token"]
    for length in (1 << 21, 1 << 40, (1 << 64) - 1):
        text = answer_of(victim, (f"POST /api/actions/drain HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}"
                                  f"\r\nContent-Length: {length}\r\n\r\n{{").encode())
        check(text.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400")) or not text, "length", length, text[:200])
    # A gang with the right secret that claims a frame of 2^62 bytes, and one that nests deeply.
    for payload in (b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0{", frame(b"[" * 200000), frame(b"{}"),
                    b"\x83\x80\0\0\0\0", frame(json.dumps({"type": "result", "stage": "x", "fence": 1,
                                                            "body": {}}).encode())):
        with upgraded(victim, token) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(payload)
            read_all(connection)  # Ends: the line is closed.
    check(not json_status(victim)["draining"], "a refused request ends the sweep")
    check(victim.rss() - before < 32 << 20, "memory grew by", victim.rss() - before)
    victim.finish()


def json_status(victim):
    request = urllib.request.Request(f"http://127.0.0.1:{victim.where['port']}/status",
                                     headers={"Authorization": f"Bearer {victim.where['view_token']}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def frame(data):
    """A masked text frame, mask zero."""
    size = struct.pack(">BB", 0x81, 0x80 | len(data)) if len(data) < 126 else \
        struct.pack(">BBQ", 0x81, 0xff, len(data))
    return size + b"\0\0\0\0" + data


def upgraded(victim, token):
    connection = victim.connect()
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall((f"GET /gang HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket"
                        f"\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n")
                       .encode())
    head = b""
    while b"\r\n\r\n" not in head:
        block = connection.recv(1)
        check(block, "no upgrade:", head)
        head += block
    check(head.startswith(b"HTTP/1.1 101"), head)
    return connection


def dawdlers(lab):
    """400 connections that send a byte now and then: people and gangs are served, the flood is bounded."""
    victim = Victim(lab, "dawdlers")
    before, own = victim.rss(), victim.sockets()
    crowd = []
    for _ in range(400):
        connection = victim.connect()
        connection.sendall(b"G")
        crowd.append(connection)
    start = time.monotonic()
    while time.monotonic() - start < 3:
        for connection in crowd:
            with contextlib.suppress(OSError):
                connection.sendall(b"E")
        check(victim.ask() < 20, "no answer beside the flood")
        check(victim.sockets() - own <= STRANGERS_MAX + 40, "connections are not bounded:", victim.sockets() - own)
    check(victim.rss() - before < 32 << 20, "memory grew by", victim.rss() - before)
    # Whoever still waits for the rest of a header is sent away at its deadline, without our help.
    wait_for("the dawdlers are gone", lambda: victim.sockets() - own < 20, 60, 0.5)
    for connection in crowd:
        connection.close()
    victim.finish()


def wrong_secrets(lab):
    """Another coordinator's secret, half of ours, ours with a letter more, in every place it may stand."""
    victim = Victim(lab, "secrets")
    token, view = victim.where["token"], victim.where["view_token"]
    check(len({token, view}) == 2 and len(token) == len(view) == 64, "secrets")
    mode = (lab.folder / "secrets" / "coordinator.json").stat().st_mode & 0o777
    check(mode == 0o600, "mode", oct(mode))
    for path in ("/status", "/metrics", "/gang", "/api/actions/drain", "/nothing"):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"):
            for wrong in ("", token[:32], token + "0", token.upper() + "!", "0" * 64):
                text = answer_of(victim, (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                                          f"Authorization: Bearer {wrong}\r\n\r\n").encode())
                check(text.startswith(b"HTTP/1.1 401"), method, path, wrong, text[:100])
                check(token.encode() not in text and view.encode() not in text, "the answer holds a secret")
    text = answer_of(victim, (f"POST /api/actions/drain HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                              f"Authorization: Bearer {view}\r\n\r\n").encode())
    check(text.startswith(b"HTTP/1.1 403"), "the viewing secret may act:", text[:100])
    check(not json_status(victim)["draining"], "somebody ends the sweep")
    victim.finish()
    logs = lab.log("secrets") + "".join(path.read_text(errors="replace") for path in
                                        (lab.folder / "secrets" / "logs").iterdir())
    check(token not in logs and view not in logs, "a secret is in a log")


if __name__ == "__main__":
    main({f.__name__: f for f in (garbage, giants, dawdlers, wrong_secrets)})
