"""`python -m trial demo` plays the example cases, `dev` runs everything on this machine, `record` keeps histories."""

import argparse
import sys
from pathlib import Path

from trial import demo, dev, histories


def main() -> int:
    """Run the program that is named; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m trial", description="Try the cases out on this machine.")
    programs = parser.add_subparsers(required=True, metavar="PROGRAM")
    playing = programs.add_parser("demo", help="play the example cases on the 2024 calendar")
    playing.add_argument("folder", nargs="?", type=Path, default=demo.CASES, help="where other case files are")
    playing.set_defaults(run=lambda chosen: demo.main(chosen.folder))
    programs.add_parser("dev", help="run server, platform and worker until interrupted").set_defaults(
        run=lambda _: dev.main()
    )
    programs.add_parser("record", help="record the histories that are missing").set_defaults(
        run=lambda _: histories.main()
    )
    chosen = parser.parse_args()
    status: int = chosen.run(chosen)
    return status


if __name__ == "__main__":
    sys.exit(main())
