"""Makes Opus of the calls in a capture, over and over until it is ended; says a dot for each."""

import os
import sys
from pathlib import Path

from bench_capture import convert_calls


def main() -> None:
    capture = Path(sys.argv[1])
    while True:
        for _ in convert_calls("opus", capture):
            os.write(sys.stdout.fileno(), b".")


if __name__ == "__main__":
    main()
