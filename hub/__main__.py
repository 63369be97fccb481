"""`python -P -m hub` is the `recording-hub` command."""

from hub.cli import main

if __name__ == "__main__":
    main()
