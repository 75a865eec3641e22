"""Let `python -m lgsid` do what the `lgsid` command does."""

from lgsid.cli import main

if __name__ == "__main__":
    main()
