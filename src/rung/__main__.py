"""`python -m rung` is `rung`."""

from .cli import main

if __name__ == "__main__":
    main()
