"""Pages in a real browser: no error, read by axe, nothing wider than a telephone.

Needs the extra ``browser`` and Chromium (Debian: ``apt-get install chromium``).  With
``--basetemp FOLDER`` the pictures are left there, to be looked at.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import deuterium as dt
from deuterium import privacy, report

DOCS = Path(__file__).parents[2] / "docs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (1280, 400)
RELATION = "add_or_remove_one"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python")
    with playwright.sync_playwright() as p:
        opened = p.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report_page(tmp_path_factory):
    age, income = dt.symbol("age"), dt.symbol("income")
    people = dt.Box({age: (18, 100), income: (0, 2e5)})
    s = privacy.contribution([age / 100, income / 2e5], people)
    noise = privacy.gaussian(s, epsilon=1, delta=1e-6, relation=RELATION)
    made = report.sensitivity(
        s,
        relation=RELATION,
        noise=noise,
        accountant=privacy.Accountant(RELATION).compose(noise, 3),
        features=privacy.feature_sensitivity(age / 100, age, people),
        units={"age": "years"},
        sources={"age": "the form"},
        title="Ages and incomes",
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    made.save(path)
    return path


@pytest.fixture(scope="module")
def front_page(tmp_path_factory):
    for module in ("sphinx", "myst_nb", "furo", "numpydoc"):
        pytest.importorskip(module)
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-q", "-D", "nb_execution_mode=off"]
    subprocess.run([*build, str(DOCS), str(out)], check=True, timeout=600)
    return out / "index.html"


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/favicon.ico":  # a report is opened as a file, and has none
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    """Return a function that serves a file's folder on this machine alone."""
    servers = []

    def serve(path):
        handler = partial(_Quiet, directory=str(path.parent))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/{path.name}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["report_page", "front_page"])
def test_a_page_in_a_browser(browser, request, served, tmp_path, page, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    address = served(request.getfixturevalue(page))
    seen = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    told: list[str] = []
    seen.on("console", lambda m: told.append(m.text) if m.type == "error" else None)
    seen.on("pageerror", lambda error: told.append(str(error)))
    seen.on("requestfailed", lambda asked: told.append(f"not loaded: {asked.url}"))
    seen.goto(address)
    seen.wait_for_load_state("networkidle")
    seen.screenshot(path=tmp_path / f"{page}-{width}-{scheme}.png", full_page=True)
    found = Axe().run(seen).response["violations"]
    wide = seen.evaluate("document.documentElement.scrollWidth")
    seen.close()
    assert not told
    assert wide <= width
    assert not [(v["id"], [n["target"] for n in v["nodes"]]) for v in found]


def test_tables_can_be_scrolled_by_keyboard(browser, report_page):
    seen = browser.new_page(viewport={"width": 400, "height": 900})
    seen.goto(report_page.as_uri())
    seen.keyboard.press("Tab")
    assert seen.evaluate("document.activeElement.tagName") in ("DIV", "PRE")
    seen.close()
