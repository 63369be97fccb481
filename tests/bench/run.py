"""`make bench`: run every benchmark (or ONLY those whose name starts so), print JSON lines, then a table.

A benchmark is a script `bench_<name>.py` beside this one; it prints figures with `figure.emit` and ends with 0.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the benchmarks that were asked for; 1 if one failed or missed its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of benchmarks, such as ingest or search")
    parser.add_argument("--quick", action="store_true", help="small loads: shows that they run, not how fast")
    asked = parser.parse_args()
    scripts = [script for script in sorted(_HERE.glob("bench_*.py")) if _is_asked(script, asked.only)]
    if not scripts:
        parser.error("no such benchmark; there are: " + ", ".join(sorted(_name(s) for s in _HERE.glob("bench_*.py"))))
    figures: list[dict[str, Any]] = []
    failed = []
    for script in scripts:
        figures_here, code = _run(script, quick=asked.quick)
        figures += figures_here
        if code:
            failed.append(_name(script))
    _print_table(figures)
    for name in failed:
        print(f"benchmark {name} failed", file=sys.stderr)
    missed = any(figure["ok"] is False for figure in figures) and not asked.quick
    return 1 if failed or missed else 0


def _name(script: Path) -> str:
    return script.stem.removeprefix("bench_")


def _is_asked(script: Path, only: list[str]) -> bool:
    return not only or any(_name(script).startswith(name) for name in only)


def _run(script: Path, *, quick: bool) -> tuple[list[dict[str, Any]], int]:
    command = [sys.executable, str(script), *(["--quick"] if quick else [])]
    figures = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_HERE.parents[1]) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                figures.append(json.loads(line))
    return figures, process.returncode


def _print_table(figures: list[dict[str, Any]]) -> None:
    rows = [("figure", "value", "unit", "beside", "ratio", "bar", "")]
    for figure in figures:
        verdict = {True: "ok", False: "MISSED", None: ""}[figure["ok"]]
        ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.3g}"
        rows.append(
            (
                figure["figure"],
                f"{figure['value']:.4g}",
                figure["unit"],
                figure["beside"],
                ratio,
                figure["bar"],
                verdict,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    raise SystemExit(main())
