"""Exports and copies to Azurite, the emulator of Azure Blob Storage by its makers, on loopback.

`python -m tests.azure_check` installs it with npm beside the venv for work. It ends with 1 if something is not as it
should be.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from urllib.request import Request, urlopen

PACKAGE = "azurite@3.35.0"
ACCOUNT, CONTAINER = "devstoreaccount1", "crawls"
KEY = base64.b64encode(b"a key of this check").decode()
OTHER_KEY = base64.b64encode(b"another").decode()
NOBODY = {"AZURE_STORAGE_ACCOUNT_NAME": "", "AZURE_STORAGE_ACCOUNT_KEY": ""}
CRAWL = str(Path(sys.executable).with_name("crawl"))
LARGE = 37 << 20
"""More than four parts of an upload."""
WRITE = "import sys; from crawler.remote import open_object\nwith open_object(sys.argv[1]) as file:\n"
WRITE_LARGE = f"{WRITE}    for _ in range({LARGE >> 20}): file.write(bytes(1 << 20))"
WRITE_FOR_EVER = f"{WRITE}    while True: file.write(bytes(1 << 20)); print(flush=True)"


def main() -> int:
    venv = Path(os.environ.get("VENV", ".venv")).absolute()
    install(home := venv.with_name(f"{venv.name}-azurite"))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="crawld-azure-") as folder, serving(home, Path(folder)) as url:
        os.environ.update(
            AZURE_STORAGE_ACCOUNT_NAME=ACCOUNT, AZURE_STORAGE_ACCOUNT_KEY=KEY, AZURE_STORAGE_ENDPOINT=url,
            AZURE_ALLOW_HTTP="true",
        )  # fmt: skip
        urlopen(_sign("PUT", f"{url}/{CONTAINER}", "restype=container")).close()
        os.chdir(folder)
        for check in CHECKS:
            try:
                check(url)
            except AssertionError as error:
                failed += 1
                print(f"FAILED  {check.__doc__} {error}", flush=True)
            else:
                print(f"ok      {check.__doc__}", flush=True)
    return 1 if failed else 0


def check_exports(url: str) -> None:
    """An export is there, byte for byte as on the disk."""
    run(["demo", "-o", "demo"], 0)
    for name in ("pages.csv", "pages.jsonl"):
        run(["export", "demo", "-o", f"az://{CONTAINER}/exports/{name}"], 0)
        run(["export", "demo", "-o", name], 0)
        assert get(url, f"exports/{name}") == Path(name).read_bytes(), name


def check_parts(url: str) -> None:
    """A large object comes in parts, and is the same."""
    subprocess.run([sys.executable, "-c", WRITE_LARGE, f"az://{CONTAINER}/large"], check=True)
    assert get(url, "large") == bytes(LARGE)


def check_kill(url: str) -> None:
    """A program that is killed leaves no object, and the next one writes it."""
    command = [sys.executable, "-c", WRITE_FOR_EVER, f"az://{CONTAINER}/killed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(60):
            program.stdout.readline()
        program.send_signal(signal.SIGKILL)
    assert "killed" not in listed(url)
    subprocess.run([sys.executable, "-c", WRITE_LARGE, f"az://{CONTAINER}/killed"], check=True)
    assert get(url, "killed") == bytes(LARGE)


def check_copies(url: str) -> None:
    """A crawl copies its finished files."""
    served = [sys.executable, "-m", "crawler.testing", "--sites", "2", "--pages", "30", "--print-seeds"]
    with subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as web:
        assert web.stdout is not None
        seeds = list(takewhile(bool, map(str.strip, web.stdout)))
        options = ["--copy-to", f"az://{CONTAINER}/copies", "--delay", "0.01", "--allow-network", "127.0.0.0/8", "-q"]
        run([*seeds, "-o", "copied", *options], 0)
        web.communicate()  # it ends when its stdin does
    assert get(url, "copies/pages.jsonl") == Path("copied/pages.jsonl").read_bytes()


def check_trouble(url: str) -> None:
    """A container that is not there, a wrong key and no account are one line each."""
    target = f"az://{CONTAINER}/x.csv"
    for code, said, to, environment in (
        (5, "az://none/x.csv: there is no bucket none; make it, or name another one", "az://none/x.csv", {}),
        (5, f"{target}: our credentials may not write there", target, {"AZURE_STORAGE_ACCOUNT_KEY": OTHER_KEY}),
        (2, f"{target}: the store does not take our credentials; set AZURE_STORAGE_", target, NOBODY),
    ):
        error = run(["export", "demo", "-o", to], code, environment)
        assert error.startswith(f"crawl: {said}"), error
        assert error.count("\n") == 1, error
    assert "x.csv" not in listed(url)


CHECKS: tuple[Callable[[str], None], ...] = (check_exports, check_parts, check_kill, check_copies, check_trouble)


def run(arguments: list[str], code: int, environment: dict[str, str] | None = None) -> str:
    """Runs the command; returns what it says on stderr. Values that are empty are taken out of the environment."""
    settled = {name: value for name, value in (os.environ | (environment or {})).items() if value}
    ran = subprocess.run([CRAWL, *arguments], env=settled, text=True, capture_output=True, check=False)
    assert ran.returncode == code, (arguments, ran.returncode, ran.stderr)
    return ran.stderr


def install(home: Path) -> None:
    """Raises CalledProcessError, OSError."""
    stamp = home / ".installed"
    if not stamp.exists() or stamp.read_text() != PACKAGE:
        print(f"installing {PACKAGE}", file=sys.stderr, flush=True)
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", "--no-fund", PACKAGE], cwd=home, check=True)
        stamp.write_text(PACKAGE)


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[str]:
    """Runs the emulator on a free port, with an account of this check; yields the account's URL."""
    options = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with subprocess.Popen(
        [str(home / "node_modules/.bin/azurite-blob"), *options], cwd=folder, text=True, stdout=subprocess.PIPE,
        env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
    ) as program:  # fmt: skip
        assert program.stdout is not None
        try:
            found = next(filter(None, (re.search(r"listens on (\S+)", line) for line in program.stdout)))
            yield f"{found[1]}/{ACCOUNT}"
        finally:
            program.terminate()
            program.stdout.read()  # it dies of a last line that nobody reads


def get(url: str, name: str) -> bytes:
    with urlopen(_sign("GET", f"{url}/{CONTAINER}/{name}", "")) as answer:
        body: bytes = answer.read()
        return body


def listed(url: str) -> list[str]:
    with urlopen(_sign("GET", f"{url}/{CONTAINER}", "comp=list&restype=container")) as answer:
        return re.findall(r"<Name>([^<]+)</Name>", answer.read().decode())


def _sign(method: str, url: str, query: str) -> Request:
    """Returns a request with the signature of the account (Azure Storage, Shared Key of 2015-02-21 and later)."""
    path = url.split("/", 3)[3]
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    fields = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    words = [part.replace("=", ":") for part in sorted(query.split("&")) if part]
    told = [*(f"{name}:{value}" for name, value in fields.items()), "/".join(["", ACCOUNT, path]), *words]
    text = "\n".join([method, *[""] * 11, *told])
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers = fields | {"Authorization": f"SharedKey {ACCOUNT}:{signature}"}
    return Request(f"{url}?{query}" if query else url, method=method, headers=headers)


if __name__ == "__main__":
    raise SystemExit(main())
