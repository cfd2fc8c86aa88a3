"""Switch timing on for what lies here, and print ratios below the table."""

from __future__ import annotations

import pytest

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    # the project's settings skip benchmarks, for the sake of the tests
    config.option.benchmark_skip = False
    config.stash[LINES] = []


@pytest.fixture
def note(benchmark, request):
    """Remember a number with the benchmark, and print it at the end of the run."""

    def remember(**numbers: object) -> None:
        benchmark.extra_info.update(numbers)
        for what, value in numbers.items():
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            line = f"{request.node.name:45} {what.replace('_', ' '):28} {shown}"
            request.config.stash[LINES].append(line)

    return remember


@pytest.hookimpl(trylast=True)  # below the table
def pytest_terminal_summary(terminalreporter, config) -> None:
    lines = config.stash[LINES]
    if lines:
        terminalreporter.section("ratios and bounds")
        for line in lines:
            terminalreporter.write_line(line)
