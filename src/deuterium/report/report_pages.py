"""A sensitivity report as Markdown, and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["as_html", "as_markdown"]

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, and a table where there is one."""

    title: str
    paragraphs: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    code: str | None = None


def as_markdown(d: Document) -> str:
    """Return the document as Markdown."""
    lines = [f"# {d['title']}", "", d["statement"], ""]
    for section in _sections(d):
        lines += [f"## {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        if section.code:
            lines += ["```", section.code, "```", ""]
        if section.rows:
            lines.append(_line(section.columns))
            lines.append(_line(["---"] * len(section.columns)))
            lines += [_line(row) for row in section.rows]
            lines.append("")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #8a8a8a;
  --soft: #f2f4f7; --warn: #8a3b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #15181c;
  --line: #7d8590; --soft: #20252b; --warn: #ffb37a; } }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left;
  vertical-align: top; font-variant-numeric: tabular-nums; }
thead th { background: var(--soft); }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.statement { font-size: 1.1rem; border-left: .3rem solid var(--line);
  padding-left: .8rem; }
.warning { color: var(--warn); font-weight: 600; }
@media print { body { max-width: none; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } }
""".strip()


def as_html(d: Document, *, whole: bool = True) -> str:
    """Return the document as HTML: a page, or what goes into one."""
    title = escape(d["title"])
    body = [f"<h1>{title}</h1>", f'<p class="statement">{escape(d["statement"])}</p>']
    for i, section in enumerate(_sections(d)):
        body.append(_html_section(section, f"part-{i}"))
    inside = "\n".join(body)
    if not whole:
        return f"<article>\n{inside}\n</article>"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n"
        f"<main>\n{inside}\n</main>\n</body>\n</html>\n"
    )


def _html_section(section: Section, mark: str) -> str:
    kind = ' class="warning"' if section.title == "Warnings" else ""
    parts = [f'<section aria-labelledby="{mark}">']
    parts.append(f'<h2 id="{mark}">{escape(section.title)}</h2>')
    parts += [f"<p{kind}>{escape(p)}</p>" for p in section.paragraphs]
    if section.code:
        parts.append(f'<pre tabindex="0"><code>{escape(section.code)}</code></pre>')
    if section.rows:
        parts.append(_html_table(section))
    return "\n".join([*parts, "</section>"])


def _html_table(section: Section) -> str:
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in section.columns)
    rows = []
    for first, *rest in section.rows:
        cells = "".join(f"<td>{escape(c)}</td>" for c in rest)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    name = escape(section.title)
    return (
        f'<div class="scroll" role="group" aria-label="{name}" tabindex="0">\n<table>'
        f"\n<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody>\n</table>\n</div>"
    )


# -- what is told ----------------------------------------------------------------------


def _sections(d: Document) -> Iterator[Section]:
    if d["warnings"]:
        yield Section("Warnings", d["warnings"])
    yield _function(d)
    yield Section(
        "Domain: every record that may come",
        (),
        ("symbol", "lower", "upper", "unit", "source of the bounds", "constraint"),
        [
            (
                r["symbol"], _number(r["lower"]), _number(r["upper"]),
                r["unit"] or "-", r["source"] or "not said", r["constraint"],
            )
            for r in d["domain"]
        ],
    )  # fmt: skip
    yield _bound(d)
    if d["features"]:
        rows = [
            (f["feature"], _number(f["upper"]), _number(f["lower"]))
            for f in d["features"]
        ]
        columns = ("only this changes", "at most", "reached")
        yield Section("Features one by one", (), columns, rows)
    if d["groups"]:
        yield _groups(d)
    if d["noise"] is not None:
        yield _noise(d)
        points = [(_number(p["delta"]), _number(p["epsilon"])) for p in d["curve"]]
        told = _accounted(d["accounting"])
        yield Section("What is promised", told, ("delta", "epsilon"), points)
    yield Section(
        "What it rests on",
        [f"{a[:1].upper()}{a[1:]}." for a in d["assumptions"]] or ["Nothing."],
    )


def _function(d: Document) -> Section:
    f = d["function"]
    count = "an unknown number of" if f["numbers"] is None else f"{f['numbers']}"
    size = "one number" if f["numbers"] == 1 else f"{count} numbers"
    unit = f", in {f['unit']}" if f["unit"] else ""
    times = "" if f["factor"] == "1" else f", times {f['factor']}"
    return Section(
        "What is released",
        [f"A result of {size}{unit}{times}. Its closed form:"],
        code=f["closed_form"] or "not known",
    )


def _bound(d: Document) -> Section:
    proof = d["certificate"]
    verified = {True: "verified", False: "does NOT hold", None: "not checked"}
    told = verified[proof["verified"]] if proof["exists"] else "none"
    rows = [
        ("quantity", f"{d['quantity']} in {d['norm']} norm"),
        ("neighbouring relation", d["relation"]),
        ("sensitivity", "-" if d["sensitivity"] is None else _number(d["sensitivity"])),
        ("at most (certified)", _number(d["upper"])),
        ("reached", _number(d["lower"])),
        ("gap", f"{d['gap']:.3%}" if isinstance(d["gap"], float) else str(d["gap"])),
        ("status", d["status"]),
        ("certificate", told),
        *[("how it is proved", how) for how in d["method"]],
        *[("certificate's hash", h) for h in proof["hashes"] if h],
        *[(f"witness: {n}", _values(x)) for n, x in d["witness"].items()],
    ]
    if d["arithmetic"]:
        rows.insert(4, (f"of it for {d['arithmetic']}", _number(d["rounding"])))
    if d["scope"]:
        rows.insert(2, ("holds while", d["scope"]))
    return Section("Bound", (), ("field", "value"), rows)


def _groups(d: Document) -> Section:
    numbers = ("upper", "lower", "divisor", "scale")
    rows = [
        [g["group"], *("-" if g[n] is None else _number(g[n]) for n in numbers)]
        for g in d["groups"]
    ]
    columns = ("group alone", "at most", "reached", "unit", "scale of its noise")
    return Section("Groups one by one", (), columns, rows)


def _noise(d: Document) -> Section:
    noise = d["noise"]
    rows = [
        ("law", noise["law"]),
        ("protects", noise["protects"]),
        ("scale", _number(noise["scale"])),
        ("scale over sensitivity", _number(noise["noise_multiplier"])),
        ("mu", "-" if noise["mu"] is None else _number(noise["mu"])),
        ("rho", _number(noise["rho"])),
    ]
    return Section("Noise", (), ("field", "value"), rows)


def _accounted(accounting: Mapping[str, Any] | None) -> list[str]:
    if accounting is None:
        return ["Of one release; any point of the curve holds."]
    return [f"Of {accounting['releases']} releases; any point of the curve holds."]


def _number(x: Any) -> str:
    return repr(x) if isinstance(x, float) else str(x)


def _values(x: Any) -> str:
    told = str(x)
    return told if len(told) <= 200 else told[:200] + " ..."
