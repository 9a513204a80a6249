"""What an option of the command says about its setting is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest
from pydantic.fields import FieldInfo
from typer.models import OptionInfo

from crawler import Config, ConfigError
from crawler.cli.commands import COMMANDS, LoadedCommands
from crawler.cli.options import SetsSetting, chosen_settings, options_of
from crawler.cli.run import run
from crawler.cli.serve import serve
from crawler.daemon.settings import DaemonConfig
from crawler.settings.catalog import default_of, fields
from crawler.settings.loading import amend

SETTINGS: dict[str, FieldInfo] = {**fields(), **{f"daemon.{name}": one for name, one in fields(DaemonConfig).items()}}


class Option(NamedTuple):
    name: str
    info: OptionInfo
    sets: SetsSetting
    choices: tuple[object, ...]

    @property
    def default(self) -> object:
        return default_of(SETTINGS[self.sets.key])

    @property
    def said(self) -> str | None:
        found = re.search(r"\[default: (.*)\]", self.info.help or "")
        return found[1] if found else None


def options() -> Iterator[Option]:
    for command in (run, serve):
        hints = get_type_hints(command, include_extras=True)
        for name, sets in options_of(command).items():
            kind, *metadata = get_args(hints[name])
            [info] = [one for one in metadata if isinstance(one, OptionInfo)]
            choices = [one for part in get_args(kind) if get_origin(part) is Literal for one in get_args(part)]
            yield Option(f"{command.__name__} {name}", info, sets, tuple(choices))


OPTIONS = {one.name: one for one in options()}


def test_every_option_names_a_setting_that_there_is() -> None:
    assert {one.sets.key for one in OPTIONS.values()} - set(SETTINGS) == set()


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_that_an_option_states_is_that_of_its_setting(name: str) -> None:
    option = OPTIONS[name]
    match option.said:
        case None:
            assert option.default in (None, "", (), {}, False, "obey", "keep"), "say it: [default: ...]"
        case "no limit":
            assert option.default is None
        case "DIR/token, made if missing":
            assert option.default == ""
        case said:
            values = [said, *([int(said)] if said.isdigit() else [])]
            assert option.default in [option.sets.convert(value) for value in values if _fits(option, value)]


def _fits(option: Option, value: object) -> bool:
    return isinstance(value, int) or not isinstance(option.default, int | float)


@pytest.mark.parametrize("name", [name for name, one in OPTIONS.items() if one.choices])
def test_the_choices_of_an_option_are_those_of_its_setting_and_its_help_names_them(name: str) -> None:
    option = OPTIONS[name]
    assert option.choices == get_args(SETTINGS[option.sets.key].annotation)
    assert ", ".join(map(str, option.choices)) in (option.info.help or "")


@pytest.mark.parametrize("name", [name for name, one in OPTIONS.items() if one.info.min is not None])
def test_the_least_value_of_an_option_is_the_least_that_its_setting_takes(name: str) -> None:
    info, sets = OPTIONS[name].info, OPTIONS[name].sets
    amend(Config(), {sets.key: sets.convert(info.min)})
    with pytest.raises(ConfigError):
        amend(Config(), {sets.key: sets.convert((info.min or 0) - 1)})


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({}, {}),
        ({"depth": 0, "sitemaps": False}, {"scope.max_depth": 0, "scope.sitemaps": False}),
        ({"retries": 0, "ignore_robots": True}, {"politeness.max_attempts": 1, "politeness.robots": "ignore"}),
        ({"ignore_robots": False, "include": []}, {}),
        ({"include": ["*"]}, {"scope.include": ["*"]}),
    ],
)
def test_options_that_are_given_choose_settings_and_others_choose_none(
    given: dict[str, Any], settings: dict[str, object]
) -> None:
    nothing: dict[str, object] = dict.fromkeys(options_of(run)) | {"ignore_robots": False}
    assert chosen_settings(run, nothing | given) == settings


def test_an_option_without_a_mark_sets_nothing() -> None:
    command: Callable[..., None] = lambda: None  # noqa: E731
    assert options_of(command) == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_the_command_says_of_each_what_its_own_help_says(name: str) -> None:
    command = LoadedCommands()[name]
    assert command.name == name
    assert command.short_help == COMMANDS[name] or command.help == COMMANDS[name]
