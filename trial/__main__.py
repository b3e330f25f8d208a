"""`python -m trial demo` plays the example cases, `dev` runs everything on this machine, `record` keeps histories."""

import sys

from trial import dev, record, tour

PROGRAMS = {"demo": tour.main, "dev": dev.main, "record": record.main}

if __name__ == "__main__":
    program = PROGRAMS.get(" ".join(sys.argv[1:]))
    sys.exit(program() if program else f"usage: python -m trial {'|'.join(PROGRAMS)}")
