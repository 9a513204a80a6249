"""The `crawl` command."""


def main() -> None:
    """Entry point; imports on demand, so that `crawl --help` answers at once."""
    from .app import main as run

    run()
