"""`/me`: the subject's own view as a page. A code opens it, a strict cookie keeps it for half an hour.

A form from another site is refused by what the browser says of where it came from, and the cookie is never sent along
with one. The page loads nothing but its own style sheet and runs no script.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path as File
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.documents.qr import path_of
from adapters.office import NotFoundError, Office, UnauthenticatedError
from adapters.office.portal_view import SubjectReceipt
from adapters.office.ports import CHINA
from adapters.office.proofs import MAX_VERSION
from api.http.portal import NO_STORE, TooManyError, redeem
from api.web.bars import bar_of, chinese

router = APIRouter(include_in_schema=False)
FOLDER = File(__file__).parent
COOKIE = "xinheng_me"
MINUTES = 30
HEADERS: Mapping[str, str] = NO_STORE | {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    # with no-referrer a browser would not say where a form of this very page comes from
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STYLE = (FOLDER / "static" / "portal.css").read_bytes()
STYLE_TAG = hashlib.sha256(STYLE).hexdigest()[:16]
MESSAGES = {
    "wrong": "查询码不正确、已经用过或者已经过期。请核对后再试；仍然不行的，请向发起部门索取新的查询码。",
    "over": "查询已经结束。需要再次查看的，请向发起部门索取新的查询码。",
    "elsewhere": "请在本页填写查询码。",
    "left": "已经退出。",
}
TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
TEMPLATES.filters["day"] = chinese
TEMPLATES.filters["minute"] = lambda at: f"{chinese(at)} {at:%H:%M}"
TEMPLATES.filters["instant"] = lambda at: TEMPLATES.filters["minute"](dt.datetime.fromisoformat(at).astimezone(CHINA))
TEMPLATES.filters["hour"] = lambda at: f"{dt.datetime.fromisoformat(at).astimezone(CHINA):%H:%M}"
TEMPLATES.globals["bar_of"] = bar_of
TEMPLATES.globals["style"] = f"/me/portal.css?{STYLE_TAG}"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once."""
    body = (await request.body()).decode("ascii", "replace")
    try:
        fields = parse_qs(body, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


Event = Annotated[int, Path(ge=0, le=MAX_VERSION)]
Form = Annotated[dict[str, str], Depends(form_of)]


@router.get("/me")
def look(request: Request) -> Response:
    """The form for a code, or the view while the session lasts."""
    token = request.cookies.get(COOKIE)
    if token is None:
        return page("enter.html", said=MESSAGES.get(request.url.query, ""))
    office: Office = request.app.state.office
    try:
        view = office.subject_view(token)
    except UnauthenticatedError:
        return _forget(page("enter.html", said=MESSAGES["over"]))
    return page("view.html", v=view)


@router.get("/me/receipts/{event}")
def receipt(request: Request, event: Event) -> Response:
    """One receipt, with its QR code."""
    found = _receipt(request, event)
    if isinstance(found, Response):
        return found
    side, path = path_of(found.code)
    return page("receipt.html", r=found, side=side, path=path)


@router.get("/me/receipts/{event}/file")
def receipt_file(request: Request, event: Event) -> Response:
    """The same to keep, as JSON."""
    found = _receipt(request, event)
    if isinstance(found, Response):
        return found
    text = json.dumps(found.document, ensure_ascii=False, indent=2) + "\n"
    name = f'attachment; filename="receipt-{event}.json"'
    return Response(text, media_type="application/json", headers=dict(HEADERS) | {"Content-Disposition": name})


def _receipt(request: Request, event: int) -> SubjectReceipt | Response:
    """A receipt of the session's party, or the page that says why there is none."""
    office: Office = request.app.state.office
    try:
        return office.subject_receipt(request.cookies.get(COOKIE, ""), event)
    except UnauthenticatedError:
        return _forget(page("enter.html", said=MESSAGES["over"]))
    except NotFoundError:
        return RedirectResponse("/me", 303, headers=dict(HEADERS))


@router.post("/me")
def enter(request: Request, form: Form) -> Response:
    """Use up the code, and go on to the view, so that loading it again does not send the code again."""
    if not from_here(request):
        return page("enter.html", 403, said=MESSAGES["elsewhere"])
    try:
        session = redeem(request, form.get("code", ""))
    except NotFoundError:
        return page("enter.html", 404, said=MESSAGES["wrong"])
    except TooManyError as error:
        answer = page("enter.html", error.status, said=f"填错的次数过多，{error.detail}。")
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    response = RedirectResponse("/me", 303, headers=dict(HEADERS))
    response.set_cookie(
        COOKIE, session.token, max_age=MINUTES * 60, path="/me", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.post("/me/logout")
def leave(request: Request) -> Response:
    """End the session at once."""
    if not from_here(request):
        return page("enter.html", 403, said=MESSAGES["elsewhere"])
    token = request.cookies.get(COOKIE)
    if token is not None:
        office: Office = request.app.state.office
        office.end_session(token)
    return _forget(RedirectResponse("/me?left", 303, headers=dict(HEADERS)))


@router.get("/me/portal.css")
def style() -> Response:
    """The style sheet; its address changes with it."""
    return Response(
        STYLE, media_type="text/css",
        headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with its headers."""
    return HTMLResponse(TEMPLATES.get_template(name).render(values), status, headers=dict(HEADERS))


def from_here(request: Request) -> bool:
    """Whether a form was sent from a page of this very site, by all that the browser says of it.

    A caller that says nothing is no browser of the last ten years, and has no one's cookie to misuse.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _forget(response: Response) -> Response:
    response.delete_cookie(COOKIE, path="/me", httponly=True, samesite="strict")
    return response
