"""The command line, given what nobody should give it: it never shows a traceback."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

from deuterium.cli import app

GOOD = (
    "a**2 + exp(2*b - a)", "log(a)", "sqrt(a*b)", "max(a, b)", "a/(b - b)", "relu(a)",
    "erf(a)*pi", "abs(a)**0.5", "tanh(a + b)**3", "min(a, 1)", "1/a", "3", "e", "a",
)  # fmt: skip
PIECES = (
    "a", "b", "x1", "1", "0", "1e400", "1e-400", "99**99**99", "(", ")", "((", "**",
    "*", "/", "+", "-", ",", ".", "..", "=", "==", "lambda", "import os", "__class__",
    "[", "]", "{", "}", "'", '"', "\\", "\n", "\t", "\x00", "π", "𝒂", "ａ", "a.b",
    "a[0]", "exp", "exp(", "max(", "max()", "max(a)", "log(a, b, c)", "exp(a=1)", "pi",
    "e", "inf", "nan", "1j", "0x10", "1_000", "if", "else", "a if b else 1", "not a",
    "a < b", "a and b", "~a", "a @ b", "a // b", "a % b", "*a", "#", ";", ":", "a := 1",
    "f'{a}'", "None", "True", "9" * 5000, "a**1000000000000", "a**-0.5",
    "a**(b**(a**b))", "exp(exp(exp(exp(a))))", "\ud800",
)  # fmt: skip
BOUNDS = (
    "a=1:2", "b=0:1", "a=-1:1", "a=0:inf", "a=-inf:inf", "b=1:1", "a=2:1", "a", "a=",
    "=1:2", "a=1", "a=1:2:3", "a=nan:1", "a=1e999:2", "a=x:y", "a b=1:2", "pi=0:1",
    "a=1:2", "zz=0:1", "", ":", "a=\x00:1", "a=-1e308:1e308", "a=5e-324:1e-323",
    "a=1,2", "a=(1:2)", "ａ=0:1",
)  # fmt: skip
VALUES = (
    "0", "1", "-1", "1e-3", "nan", "inf", "-inf", "1e999", "x", "", "9" * 400, "0.5",
    "1.5", "True", "None", "\x00",
)  # fmt: skip
OPTIONS = {
    "query": ("--boxes", "--seed"),
    "maximize": ("--rtol", "--atol", "--memory-limit", "--seed", "--workers"),
    "minimize": ("--rtol", "--atol", "--memory-limit", "--seed"),
    "verify": (),
    "demo": ("--epsilon", "--delta", "--relation", "--seed", "--epochs"),
}


def formula(rng: Any) -> str:
    """Return a formula, or what is none."""
    text = str(rng.choice(GOOD))
    for _ in range(int(rng.choice((0, 0, 1, 2, 5)))):
        at = int(rng.integers(len(text) + 1))
        piece = PIECES[rng.integers(len(PIECES))]
        if rng.random() < 0.7:
            text = text[:at] + piece + text[at:]
        else:
            text = text[:at] + text[at + int(rng.integers(4)) :]
    p = rng.random()
    if p < 0.02:
        return "(" * 5000 + text + ")" * 5000
    if p < 0.04:
        return "-" * 3000 + "a"
    if p < 0.06:
        return "+".join([text] * 400)
    return text


def arguments(rng: Any, folder: Path) -> list[str]:
    """Return the arguments of one call."""
    command = str(rng.choice(("query", "maximize", "minimize", "verify", "demo"),
                             p=(0.3, 0.3, 0.1, 0.25, 0.05)))  # fmt: skip
    args = [command]
    if command == "verify":
        args.append(str(odd_file(rng, folder)))
    if command != "demo":
        args.append(formula(rng))
        drawn = ["a=1:2", "b=0:1"] if rng.random() < 0.6 else []
        drawn += [str(rng.choice(BOUNDS)) for _ in range(int(rng.choice((0, 0, 1, 2))))]
        args += [x for b in drawn for x in ("--bound", b)]
    else:
        args += ["--epochs", "1", "--no-picture"]
    if command in ("maximize", "minimize"):
        args += ["--time-limit", str(rng.choice(("0.2", "0.5", "0.01", "-1", "nan")))]
        for option in ("--certificate", "--checkpoint"):
            if rng.random() < 0.15:
                args += [option, str(odd_file(rng, folder))]
        if rng.random() < 0.3:
            args.append("--gradient")
        if rng.random() < 0.1:
            args.append("--progress")
    names = OPTIONS[command]
    if names and rng.random() < 0.3:
        name = str(rng.choice(names))
        value = str(rng.choice(VALUES))
        if name != "--workers" and len(value) < 9:  # as many as asked for
            args += [name, value]
    if rng.random() < 0.3:
        args.append("--json")
    return args


def odd_file(rng: Any, folder: Path) -> Path:
    """Return the path of a file that is missing, broken, or of another kind."""
    kind = int(rng.integers(12))
    path = folder / f"{kind}.json"
    texts: dict[int, bytes] = {
        1: b"",
        2: b"{",
        3: b"\xff\xfe\x00",
        4: b"[" * 100_000,
        5: b"{}",
        6: json.dumps({"format": "deuterium-certificate", "version": 1}).encode(),
        7: b'{"format": "deuterium-certificate", "version": 2, "proof": []}',
        8: b"null",
        9: b"1e999" * 3,
    }
    if kind in texts:
        path.write_bytes(texts[kind])
    elif kind == 10:
        return folder
    elif kind == 11:
        return folder / "missing" / "x.json"
    return path


def failures(seed: int, folder: Path) -> list[str]:
    """Return the call and its exception, if one of another kind than an exit left."""
    rng = np.random.default_rng([seed, 11])
    args = arguments(rng, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown = CliRunner().invoke(app, args)
    told = shown.exception is None or isinstance(shown.exception, SystemExit)
    if told and "Traceback" not in shown.output and shown.exit_code in (0, 1, 2, 3, 4):
        return []
    return [f"{args!r:.300}: {shown.exit_code} {shown.exception!r:.300}"]
