"""`crawl config`: shows settings and where they come from, checks a settings file, writes a new one and others."""

from __future__ import annotations

import os
import re
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from crawler import escape_text

from . import values

app = typer.Typer(
    help="Show settings, check a file of settings, or write a new one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_File = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")]
_Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")]
_Memory = Annotated[
    int | None,
    typer.Option(metavar="SIZE", parser=values.size, help="The settings that `crawl --memory SIZE` makes: 512M, 2G."),
]


@app.command()
def show(
    config: _File = None,
    set_: _Set = None,
    memory: _Memory = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Print the value of every setting, and where it comes from."""
    from crawler import Trust
    from crawler.settings.loading import mask_value, trace, value_of
    from crawler.settings.toml import text_of

    chosen = values.memory(memory) | dict(values.setting(text) for text in set_ or ())
    origin = "--memory or --set" if memory else "--set"
    loaded, origins = trace(config, os.environ, chosen, origin, trust=Trust(foreign=trust_folder))
    for key, origin in origins.items():
        value = mask_value(key, value_of(loaded, key))
        assignment = f"{key} = {'none' if value is None else text_of(value)}"
        notes = [origin] if origin != "default" else []
        notes += [_why_auto()] if (key, value) == ("offload.executor", "auto") else []
        print(escape_text(f"{assignment}  # {'; '.join(notes)}" if notes else assignment))


def _why_auto() -> str:
    """Returns what `offload.executor = "auto"` chooses between here."""
    from crawler.offload.auto import explain

    return explain()


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Settings in TOML.")]) -> None:
    """Check a file of settings, and print what is wrong with it."""
    from crawler import Trust
    from crawler.settings.loading import load

    values.check_patterns(load(file, trust=Trust(foreign=True)))  # checking a file does not obey it
    print(f"{file}: every setting can be used")


@app.command()
def presets(
    name: Annotated[str | None, typer.Argument(help="The preset to print.", show_default=False)] = None,
) -> None:
    """List the presets for `crawl --preset NAME`, or print the settings of one."""
    from crawler.settings.presets import meaning_of, names, text_of

    if name is not None:
        print(text_of(name), end="")
        return
    width = max(map(len, names()))
    for one in names():
        print(f"{one:<{width}}  {meaning_of(one)}")


@app.command()
def init(
    file: Annotated[Path | None, typer.Argument(help="Where to write it.", show_default=False)] = None,
    daemon: Annotated[bool, typer.Option("--daemon", help="Settings of `crawl serve` (daemon.toml).")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A unit of systemd (crawl.service).")] = False,
    container: Annotated[bool, typer.Option("--container", help="A Containerfile for the daemon.")] = False,
    grafana: Annotated[bool, typer.Option("--grafana", help="A dashboard for Grafana (crawld.json).")] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Alert rules for Prometheus (crawld.rules.yml).")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a file of all settings with their meanings and defaults, ready to edit; or one for the daemon."""
    from crawler import ConfigError

    wanted = (daemon, systemd, container, grafana, prometheus)
    chosen = [kind for kind, is_wanted in zip(_KINDS, wanted, strict=True) if is_wanted]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(f'--{kind}' for kind in chosen)} are two files: choose one")
    template = _KINDS[chosen[0]] if chosen else _SETTINGS
    path = file or Path(template.name)
    if path.is_dir():
        path /= template.name
    text, note = template.read_text(), ""
    if template is _KINDS["systemd"]:
        command = _find_command()
        text = text.replace(_COMMAND, command)
        if command.removeprefix("/").startswith(_HIDDEN):
            note = f"\nthe unit sees nothing below {command.split('/')[1]}: install crawld elsewhere, as in /opt/crawld"
    _write(path, text, force)
    print(template.next_step.format(file=escape_text(shlex.quote(str(path))), version=_version()) + note)


class _Template(NamedTuple):
    """A file that comes with the package, and what to do with a copy of it."""

    name: str
    next_step: str
    folder: str = ""

    def read_text(self) -> str:
        return files("crawler.config").joinpath(self.folder, self.original).read_text(encoding="utf-8")

    @property
    def original(self) -> str:
        return "default.toml" if self.name == "crawl.toml" else self.name


_SETTINGS = _Template("crawl.toml", "wrote {file}; use it with: crawl -c {file} SEEDS...")
_KINDS = {
    "daemon": _Template("daemon.toml", "wrote {file}; use it with: crawl serve -c {file}"),
    "systemd": _Template(
        "crawl.service",
        """wrote {file}; to start the daemon now and with the machine:
  sudo install -m 644 {file} /etc/systemd/system/crawl.service
  sudo systemctl daemon-reload
  sudo systemctl enable --now crawl
settings, if any (`crawl config init --daemon serve.toml` writes all of them): before that
  sudo install -D -m 644 serve.toml /etc/crawld/serve.toml""",
    ),
    "container": _Template(
        "Containerfile",
        """wrote {file}; to build an image and run the daemon in it (docker takes the same words):
  podman build -f {file} --build-arg CRAWLD=crawld=={version} -t crawld .
  podman run --name crawld -v crawld:/data -p 127.0.0.1:7878:7878 crawld
  podman exec crawld cat token""",
    ),
    "grafana": _Template(
        "crawld.json", "wrote {file}; in Grafana choose Dashboards, New, Import, and upload it", "grafana"
    ),
    "prometheus": _Template(
        "crawld.rules.yml",
        "wrote {file}; name it under rule_files in prometheus.yml, and call the scrape job crawld",
        "prometheus",
    ),
}
_COMMAND = "/usr/local/bin/crawl"
"""Where the unit expects the command."""
_HIDDEN = ("home/", "root/", "run/user/")
"""Folders that `ProtectHome` hides from the unit."""


def _find_command() -> str:
    """Returns the path of the command that runs now, where systemd can take it as it is."""
    path = str(Path(sys.argv[0]).absolute())
    return path if re.fullmatch(r"""/[^\s"'$%\\;]+/crawl""", path) else _COMMAND


def _write(path: Path, text: str, force: bool) -> None:
    """Writes a file that only its owner may read. Raises ConfigError."""
    from crawler import ConfigError
    from crawler.runtime.private_files import Unsafe, opener

    try:
        with open(path, "w" if force else "x", encoding="utf-8", opener=opener) as opened:
            opened.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists already: --force overwrites it") from error
    except Unsafe as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _version() -> str:
    from importlib.metadata import version

    return version("crawld")
