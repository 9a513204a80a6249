"""The demo web: a small archipelago of harbours to browse and to crawl, with the usual nuisances of the real web in it."""

from crawler.testing.graph import link_graph
from crawler.testing.web import Web


def demo_web() -> Web:
    return link_graph(7, 24, 12)
