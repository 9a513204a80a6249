"""What the daemon says of settings that cannot be used: each name once, wherever the error came from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crawler.daemon import BadSettings
from crawler.daemon.jobs.validation import choose
from crawler.daemon.owners import Rule
from crawler.settings import Config


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"delay_s": -1}, "politeness.delay_s: -1 should be greater than or equal to 0"),
        ({"delay_s": "x"}, "politeness.delay_s: 'x' should be a valid number"),
        ({"scope": {"limit": 0}}, "scope.limit: 0 should be greater than or equal to 1"),
        ({"dealy_s": 1}, "dealy_s: no such setting; did you mean politeness.delay_s?"),
        ({"fetch": {"timeout": 1}}, "fetch.timeout: no such setting; did you mean fetch.timeout_s?"),
        ({"fetch": 3}, "fetch: 3 should be a table"),
        ({"include": ["re:("]}, "scope.include: 're:(' is not a regular expression: missing ): ("),
        ({"contact": "a\nb"}, "contact: 'a\\nb' should be printable ASCII on one line: it is sent in a header field"),
        ({"proxy": "x"}, "fetch.proxy: should begin with http://, https://, socks5:// or socks4://"),
    ],
)
def test_a_setting_is_named_once(settings: Any, told: str) -> None:
    with pytest.raises(BadSettings) as refused:
        choose(settings, Rule(Config()))
    assert str(refused.value) == told
    [complaint] = refused.value.complaints
    name = re.escape(complaint.field.rpartition(".")[2])
    assert not re.search(rf"(?<![\w.]){name}(?![\w.])", complaint.text), "the field says the name"
