"""Drives crawld with python-scrapyd-api, which shows the token as a password."""

from __future__ import annotations

import json
import sys
import time
from urllib.request import Request, urlopen

from scrapyd_api import ScrapydAPI  # type: ignore[import-not-found]


def put_template(facts: dict[str, str], name: str, template: object) -> None:
    """Stores a template over the daemon's own API."""
    headers = {"Authorization": f"Bearer {facts['token']}", "Content-Type": "application/json"}
    request = Request(f"{facts['url']}/v1/templates/{name}", json.dumps(template).encode(), headers, method="PUT")
    urlopen(request).close()


def main() -> None:
    facts = json.loads(sys.argv[1])
    put_template(facts, "tea", {"settings": {"max_depth": 3}, "labels": {"project": "shop"}})
    api = ScrapydAPI(facts["url"], auth=("crawld", facts["token"]))
    assert api.list_projects() == ["shop"]
    assert api.list_spiders("shop") == ["tea"]
    assert api.list_versions("shop") == ["current"]
    job = api.schedule("shop", "tea", settings={"DOWNLOAD_DELAY": 0.02}, start_urls=f"{facts['site']}/")
    for _ in range(300):
        if api.job_status("shop", job) == "finished":
            break
        time.sleep(0.1)
    [one] = api.list_jobs("shop")["finished"]
    assert one["id"] == job, one
    slow = api.schedule("shop", "tea", settings={"DOWNLOAD_DELAY": 60}, start_urls=f"{facts['site']}/")
    before = api.cancel("shop", slow)
    assert before in ("running", "pending"), before
    assert api.job_status("shop", slow) == "finished"
    print(f"a job from {one['start_time']} to {one['end_time']}, and one that was cancelled while {before}")


if __name__ == "__main__":
    main()
