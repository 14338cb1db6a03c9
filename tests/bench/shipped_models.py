"""The documentation's tables of the shipped models and of what is published, and the plot of accuracy against bytes.

python tests/bench/shipped_models.py [--write]

Prints the tables; with `--write` it puts them into docs/explanation/shipped-models.md and draws
docs/pictures/accuracy.svg. All figures of the shipped models are read from the model files: none is measured here.
`fedge eval NAME` measures.
"""

import argparse

import bench_common  # noqa: F401  # makes the tests' helpers importable
from model_figures import PAGE, PLOT, plot, published_table, renewed, shipped_table

from fedge.system.files import write_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into the page, and draw the plot")
    print(f"{shipped_table()}\n\n{published_table()}")
    if parser.parse_args().write:
        write_bytes(PAGE, renewed(PAGE.read_text()).encode())
        plot(PLOT)


if __name__ == "__main__":
    main()
