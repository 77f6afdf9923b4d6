"""The page's own few routes: pairing, the live view, actions, figures, reports, profiles."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from acquisition.stream import Refused
from flexor.dashboard.desk import STATIC, Desk
from flexor.dashboard.guard import COOKIE, set_cookie
from flexor.dashboard.history import kept, report_pdf
from flexor.dashboard.live_view import live_view, spoken
from flexor.dashboard.pages.frame import LANGUAGE_COOKIE
from flexor.dashboard.pages.test import HISTORY
from flexor.dashboard.policy import Why
from flexor.dashboard.words import sentence
from flexor.metrics import metrics_text


def put_up_routes(app: FastAPI, desk: Desk) -> None:
    """All of them."""
    _pairing(app, desk)
    _live(app, desk)
    _documents(app, desk)


def _pairing(app: FastAPI, desk: Desk) -> None:
    secure = desk.access.policy.secure

    @app.get("/pair")
    def pair_page() -> Response:
        return FileResponse(STATIC / "pair.html", headers={"cache-control": "no-store"})

    @app.get("/pair.js")
    def pair_script() -> Response:
        return FileResponse(STATIC / "pair.js")

    @app.post("/pair/")
    async def pair(request: Request) -> Response:
        told = await _json(request)
        secret = told.get("secret") if told is not None else None
        if not isinstance(secret, str):
            return refused(Why.MALFORMED)
        address = request.client.host if request.client else ""
        cookie, why = desk.access.pair(address, secret)
        desk.audit.write("pair", address, answer=why.name.lower() if why else "paired")
        if why is not None:
            return refused(why)
        return Response(status_code=204, headers={"set-cookie": set_cookie(cookie, secure=secure)})

    @app.post("/leave")
    def leave(request: Request) -> Response:
        desk.access.leave(request.cookies.get(COOKIE, ""))
        return Response(status_code=204, headers={"set-cookie": f"{COOKIE}=; Path=/; Max-Age=0"})


def _live(app: FastAPI, desk: Desk) -> None:
    @app.get("/live")
    def live(request: Request, since: int = 0, spectrum: bool = False) -> Response:
        player = desk.player(request.cookies.get(COOKIE, ""))
        if player is not None:
            player.look()
        hub = desk.hub if player is None else player.hub
        view = spoken(live_view(hub, max(0, since), spectrum=spectrum), language_of(request))
        view |= {"stream": 0, "now": desk.hub.status.get("state", "") if desk.hub.alive else ""}
        view["recording"] = desk.recordings.under_way
        if player is not None:
            told = {"stream": f"{player.name} {player.turn_n}", "replay": player.view()}
            return JSONResponse(view | told | {"stale": False})
        test = desk.examination
        view |= {"test": test and test.picture(test.now_s)}
        return JSONResponse(view | {"calibration": desk.calibrating.view()})

    @app.get("/metrics")
    def metrics() -> Response:
        hub = desk.hub
        text = metrics_text(hub.alive, hub.taken_n, hub.status)
        return Response(text, media_type="text/plain; version=0.0.4")

    @app.post("/act")
    async def act(request: Request) -> Response:
        told = await _json(request)
        key, number = (told or {}).get("key"), (told or {}).get("n")
        if not isinstance(key, str) or not isinstance(number, int) or isinstance(number, bool):
            return refused(Why.MALFORMED)
        why = desk.ask(request.cookies.get(COOKIE, ""), key, number)
        return refused(why, language_of(request)) if why else JSONResponse({"asked": key})


def _documents(app: FastAPI, desk: Desk) -> None:
    @app.get("/report.pdf")
    def report(download: bool = False) -> Response:
        try:
            document = report_pdf(kept(desk.folder / HISTORY))
        except Refused as error:
            return JSONResponse({"refused": "no tests", "text": str(error)}, status_code=404)
        shown = (
            {"content-disposition": 'attachment; filename="flexor-tests.pdf"'} if download else None
        )
        return Response(document, media_type="application/pdf", headers=shown)

    @app.get("/recording")
    def recording(request: Request, name: str) -> Response:
        try:
            path = desk.download(request.cookies.get(COOKIE, ""), name)
        except Refused as error:
            return JSONResponse({"refused": "no recording", "text": str(error)}, status_code=404)
        return FileResponse(path, filename=path.name, media_type="application/octet-stream")

    @app.get("/export")
    def export(wearer: str) -> Response:
        try:
            data = desk.wearers.export(wearer)
        except Refused as error:
            return JSONResponse({"refused": "no wearer", "text": str(error)}, status_code=404)
        shown = {"content-disposition": f'attachment; filename="{wearer}.zip"'}
        return Response(data, media_type="application/zip", headers=shown)

    @app.post("/upload/profile")
    async def upload(request: Request, wearer: str) -> Response:
        cookie, data = request.cookies.get(COOKIE, ""), await request.body()
        try:
            version = desk.take_in(cookie, wearer, data)
        except Refused as error:
            return JSONResponse({"refused": "profile", "text": str(error)}, status_code=422)
        return JSONResponse({"version": version.number})


async def _json(request: Request) -> dict[str, Any] | None:
    try:
        told = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def language_of(request: Request) -> str:
    """What the browser's page is written in."""
    return request.cookies.get(LANGUAGE_COOKIE, "en")


def refused(why: Why, language: str = "en") -> Response:
    """The answer to what may not be."""
    told = {"refused": why.name.lower(), "text": sentence(why.text, language)}
    return JSONResponse(told, status_code=why.status)
