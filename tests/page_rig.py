"""The page as a process of its own, and a real browser before it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=swiftshader",
    "--enable-unsafe-swiftshader",
)
"""A browser that talks to nobody else, and draws without a graphics card."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a page could be served there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def served(
    folder: Path, *words: str, ends: bool = True
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """(address, process) of `flexor dashboard`; runs that are left are ended with it."""
    port = free_port()
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "STATE_DIRECTORY": str(folder)}
    main = "from flexor.cli import main; main()"
    with (folder / "page.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", main, "dashboard", "--port", str(port), *words],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        log_path = folder / "page.log"
        wait_for(lambda: process.poll() is not None or log_path.read_bytes(), "the page", 30.0)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(10.0)
        if ends:
            end_runs(folder)


def end_runs(folder: Path) -> None:
    """Ends the runs whose doors are in this runtime folder."""
    for path in (folder / "flexor").glob("run-*.sock"):
        pid = int(path.stem.removeprefix("run-"))
        os.kill(pid, 15)
        wait_for(lambda pid=pid: not Path("/proc", str(pid)).exists(), "the run's end", 10.0)


def wait_for(true: Any, what: str, timeout_s: float = 10.0) -> Any:
    """What `true` gives, as soon as it gives something."""
    until_s = time.monotonic() + timeout_s
    while not (found := true()):
        if time.monotonic() > until_s:
            pytest.fail(f"{what} did not come within {timeout_s:g} s")
        time.sleep(0.02)
    return found


def ask(
    url: str,
    path: str,
    body: bytes | None = None,
    cookie: str = "",
    headers: dict[str, str] | None = None,
    method: str | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request, as a script would make it."""
    told = {"origin": url, "content-type": "application/json", **(headers or {})}
    if cookie:
        told["cookie"] = f"flexor_session={cookie}"
    request = urllib.request.Request(url + path, body, told, method=method)
    opener = urllib.request.build_opener(_Stay())
    try:
        with opener.open(request, timeout=10.0) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def paired(url: str) -> str:
    """The cookie of a new session."""
    _, headers, _ = ask(url, "/pair/", json.dumps({"secret": ""}).encode())
    return headers["set-cookie"].partition("=")[2].partition(";")[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium, played by Playwright; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield made
        finally:
            made.close()


@contextmanager
def phone(chromium: Any, url: str, **how: Any) -> Iterator[Any]:
    """A page as wide as a phone, of a paired browser, whose scripts must not fail."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, **how)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{url}/")
    page.get_by_role("button", name="Pair").click()
    page.wait_for_url(f"{url}/")
    yield page
    context.close()
    assert wrong == []
