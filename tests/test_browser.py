"""The course in JupyterLab in a real browser, as a learner has it. Run by `make test-browser`."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.answers import chapter_01
from tests.browsing import IN_A_BROWSER, unreadable
from tools import authoring
from utils.exercises import engine

pytestmark = IN_A_BROWSER

NAMES = [path.name for path in sorted(authoring.NOTEBOOKS.glob("*.ipynb"))]
TOKEN = "a-learner"
TEXTS = ".jp-NotebookPanel .jp-RenderedMarkdown *, .jp-NotebookPanel .jp-OutputArea-output *"
SETTINGS = {
    # Cells outside the window read as empty otherwise.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class Lab:
    """JupyterLab on a copy of the notebooks, and pages of a browser that show it."""

    def __init__(self, folder: Path, browser):
        self.folder, self.browser = folder, browser
        (folder / "settings").mkdir()
        for name, values in SETTINGS.items():
            path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        shutil.copytree(authoring.NOTEBOOKS, folder / "course" / "notebooks")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"]
            + [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder / 'course'}"]
            + ["--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True"],
            env=os.environ
            | {
                "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
                "IPYTHONDIR": str(folder / "ipython"),
            },
            stdout=(folder / "server.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        self._wait_until(lambda: self.api("status") is not None, "the server answers")

    def api(self, path: str):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def open(self, name: str) -> Notebook:
        page = self.browser.new_page(viewport={"width": 1300, "height": 1000})
        notebook = Notebook(page)
        page.goto(f"http://127.0.0.1:{self.port}/lab/tree/notebooks/{name}?token={TOKEN}&reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)
        # The page's own connection, not the server's word: cells run before it stands are dropped silently.
        page.wait_for_function(
            "() => { const kernel = window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;"
            " return kernel?.connectionStatus === 'connected' && kernel.status === 'idle'; }",
            timeout=60_000,
        )
        return notebook

    @staticmethod
    def _wait_until(done, what: str, seconds: float = 60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"waited {seconds} s until {what}"
            time.sleep(0.2)

    def stop(self):
        for session in self.api("sessions") or []:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/api/sessions/{session['id']}",
                headers={"Authorization": f"token {TOKEN}"},
                method="DELETE",
            )
            urllib.request.urlopen(request, timeout=10).close()
        self.server.terminate()
        self.server.wait(timeout=20)


class Notebook:
    """One open notebook: what a learner can do with it and read from it."""

    def __init__(self, page):
        self.page, self.errors, self.hosts = page, [], set()
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(re.match(r"\w+:/*([^/:]*)", request.url)[1]))

    def command(self, name: str, **arguments):
        self.page.evaluate(
            "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments)", [name, arguments]
        )

    def show_in(self, theme: str):
        self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        self.page.wait_for_function(
            "theme => document.body.dataset.jpThemeName === theme", arg=f"JupyterLab {theme}"
        )

    def run_all(self):
        self.command("notebook:run-all-cells")
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt")
        self.page.wait_for_function(
            "() => ![...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".some(prompt => prompt.textContent.includes('*'))",
            timeout=300_000,
        )
        shown = filter(None, prompts.all_inner_texts())  # a folded cell shows none
        assert all(re.search(r"\d", prompt) for prompt in shown), "a cell did not run"

    def cell_with(self, text: str):
        """Return the last cell with this text; it stays this cell when its text changes."""
        cells = self.page.locator(".jp-CodeCell")
        return cells.nth(max(i for i, shown in enumerate(cells.all_inner_texts()) if text in shown))

    def run_cell(self, cell, source: str) -> str:
        """Replace a cell's source, run it, and return what it prints."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(source)
        self.command("notebook:run-cell")
        cell.locator(".jp-OutputArea-output").first.wait_for(timeout=20_000)
        return cell.locator(".jp-OutputArea").inner_text()

    def printed(self) -> str:
        return "\n".join(self.page.locator(".jp-CodeCell .jp-OutputArea-output").all_inner_texts())

    def close(self):
        self.page.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"), browser)
    yield running
    running.stop()


@pytest.mark.parametrize("name", NAMES)
def test_run_all_in_the_browser_ends_well(lab, name):
    notebook = lab.open(name)
    notebook.run_all()
    errors = notebook.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]')
    raising = sum(
        "raises-exception" in authoring.tags(c) for c in authoring.read(authoring.NOTEBOOKS / name).cells
    )
    assert errors.count() == raising, errors.all_inner_texts()
    pictures = notebook.page.locator(".jp-OutputArea-output img")
    expected = sum(
        "<img" in "".join(output.get("data", {}).get("text/html", ""))
        for cell in authoring.read(authoring.SOLUTIONS / name).cells
        if cell.cell_type == "code" and not cell.source.startswith("call(")  # those ask for a number first
        for output in cell.outputs
    )
    alts = pictures.evaluate_all("images => images.map(image => [image.alt, image.naturalWidth])")
    assert len(alts) >= expected * 0.8 and (expected == 0 or alts)
    assert all(len(alt) >= 20 and width > 0 for alt, width in alts), alts
    assert "not answered yet" in notebook.printed()
    assert notebook.errors == []
    assert notebook.hosts <= {"127.0.0.1", "", "image"}, "a request left the machine"
    for theme in ("Dark", "Light"):
        notebook.show_in(theme)
        assert unreadable(notebook.page, TEXTS) == [], theme
    notebook.close()


def test_a_learner_answers_wrongly_reads_why_takes_a_hint_and_gets_it_right(lab):
    notebook = lab.open("01_simulating_drift.ipynb")
    notebook.run_all()
    exercise = engine.load_chapter(1)[0]
    known = [*exercise.slips(), *chapter_01.WRONG.get(exercise.id, ())]
    wrong, words = next(pair for pair in known if isinstance(pair[0], int | float | str | bool))
    cell = notebook.cell_with(f'check("{exercise.id}"')
    said = notebook.run_cell(cell, f'check("{exercise.id}", {wrong!r})')
    assert "✗ not yet" in said and words.casefold() in said.casefold()
    said = notebook.run_cell(cell, f'hint("{exercise.id}")')
    assert "hint 1 of" in said
    solution = engine._solution_cell(exercise.id)
    answered = re.search(rf'^check\("{exercise.id}".*$', _solution_source(exercise.id), flags=re.M)[0]
    said = notebook.run_cell(cell, f"{solution}\n{answered}")
    assert "✓ right" in said
    said = notebook.run_cell(notebook.cell_with("progress()"), "progress()")
    assert f"{exercise.id}  ✓ right" in said
    notebook.close()


def _solution_source(id: str) -> str:
    (path,) = authoring.SOLUTIONS.glob(f"{int(id.split('.')[0]):02d}_*.ipynb")
    return next(cell.source for cell in authoring.read(path).cells if f'check("{id}"' in cell.source)


def test_moving_a_slider_changes_the_picture(lab):
    notebook = lab.open("03_ks_test.ipynb")
    notebook.run_all()
    cell = notebook.cell_with("plots.explore(")
    picture = cell.locator("img")
    picture.wait_for(timeout=120_000)
    before = picture.get_attribute("src")
    handle = cell.locator(".noUi-handle").first
    handle.focus()
    for _ in range(5):
        notebook.page.keyboard.press("ArrowRight")
    # The output is replaced as a whole, so the picture has to be looked up again.
    lab._wait_until(lambda: cell.locator("img").get_attribute("src") != before, "the picture changes")
    notebook.close()
