#!/usr/bin/env python3
"""The coordinator under TLS: gangs, commands and browsers trust one certificate, and speak to no other."""
import hashlib
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from harness import check, load_json, main, wait_for  # noqa: E402

SLOW = {"CHAOS_STEP_MS": "25"}


def command(lab, name, workspace, *words, expect=0):
    done = subprocess.run([lab.reprise, name, *map(str, words), "-w", str(lab.folder / workspace)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env=lab.environment)
    check(done.returncode == expect, f"{name} {words}: exit code {done.returncode}, not {expect}:", done.stdout)
    return done.stdout


def started(lab, workspace, *extra):
    process = lab.start(workspace, "--gangs", 1, *extra, environment=SLOW)
    wait_for("a stage done", lambda: lab.done(workspace) >= 1)
    return process, load_json(lab.folder / workspace / "coordinator.json")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *unused):
        return None


def get(lab, workspace, where, host, target, token=""):
    """Status, headers and body, as a browser that was told to trust the workspace's certificate."""
    context = ssl.create_default_context(cafile=lab.folder / workspace / "tls" / "certificate.pem")
    request = urllib.request.Request(f"https://{host}:{where['port']}{target}",
                                     headers={"Authorization": f"Bearer {token}"} if token else {})
    opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def plainly(where, host, text):
    """What comes back for a text sent without TLS."""
    data = b""
    with socket.create_connection((host, where["port"]), timeout=30) as connection:
        connection.sendall(text.encode())
        while block := connection.recv(65536):
            data += block
    return data.decode(errors="replace")


def encrypted(lab):
    """Forced on loopback: the sweep, the commands and a page work; plain text is refused."""
    process, where = started(lab, "tls", "--tls")
    folder = lab.folder / "tls" / "tls"
    check((folder / "key.pem").stat().st_mode & 0o777 == 0o600, "the key's mode")
    shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", where["port"])))
    check(hashlib.sha256(shown).hexdigest() == where["fingerprint"], "another certificate is shown")
    for host in ("127.0.0.1", "localhost"):
        code, _, text = get(lab, "tls", where, host, "/status", where["view_token"])
        check(code == 200 and json.loads(text)["study"] == "tiny", code, text)
        check(get(lab, "tls", where, host, "/status", "x" * 64)[0] == 401, "a wrong secret")
    command(lab, "pause", "tls")
    check(json.loads(get(lab, "tls", where, "localhost", "/status", where["view_token"])[2])["paused"], "not paused")
    address = command(lab, "dashboard", "tls", "--view").splitlines()[0]
    check(address.startswith(f"https://127.0.0.1:{where['port']}/?token="), address)
    code, headers, _ = get(lab, "tls", where, "127.0.0.1", address[address.index("/?"):])
    check(code == 303 and headers["Set-Cookie"].endswith("; Secure"), code, headers["Set-Cookie"])
    text = plainly(where, "127.0.0.1", f"GET /status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                                       f"{where['token']}\r\n\r\n")
    check(text.startswith("HTTP/1.1 400 ") and "speaks https" in text and "tiny" not in text, text)
    command(lab, "resume", "tls")
    lab.finish(process, "tls")
    lab.verify("tls", attempts_max=10)
    logs = lab.log("tls") + "".join(path.read_text(errors="replace") for path in
                                    (lab.folder / "tls" / "logs").iterdir())
    check("PRIVATE" not in logs and where["token"] not in logs, "a secret is in a log")
    # A browser's exception lasts: the certificate is the same for the next coordinator.
    lab.run("tls", "--tls")
    check(hashlib.sha256(ssl.PEM_cert_to_DER_cert((folder / "certificate.pem").read_text())).hexdigest()
          == where["fingerprint"], "another certificate")


def beyond_loopback(lab):
    """On all addresses there is TLS without being asked for, under this machine's name."""
    process, where = started(lab, "open", "--bind", "0.0.0.0")
    check(where["host"] == socket.gethostname() and re.fullmatch("[0-9a-f]{64}", where["fingerprint"]), where)
    code, _, text = get(lab, "open", where, where["host"], "/status", where["view_token"])
    check(code == 200, code, text)
    check("speaks https" in plainly(where, where["host"], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "plain text")
    command(lab, "pause", "open")
    command(lab, "resume", "open")
    lab.finish(process, "open")
    lab.verify("open", attempts_max=10)
    # The site without a coordinator too.
    site = subprocess.Popen([lab.reprise, "dashboard", "-w", str(lab.folder / "open"), "--bind", "0.0.0.0"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=lab.environment)
    address = site.stdout.readline().strip()
    port = int(re.fullmatch(rf"https://{where['host']}:(\d+)/\?token=[0-9a-f]+", address).group(1))
    code, headers, _ = get(lab, "open", {"port": port}, where["host"], address[address.index("/?"):])
    check(code == 303 and "Secure" in headers["Set-Cookie"], code)
    check("speaks https" in plainly({"port": port}, where["host"], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
          "plain text")
    site.send_signal(signal.SIGTERM)
    _, text = site.communicate(timeout=30)
    check(where["fingerprint"] in text, "the fingerprint is not told:", text)


class Impostor(threading.Thread):
    """Sits at the coordinator's address with a certificate of its own and keeps what it is told."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "tls" / "certificate.pem", folder / "tls" / "key.pem")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.visits, self.told = 0, b""
        self.start()

    def run(self):
        while True:
            connection, _ = self.server.accept()
            try:
                with self.context.wrap_socket(connection, server_side=True) as line:
                    self.visits += 1
                    while block := line.recv(65536):
                        self.told += block
            except OSError:
                pass


def impostor(lab):
    """Whoever shows another certificate is told nothing, neither by commands nor by gangs."""
    lab.run("foreign", "--tls")
    false = Impostor(lab.folder / "foreign")
    process, where = started(lab, "own", "--tls")
    victim = lab.folder / "victim"
    victim.mkdir()
    (victim / "coordinator.json").write_text(json.dumps({**where, "port": false.port}))
    text = command(lab, "pause", "victim", expect=5)
    check("shows another certificate" in text and text.count("\n") == 1, text)
    check(false.visits == 1, "nobody came")
    gang = subprocess.Popen([lab.gang, "--workspace", str(victim), "--gang", "local-x-0"], env=lab.environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("the gang tries", lambda: false.visits >= 4)
    gang.kill()
    gang.wait()
    check(false.told == b"", "the impostor was told", false.told[:200])
    lab.finish(process, "own")
    lab.verify("own", attempts_max=10)


if __name__ == "__main__":
    main({f.__name__: f for f in (encrypted, beyond_loopback, impostor)})
