"""What is handed out: the README for the index of packages, and types for users."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import numpy as np
import deuterium as dt
from deuterium import privacy, report

x = dt.symbol("x", shape=(3,))
f = np.sum(np.maximum(x, 0) ** 2)
box = dt.Box({x: (0, 1)})
s = privacy.contribution(f, box, rtol=0.05, time_limit=10, seed=1)
noise = privacy.gaussian(s, epsilon=1, delta=1e-6, relation="add_or_remove_one")
total = privacy.Accountant("add_or_remove_one", epsilon=2, delta=1e-5)
report.sensitivity(s, relation="add_or_remove_one", noise=noise).save("report.html")
(values,) = dt.compile([x], [dt.grad(np.tanh(x).sum(), x)])(np.zeros((4, 3)))
print(total.compose(noise, 3).epsilon_at(1e-5), dt.maximize(f, box, rtol=0.1).lower)
"""
WRONG = """
privacy.gaussian(s, epsilon=1, delta=1e-6, relation="replace-one")
privacy.contribution(f, box, rtoll=0.05)
"""


def test_the_readmes_links_work_from_anywhere():
    pytest.importorskip("hatchling")
    made = runpy.run_path(str(ROOT / "hatch_build.py"))
    text = (ROOT / "README.md").read_text("utf-8")
    home = "https://example.org/home"
    told = made["absolute"](text, home, "1.2")
    assert f"]({home}/raw/v1.2/docs/images/bounds.png)" in told
    assert f"]({home}/blob/v1.2/CONTRIBUTING.md)" in told
    assert not re.findall(r"\]\((?!https?:|#)", told)
    assert made["absolute"](told, home, "1.2") == told
    assert {"Homepage", "Source", "Issues", "Changelog"} <= set(made["urls"](home))


def test_a_long_description_without_a_home_is_the_readme():
    pytest.importorskip("hatchling")
    hook = runpy.run_path(str(ROOT / "hatch_build.py"))["HomeHook"](str(ROOT), {})
    metadata = {"version": "1.2"}
    hook.update(metadata)
    assert metadata["readme"]["text"] == (ROOT / "README.md").read_text("utf-8")
    assert "urls" not in metadata


def tour() -> str:
    """Return the README's tour as a script, without frameworks' models."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    return "\n".join(b for b in blocks if not re.search(r"^>>>|torch|onnx|jax", b))


CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports"],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


@pytest.mark.long
@pytest.mark.parametrize("checker", CHECKERS)
def test_users_scripts_have_types(checker, tmp_path):
    """In a process of its own, as a user has it: the package is found by py.typed."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    scripts = {"tour": tour(), "script": SCRIPT, "wrong": SCRIPT + WRONG}
    told = {}
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        command = [*CHECKERS[checker], f"{name}.py"]
        ran = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=600
        )
        told[name] = [
            line for line in ran.stdout.splitlines() if re.search(r"\berror\b:?", line)
        ]
    errors = {n: [e for e in lines if "0 errors" not in e] for n, lines in told.items()}
    assert not errors["tour"] and not errors["script"]
    assert any("replace-one" in e for e in errors["wrong"])
    assert any("rtoll" in e for e in errors["wrong"])
