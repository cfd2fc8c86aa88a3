"""``python -m deuterium`` is the command line."""

from deuterium.cli import main

if __name__ == "__main__":
    main()
