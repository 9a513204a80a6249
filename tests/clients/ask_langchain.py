"""Loads documents through LangChain's loader for Firecrawl."""

from __future__ import annotations

import json
import sys

from langchain_community.document_loaders import FireCrawlLoader  # type: ignore[import-not-found]


def main() -> None:
    facts = json.loads(sys.argv[1])
    said, given = [], {"api_key": facts["token"], "api_url": facts["url"]}
    for mode, path, least in (("scrape", "/tea", 1), ("crawl", "/", 4), ("map", "/", 5)):
        params = {"limit": 10} if mode == "crawl" else {}
        found = FireCrawlLoader(url=facts["site"] + path, mode=mode, params=params, **given).load()
        assert len(found) >= least, (mode, found)
        said.append(f"{mode}: {len(found)}")
    assert "Tea" in FireCrawlLoader(url=f"{facts['site']}/tea", mode="scrape", **given).load()[0].page_content
    print(", ".join(said))


if __name__ == "__main__":
    main()
