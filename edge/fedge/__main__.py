"""`python -m fedge` and the `fedge` script."""

from fedge.cli.main import main

if __name__ == "__main__":
    main()
