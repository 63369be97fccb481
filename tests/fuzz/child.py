"""The process in which a target is fuzzed: `python -m tests.fuzz.child TARGET CORPUS [options of libFuzzer]`."""

import sys

import atheris

with atheris.instrument_imports(include=["plugins.pbx_sip", "tests.fuzz.targets"]):
    from tests.fuzz.targets import PLANTED, TARGETS


def main() -> None:
    """Fuzz until the options say that it is enough, or an input fails; the process ends with that."""
    name, corpus, *options = sys.argv[1:]
    atheris.Setup([f"fuzz-{name}", *options, corpus], (TARGETS | PLANTED)[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
