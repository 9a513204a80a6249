"""What the dashboard is made of lies in the package, as it was taken."""

from __future__ import annotations

import hashlib
import json
import re

from crawler.daemon.http.dashboard import FOLDER

from .conftest import Api

MARKUP = r"innerHTML|outerHTML|insertAdjacent|document\.write|dangerously|\beval\("


def test_what_others_wrote_is_what_was_taken_from_them() -> None:
    vendor = FOLDER / "vendor"
    taken = {one["file"]: one["sha256"] for one in json.loads((vendor / "vendor.json").read_text())}
    there = {path.name for path in vendor.iterdir()} - {"vendor.json"}
    assert there == set(taken)
    for name, digest in taken.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name


async def test_the_page_finds_all_it_loads_here(api: Api) -> None:
    pages = (await api.get("/")).decode() + (await api.get("/docs")).decode()
    wanted = re.findall(r'(?:href|src)="([^"#]+)"', pages)
    assert "assets/reference.css" in wanted
    for script in FOLDER.glob("*.js"):
        wanted += [f"assets/{name}" for name in re.findall(r'from "\./([^"]+)"', script.read_text())]
    assert "assets/app.js" in wanted
    for path in sorted(set(wanted)):
        assert not path.startswith(("http", "//")), path
        await api.get(f"/{path}", headers={"Authorization": ""})
        assert api.status == 200, path


def test_nothing_of_ours_makes_markup_of_text() -> None:
    for path in FOLDER.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|dangerously|\beval\(", path.read_text()
        )
