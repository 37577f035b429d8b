"""Letters and messages: what goes out to parties, and what departments are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from adapters.office.model import PAGE_LIMIT
from api.http.calls import LINK, CallNow, LookNow
from api.http.cases import CaseId
from api.http.obligations import ObligationId
from api.http.problems import MEDIA_TYPE
from api.http.procedure_responses import LetterOut, LettersOut, MessageOut, MessagesOut
from api.http.requests import SlipIn

router = APIRouter(prefix="/v1")
Form = Literal["pdf", "docx"]
FORMS: dict[Form, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
TEXT = {"schema": {"type": "string"}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "按 Accept 给出 PDF 或 Word 文档；没有 Accept 的给出 PDF",
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in FORMS.values()},
        "headers": {
            "ETag": TEXT | {"description": "文件的 SHA-256"},
            "Content-Disposition": TEXT | {"description": "文件名，取自文号"},
        },
    },
    304: {"description": "未变化"},
    406: {
        "description": "不能以所要的形式给出",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}


@router.get("/cases/{case}/letters", tags=["letters"], summary="案件的文书", response_model=LettersOut)
def letters(case: CaseId, call: LookNow) -> LettersOut:
    """告知书、决定书、信用修复告知书、答复、移出告知；实施部门只见自己的回执。"""
    found = call.office.letters(call.principal(), case)
    return LettersOut(items=[LetterOut.of(x) for x in found])


@router.get("/letters/{letter}", tags=["letters"], summary="一份文书", response_class=Response, responses=FILE)
def letter(
    letter: Annotated[str, Path(max_length=200, description="文书编号")], call: LookNow, request: Request
) -> Response:
    """首次下载时生成，此后逐字节相同。"""
    principal = call.principal()
    form = accepted(request.headers.get("accept", "*/*"))
    if form is None:
        raise HTTPException(406)
    view, body = call.office.letter(principal, letter, form)
    headers = {"ETag": f'"{getattr(view, form)}"', "Vary": "Accept"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    name = f"{file_name(view.number)}.{form}"
    headers["Content-Disposition"] = f"attachment; filename=\"{view.kind}.{form}\"; filename*=UTF-8''{quote(name)}"
    return Response(body, media_type=FORMS[form], headers=headers)


def accepted(accept: str) -> Form | None:
    """The form that an `Accept` likes best, PDF where it has no preference; None when it takes neither."""
    liked: list[tuple[float, Form]] = []
    for media, quality in _media_ranges(accept):
        for form, type_ in FORMS.items():
            if media in {type_, "application/*", "*/*"} and quality > 0:
                liked.append((-quality, form))
                break
    return min(liked, key=lambda x: x[0])[1] if liked else None


def _media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Each media range with its quality; 1 where none is given, or none that is a number."""
    for part in accept.split(","):
        media, *parameters = (p.strip().lower() for p in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield media, float(quality)
        except ValueError:
            yield media, 1.0


def file_name(number: str) -> str:
    """A letter's number as the name of a file: what no file system or shell takes amiss, and never empty."""
    name = "".join(c if c.isalnum() or c in "〔〕（）()[]-_ " else "-" for c in number).strip(" -")
    return name[:80] or "letter"


@router.post(
    "/obligations/{obligation}/slip", tags=["letters"], summary="开具响应回执", status_code=201,
    response_model=LetterOut,
    responses={201: {"headers": {"Location": TEXT}, "description": "已开具"}},
)  # fmt: skip
def slip(obligation: ObligationId, body: SlipIn, call: CallNow, response: Response) -> LetterOut:
    """实施部门就一项事项的现状向发起部门开具回执。"""
    made = call.office.response_slip(call.principal(body.officer), obligation)
    response.headers["Location"] = f"/v1/letters/{made.id}"
    return LetterOut.of(made)


@router.get(
    "/messages", tags=["messages"], summary="消息", response_model=MessagesOut,
    responses={200: {"headers": LINK, "description": "一页"}},
)  # fmt: skip
def messages(
    call: LookNow,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
    after: Annotated[str | None, Query(max_length=500, description="上一页给出的游标")] = None,
) -> MessagesOut:
    """告知本部门的：期限、督办、异议、须解除的措施；最近的在前。"""
    page = call.office.messages(call.principal(), after=after, limit=limit)
    if page.next is not None:
        response.headers["Link"] = f'</v1/messages?{urlencode({"limit": limit, "after": page.next})}>; rel="next"'
    return MessagesOut(items=[MessageOut.of(m) for m in page.items], next=page.next)
