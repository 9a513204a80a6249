"""Set-up goes through where uv cannot run, where no home can be written, and where a company vouches for its servers.

Python, pip and uv are stand-ins here that write down what they are asked; `make fresh` does the same with real ones.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "tests/hostile/certificates"
CERTIFIED = "127.66.255.1"
"""Where `good.pem` is good."""

PYTHON = """#!/bin/sh
said="python $* PIP_CERT=${PIP_CERT:-}"
case $* in
    *compileall* | *"-m pip install"* | *"-m venv"*) echo "$said" >> asked ;;
    *"pip config list") cat pip.says; exit ;;
    *) exec REAL "$@" ;;
esac
if echo "$said" | grep -q -e "$FAILS"; then exit 1; fi
made=${VENV:-.venv}
case $* in
    *"-m venv"*)
        rm -rf $made
        mkdir -p $made/bin
        cp "$0" $made/bin/python
        cp stand-in-uv $made/bin/uv
        echo "prompt = 'crawld-tree'" > $made/pyvenv.cfg ;;
esac
"""

UV = """#!/bin/sh
case $* in "cache dir") echo "${UV_CACHE_DIR:-$HOME/uv}"; exit ;; esac
said="uv $* $(env | grep -E '^(UV_|SSL_CERT_FILE)' | sort | tr '\\n' ' ')"
echo "$said" >> asked
if echo "$said" | grep -q -e "$FAILS"; then echo "$WHY" >&2; exit 2; fi
"""

TO_RUN = ["python -m venv", "pip requirements.lock", "pip editable", "compileall", "compileall"]
BY_UV = ["python -m venv", "pip uv.txt", "uv sync", "pip editable", "compileall", "compileall"]
BY_PIP = ["python -m venv", "pip lock.txt", "pip uv.txt", "pip editable", "compileall", "compileall"]


@dataclass
class Tree:
    """A tree that is set up with stand-ins, and what they were asked."""

    folder: Path

    def set_up(
        self, fails: str = "^$", why: str = "no", layer: str = "develop", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        self.folder.joinpath("asked").unlink(missing_ok=True)
        outside = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "PYTHON": "./stand-in-python"}
        return subprocess.run(
            [".ci/setup", layer],
            cwd=self.folder,
            env=outside | {"FAILS": fails, "WHY": why} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> list[str]:
        return self.folder.joinpath("asked").read_text().splitlines()

    @property
    def steps(self) -> list[str]:
        return [_step(line) for line in self.asked]

    @property
    def synced(self) -> list[str]:
        return [line for line in self.asked if _step(line) == "uv sync"]

    @property
    def is_ready(self) -> bool:
        return bool(self.stamps)

    @property
    def stamps(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob(".venv/.ready*"))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name in (".ci", "crawler", "cli", "home"):
        tmp_path.joinpath(name).mkdir()
    for name in (".ci/setup", ".ci/uv", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    _write_script(tmp_path / "stand-in-python", PYTHON.replace("REAL", sys.executable))
    _write_script(tmp_path / "stand-in-uv", UV)
    tmp_path.joinpath("pip.says").touch()
    return Tree(tmp_path)


def test_uv_does_it_with_the_certificates_of_the_system(tree: Tree) -> None:
    assert tree.set_up().returncode == 0
    assert tree.steps == BY_UV
    assert "--require-hashes" in tree.asked[1]
    assert "--require-hashes" in tree.asked[2]
    assert "UV_SYSTEM_CERTS=true" in tree.asked[2]
    assert "UV_CACHE_DIR" not in tree.asked[2]
    assert tree.is_ready


def test_the_next_time_nothing_is_made_from_nothing(tree: Tree) -> None:
    tree.set_up()
    assert tree.set_up().returncode == 0
    assert tree.steps == BY_UV[1:]


def test_the_command_runs_with_a_layer_that_takes_no_uv_and_no_tools(tree: Tree) -> None:
    assert tree.set_up(layer="run").returncode == 0
    assert tree.steps == TO_RUN
    assert "--no-deps --require-hashes" in tree.asked[1]
    assert tree.stamps == [".ready-to-run"]
    assert tree.set_up().returncode == 0
    assert tree.steps == BY_UV[1:], "work takes the other layer on top"
    assert tree.stamps == [".ready", ".ready-to-run"]
    assert tree.set_up(layer="run").returncode == 0
    assert tree.steps == BY_UV[1:], "and whoever works does not lose his tools to a demo"


def test_no_layer_is_made_up(tree: Tree) -> None:
    done = tree.set_up(layer="tests")
    assert done.returncode == 1
    assert done.stderr == "crawld: a layer is run or develop, not tests\n"


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["run", "develop"])
def test_a_venv_elsewhere_leaves_the_tree_as_it_was(
    tree: Tree, tmp_path_factory: pytest.TempPathFactory, layer: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "new/venv"
    before = sorted(tree.folder.rglob("*"))
    assert tree.set_up(layer=layer, VENV=str(elsewhere), HOME="/proc/nonexistent").returncode == 0
    assert sorted({*tree.folder.rglob("*")} - {*before}) == [tree.folder / "asked"]
    assert elsewhere.joinpath(".ready-to-run").read_text() == f"{tree.folder.resolve()}\n"
    assert elsewhere.joinpath("tree/crawler").readlink() == tree.folder.resolve() / "crawler"
    assert str(elsewhere / "tree") in next(line for line in tree.asked if "--editable" in line)
    assert tree.set_up(layer="remove", VENV=str(elsewhere)).returncode == 0
    assert not elsewhere.exists()


@pytest.mark.parametrize("layer", ["run", "develop", "remove"])
@pytest.mark.parametrize("kept", ["thesis.txt", "pyvenv.cfg"])
def test_what_stands_in_a_folder_of_someone_else_is_not_cleared(tree: Tree, layer: str, kept: str) -> None:
    tree.folder.joinpath("home", kept).write_text("prompt = 'mine'\n")
    done = tree.set_up(layer=layer, VENV="home")
    assert done.returncode == 1
    assert "home holds what is not ours" in done.stderr
    assert tree.folder.joinpath("home", kept).read_text() == "prompt = 'mine'\n"


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_make_takes_all_from_the_venv_that_is_chosen(tmp_path: Path) -> None:
    """Only what it would do is looked at."""
    chosen = {"PATH": os.environ["PATH"], "VENV": str(tmp_path / "venv")}
    for target, layer in (
        ("demo", "run"),
        ("crawl", "run"),
        ("lint", "develop"),
        ("types", "develop"),
        ("dist", "develop"),
    ):
        planned = subprocess.run(
            ["make", "-n", target], cwd=ROOT, env=chosen, capture_output=True, text=True, check=True
        )
        first, *rest = planned.stdout.splitlines()
        assert first.endswith(f".ci/setup {layer}")
        assert rest
        assert [line for line in rest if not line.startswith(f"{tmp_path}/venv/bin/")] == []
    told = subprocess.run(
        ["make", "-n", "demo", "crawl"],
        cwd=ROOT,
        env={"PATH": chosen["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[-2:] == [".venv/bin/crawl demo  ", ".venv/bin/crawl urls.txt  "]


@pytest.mark.parametrize("home", ["/proc/nonexistent", "/dev/null", "requirements.lock"])
def test_where_no_home_can_be_written_uv_keeps_its_files_in_the_venv(tree: Tree, home: str) -> None:
    assert tree.set_up(HOME=home).returncode == 0
    assert f"UV_CACHE_DIR={tree.folder.resolve()}/.venv/uv/cache" in tree.asked[2]


def test_where_uv_fails_pip_installs_what_the_lock_says_and_resolves_nothing(tree: Tree) -> None:
    done = tree.set_up(fails="uv pip sync", why="the network is not for you")
    assert done.returncode == 0
    assert "the network is not for you" in done.stderr
    assert "pip will" in done.stderr
    assert tree.steps == [*BY_UV[:3], *BY_PIP]
    assert "--no-deps --require-hashes" in tree.asked[4]
    assert "--no-deps --require-hashes" in tree.asked[5]
    assert tree.is_ready


def test_where_uv_cannot_be_had_the_rest_of_the_lock_is_installed(tree: Tree) -> None:
    done = tree.set_up(fails="uv[.]txt")
    assert done.returncode == 0
    assert "do without it" in done.stderr
    assert "uv sync" not in tree.steps
    locked, rest = (tree.folder.joinpath(name).read_text() for name in ("requirements-dev.lock", ".venv/lock.txt"))
    uv = tree.folder.joinpath(".venv/uv.txt").read_text()
    assert uv.startswith("uv==")
    assert locked == rest.replace("uvloop==", uv + "uvloop==")


def test_pip_does_it_where_one_asks_for_pip(tree: Tree) -> None:
    assert tree.set_up(INSTALLER="pip").returncode == 0
    assert [step for step in tree.steps if step != "python -m venv"] == BY_PIP[1:]


def test_nobody_else_does_it(tree: Tree) -> None:
    done = tree.set_up(INSTALLER="conda")
    assert done.returncode == 1
    assert done.stderr.endswith("INSTALLER is uv or pip, not conda\n")


def test_where_the_system_trusts_nobody_uv_trusts_its_own_list_then_and_later(tree: Tree) -> None:
    done = tree.set_up(fails="UV_SYSTEM_CERTS=true", why="invalid peer certificate: UnknownIssuer")
    assert done.returncode == 0
    assert tree.steps == [*BY_UV[:3], *BY_UV[2:]]
    tree.set_up()
    assert "UV_SYSTEM_CERTS" not in tree.synced[0]


def test_whom_uv_trusts_is_not_changed_where_that_is_set(tree: Tree) -> None:
    tree.set_up(fails="uv pip sync", why="invalid peer certificate", UV_SYSTEM_CERTS="false")
    assert len(tree.synced) == 1
    assert "UV_SYSTEM_CERTS=false" in tree.synced[0]


def test_a_pip_with_its_own_list_is_told_of_the_systems(tree: Tree) -> None:
    certificates = ssl.get_default_verify_paths()
    system = certificates.cafile or certificates.capath
    if system is None:
        pytest.skip("this system has no certificates")
    told = {name: value for name, value in os.environ.items() if name.startswith("SSL_CERT_")}
    done = tree.set_up(fails="pip install.*PIP_CERT=$", **told)
    assert done.returncode == 0
    assert "once more" in done.stderr
    assert tree.steps == [BY_UV[0], BY_UV[1], *BY_UV[1:]]
    assert tree.asked[2].endswith(f"PIP_CERT={system}")


def test_uv_hears_what_pip_was_told(tree: Tree) -> None:
    certificate = CERTIFICATES / "authority.pem"
    said = (
        f"global.cert='{certificate}'\nglobal.index-url='https://a.example/'\ninstall.index-url='https://b.example/'\n"
    )
    tree.folder.joinpath("pip.says").write_text(f"{said}global.extra-index-url='https://c.example/'\n")
    tree.set_up()
    assert f"SSL_CERT_FILE={certificate} UV_DEFAULT_INDEX=https://b.example/ " in tree.synced[0]
    tree.set_up(PIP_INDEX_URL="https://d.example/")
    assert "UV_DEFAULT_INDEX=https://d.example/" in tree.synced[0]
    tree.set_up(PIP_INDEX_URL="https://d.example/", UV_DEFAULT_INDEX="https://e.example/", SSL_CERT_FILE="mine.pem")
    assert "SSL_CERT_FILE=mine.pem UV_DEFAULT_INDEX=https://e.example/" in tree.synced[0]


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["pip install", "editable", "lock[.]txt\\|sync", "venv --clear"])
def test_a_set_up_that_failed_is_not_taken_for_a_good_one(tree: Tree, fails: str) -> None:
    assert tree.set_up(fails=fails).returncode != 0
    assert not tree.is_ready


def test_what_cannot_be_compiled_is_compiled_by_nobody(tree: Tree) -> None:
    assert tree.set_up(fails="compileall").returncode == 0
    assert tree.is_ready


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index of one package, on a server that a company of its own vouches for."""
    folder = tmp_path / "simple/thing"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing.py", "")
        about = "thing-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", f"thing.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    try:
        server = ThreadingHTTPServer((CERTIFIED, 0), partial(_Quiet, directory=str(tmp_path)))
    except OSError:
        pytest.skip(f"{CERTIFIED} is no address of this machine")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "good.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    yield f"https://{CERTIFIED}:{server.server_port}/simple"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("trusts", [True, False])
def test_a_real_uv_trusts_whom_pip_trusts(tmp_path: Path, index: str, trusts: bool) -> None:
    for name in ("python", "uv"):
        real = Path(sys.executable).with_name(name)
        if not real.exists():
            pytest.skip("there is no uv here")
        _write_script(tmp_path / ".venv/bin" / name, f'#!/bin/sh\nexec {real} "$@"\n')
    tmp_path.joinpath(".ci").mkdir()
    shutil.copy(ROOT / ".ci/uv", tmp_path / ".ci/uv")
    certificate = f"cert = {CERTIFICATES}/authority.pem\n" if trusts else ""
    tmp_path.joinpath("pip.conf").write_text(f"[global]\nindex-url = {index}\n{certificate}")
    ran = subprocess.run(
        [tmp_path / ".ci/uv", "pip", "install", "--target", tmp_path / "here", "thing"],
        env={"PATH": os.environ["PATH"], "HOME": "/proc/nonexistent", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "here/thing.py").exists() is trusts, ran.stderr
    assert trusts or "certificate" in ran.stderr
    assert (tmp_path / ".venv/uv/cache").is_dir()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """A server that a test runs says nothing."""


def _write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _step(line: str) -> str:
    """What such a line asks for, in two words."""
    if line.startswith("uv pip sync"):
        return "uv sync"
    if "compileall" in line:
        return "compileall"
    if "-m venv" in line:
        return "python -m venv"
    if "--editable" in line:
        return "pip editable"
    return f"pip {Path(line.split(' -r ')[1].split(maxsplit=1)[0]).name}"
