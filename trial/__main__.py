"""`python -m trial demo` plays the example cases; `python -m trial dev` runs everything on this machine."""

import sys

from trial import dev, tour

PROGRAMS = {"demo": tour.main, "dev": dev.main}

if __name__ == "__main__":
    program = PROGRAMS.get(" ".join(sys.argv[1:]))
    sys.exit(program() if program else f"usage: python -m trial {'|'.join(PROGRAMS)}")
