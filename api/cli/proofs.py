"""The log: checkpoints, receipts and their verification, witnesses. `xinheng log …`."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.progress import Progress

from api.cli.common import (
    FOUND,
    UNAVAILABLE,
    USAGE,
    As,
    Database,
    Json,
    Key,
    Officer,
    console,
    errors,
    fail,
    office_of,
    out,
    principal_of,
    show,
)

if TYPE_CHECKING:
    from adapters.ledger.tree_check import Checked
    from adapters.office.proofs import Vouched
    from adapters.witness import Witnessed
    from engine.proof.receipt import Confirmed

HEX = re.compile("[0-9a-f]{64}")
LogKeys = Annotated[
    list[str] | None, typer.Option("--log-key", help="日志的公钥（64 位十六进制），须得自别的途径；换过的逐个写")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="存证：检查点、凭证及其核对、见证。", no_args_is_help=True)
    group.command("checkpoint")(checkpoint)
    group.command("prove")(prove)
    group.command("verify")(verify)
    group.command("publication")(publication)
    group.command("keys")(keys)
    group.command("register")(register_witness)
    group.command("revoke")(revoke_witness)
    group.command("witness")(witness)
    app.add_typer(group, name="log")


def checkpoint(
    size: Annotated[
        int | None, typer.Option(min=0, help="某一大小的检查点；默认收录全部待收录的事件后取最新的")
    ] = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """立即收录待收录的事件并签署检查点，显示最新的检查点。"""
    with office_of(db) as office:
        if size is None:
            office.proofs.seal()
        vouched = office.proofs.checkpoint(size)
        if json_:
            made = vouched.sealed.signed.document()
            out(made | {"countersignatures": [c.document() for c in vouched.countersignatures]})
        else:
            _say_checkpoint(vouched)


def _say_checkpoint(vouched: Vouched) -> None:
    found = vouched.sealed.checkpoint
    witnesses = "、".join(sorted({str(c.statement["witness"]) for c in vouched.countersignatures})) or "无"
    show(
        [
            ("日志", found.origin),
            ("事件", str(found.head.size)),
            ("根", f"{found.hash} {found.head.root}"),
            ("时刻", found.at),
            ("公钥", vouched.sealed.signed.key),
            ("副署", witnesses),
        ],
        ("检查点", "内容"),
    )
    rows = [
        (department, kind, str(number))
        for department, kinds in sorted(found.counts.items())
        for kind, number in sorted(kinds.items())
    ]
    show(rows, ("部门", "事件种类", "累计"))


def prove(
    case: Annotated[str, typer.Argument(help="案件号")],
    version: Annotated[int, typer.Argument(min=1, help="案件的第几个事件，即办理后的版本")],
    path: Annotated[Path | None, typer.Option("--out", help="写入的文件；默认输出到屏幕")] = None,
    code: Annotated[Path | None, typer.Option("--qr", help="二维码写入的文件，.svg 或者 .png")] = None,
    size: Annotated[int | None, typer.Option(min=0, help="对着某一大小的检查点证明；默认是最早收录它的")] = None,
    stamped: Annotated[bool, typer.Option("--stamped", help="对着最早的有可信时间戳的检查点证明")] = False,
    key: Key = None,
    department: As = None,
    db: Database = None,
) -> None:
    """一个事件的凭证（JSON）：承诺、收录证明、签名的检查点；可以离线核对。"""
    from engine.proof.compact import pack

    if code is not None and code.suffix not in {".svg", ".png"}:
        fail(USAGE, f"二维码应为 .svg 或者 .png：{code}")
    with office_of(db) as office:
        who = principal_of(office, key, department)
        wanted = office.proofs.first_stamped(who, case, version) if stamped else size
        receipt = office.receipt(who, case, version, wanted)
    try:
        if path is not None:
            path.write_text(json.dumps(receipt, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        if code is not None:
            from adapters.documents.qr import draw

            code.write_bytes(draw(pack(receipt), "svg" if code.suffix == ".svg" else "png"))
    except OSError as error:
        fail(USAGE, f"写不了 {error.filename}：{error.strerror}")
    if path is None:
        out(receipt)
    elif receipt["inclusion"] is None:
        errors.print("[yellow]尚未收录：凭证只有承诺，收录以后再取[/]", highlight=False)


def verify(
    receipt: Annotated[
        Path | None, typer.Argument(help="凭证文件（JSON 或者二维码的文字）；不写则核对整个日志")
    ] = None,
    log_key: LogKeys = None,
    witness_key: Annotated[
        list[str] | None, typer.Option("--witness", help="承认哪个见证人：部门=公钥，可多次")
    ] = None,
    published: Annotated[list[str] | None, typer.Option("--published", help="报上刊登的存证公告，整行")] = None,
    tsa_roots: Annotated[
        Path | None, typer.Option("--tsa-roots", help="时间戳机构的根证书（PEM），用来核对凭证里的可信时间戳")
    ] = None,
    db: Database = None,
    json_: Json = False,
) -> None:
    """核对一份凭证，不用数据库；或者逐条核对整个日志。有一处不符，退出码为 1。"""
    if receipt is not None:
        _verify_receipt(receipt, log_key or [], witness_key or [], published or [], tsa_roots, json_=json_)
        return
    with office_of(db) as office, Progress(transient=True, console=errors) as progress:
        task = progress.add_task("核对", total=None)
        found = office.proofs.verify(lambda done, total: progress.update(task, completed=done, total=total))
    if json_:
        out(asdict(found))
    else:
        rows = [
            ("日志", found.origin),
            ("收录的事件", str(found.size)),
            ("检查点", str(found.checkpoints)),
            ("有副署的", f"至 {found.countersigned}" if found.countersigned else "无"),
            ("可信时间戳", _stamped(found)),
            ("收录晚于承诺的", str(found.late)),
            ("待收录", str(found.waiting)),
            ("逾期未收录", str(found.overdue)),
        ]
        show(rows, ("项目", "结果"))
    if found.problems:
        fail(FOUND, f"有 {len(found.problems)} 处不符", *found.problems)
    if not json_:
        typer.echo("没有不符")


def _stamped(found: Checked) -> str:
    if found.unverified:
        return f"{found.unverified} 个，未核对（设 XINHENG_TSA_URL 和 XINHENG_TSA_ROOTS）"
    return f"至 {found.stamped}，证明不晚于 {found.proved_at}" if found.stamped else "无"


def _verify_receipt(
    path: Path,
    log_keys: list[str],
    witness_keys: list[str],
    published: list[str],
    tsa_roots: Path | None,
    *,
    json_: bool,
) -> None:
    from adapters.timestamping import TimestampError
    from engine.proof.checkpoint import read_publication
    from engine.proof.compact import PREFIX, unpack
    from engine.proof.receipt import verify as verify_receipt
    from engine.proof.signed import ProofError

    if not log_keys:
        fail(USAGE, "须以 --log-key 写明日志的公钥；公钥不能取自凭证本身")
    witnesses: dict[str, list[str]] = {}
    for given in witness_keys:
        name, separator, key = given.partition("=")
        if not separator:
            fail(USAGE, f"应为 部门=公钥：{given}")
        witnesses.setdefault(name, []).append(key)
    try:
        written = path.read_text(encoding="utf-8")
        document = unpack(written.rstrip("\r\n")) if written.startswith(PREFIX) else json.loads(written)
        if not isinstance(document, dict):
            raise ProofError("malformed", "不是凭证")  # noqa: TRY301 - told with the others
        printed = dict(map(read_publication, published))
        promise = document.get("promise")
        origin = promise["statement"]["origin"] if isinstance(promise, dict) else None
        roots = {head.size: head.root for name, head in printed.items() if name == origin}
        found = verify_receipt(document, [k.lower() for k in log_keys], witnesses=witnesses, published=roots)
        proved_at = _proved_at(document, tsa_roots)
    except OSError as error:
        fail(USAGE, f"读不到 {path}：{error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        fail(FOUND, "不是凭证", f"{type(error).__name__}")
    except ProofError as error:
        fail(FOUND, "凭证不成立", str(error))
    except TimestampError as error:
        fail(FOUND, "可信时间戳不成立", str(error))
    if json_:
        out(asdict(found) | {"proved_at": proved_at})
    else:
        _say_confirmed(found, proved_at or ("有，未核对（--tsa-roots 根证书）" if document.get("timestamp") else "无"))


def _proved_at(document: dict[str, Any], roots: Path | None) -> str | None:
    """When the checkpoint of a receipt stood by the authority's clock; None: not stamped, or no roots are given."""
    from adapters.timestamping import TrustedRoots
    from engine.proof.signed import canonical

    token = document.get("timestamp")
    if token is None or roots is None or document.get("checkpoint") is None:
        return None
    statement = canonical(document["checkpoint"]["statement"])
    return TrustedRoots(roots).time_of(base64.b64decode(token, validate=True), statement)


def _say_confirmed(found: Confirmed, stamped: str) -> None:
    rows = [
        ("日志", found.origin),
        ("案件", f"{found.case} 的第 {found.version} 个事件"),
        ("事件的哈希", found.event),
        ("承诺收录不晚于", found.included_by),
    ]
    if found.head is None:
        show([*rows, ("收录", "凭证没有收录证明；承诺的签名有效")], ("凭证", "有效"))
        return
    kept = {True: "守诺", False: "收录晚于承诺", None: "检查点的时刻见公告"}[found.kept]
    rows += [
        ("收录", f"第 {found.number} 片叶子，树大小 {found.head.size}；{kept}"),
        ("根", found.head.root),
        ("副署", "、".join(found.witnesses) or "没有承认的见证人"),
        ("可信时间戳", stamped),
    ]
    show(rows, ("凭证", "有效"))


def publication(
    on: Annotated[str, typer.Option("--on", help="哪一天（YYYY-MM-DD，北京时间）的最后一个检查点；默认是最新的")] = "",
    db: Database = None,
) -> None:
    """每日存证公告：一行文字，可以登报。"""
    from adapters.office.ports import beginning_of

    try:
        before = beginning_of(dt.date.fromisoformat(on) + dt.timedelta(days=1)) if on else None
    except (OverflowError, ValueError):
        fail(USAGE, f"应为 2026-01-31 这样的日期：{on}")
    with office_of(db) as office:
        typer.echo(office.proofs.publication(before))


def keys(db: Database = None, json_: Json = False) -> None:
    """日志的公钥和登记的见证人。"""
    with office_of(db) as office:
        found = office.proofs.keys()
    if json_:
        out(asdict(found))
        return
    typer.echo(f"日志 {found.origin}，{found.hash or '尚无检查点'}，承诺 {found.delay} 秒内收录")
    spans = [
        (k.key, "尚无检查点" if k.first is None else f"{k.first} 至 {k.last}", "现用" if k.current else "已停用")
        for k in found.keys
    ]
    show(spans, ("日志的公钥", "所签的检查点", ""))
    rows = [(w.department, w.key, w.registered_at, w.revoked_at or "") for w in found.witnesses]
    show(rows, ("见证人", "公钥", "登记", "吊销"))


def register_witness(
    department: Annotated[str, typer.Argument(help="见证的部门")],
    key: Annotated[str, typer.Argument(help="它的公钥：在它那里运行 xinheng log witness --show-key")],
    officer: Officer = "",
    db: Database = None,
    json_: Json = False,
) -> None:
    """登记见证人的公钥，此后它可以副署检查点。"""
    if not officer.strip():
        fail(USAGE, "须以 --officer 写明经办人")
    with office_of(db) as office:
        made = office.proofs.register_witness(department, key.lower(), officer)
    if json_:
        out(asdict(made))
    else:
        typer.echo(f"已登记 {made.department} 的公钥 {made.key}")


def revoke_witness(
    key: Annotated[str, typer.Argument(help="见证人的公钥")], db: Database = None, json_: Json = False
) -> None:
    """吊销见证人的公钥；此前的副署仍然有效。"""
    with office_of(db) as office:
        gone = office.proofs.revoke_witness(key.lower())
    if json_:
        out(asdict(gone))
    else:
        typer.echo(f"已吊销 {gone.department} 的公钥 {gone.key}")


def witness(
    url: Annotated[str, typer.Argument(help="日志所在服务的地址，如 https://credit.example.gov.cn")] = "",
    department: Annotated[str, typer.Option("--as", help="见证的部门，与登记的相同")] = "",
    state: Annotated[Path, typer.Option("--state", help="记住上次检查点的文件；须在日志方改不到的地方")] = Path(
        "witness.json"
    ),
    key_file: Annotated[Path, typer.Option("--key-file", help="见证人的私钥文件，没有则新建")] = Path(
        "witness-key.pem"
    ),
    log_key: LogKeys = None,
    show_key: Annotated[bool, typer.Option("--show-key", help="只显示见证人的公钥，供日志方登记")] = False,
    json_: Json = False,
) -> None:
    """见证一次：核对日志自上次以来只增不改，然后副署。不一致或者变短的，不副署，留下证据，退出码为 1。"""
    from adapters.signing import FileSigner, SigningKeyError
    from adapters.witness import InconsistentLogError, WitnessStateError, write_evidence

    signer = FileSigner(key_file)
    try:
        if show_key:
            typer.echo(signer.public_key)
            return
        if not url or not department:
            fail(USAGE, "须写明日志的地址和 --as 部门")
        if any(not HEX.fullmatch(k.lower()) for k in log_key or ()):
            fail(USAGE, "--log-key 应为 64 位十六进制")
        found = _visit(url, state, department, signer, [k.lower() for k in log_key or ()])
    except InconsistentLogError as error:
        _alarm(state, error, write_evidence)
    except (SigningKeyError, WitnessStateError) as error:
        fail(UNAVAILABLE, "没有副署", str(error))
    if json_:
        out(found.countersignature.document())
    else:
        _say_witnessed(found)


def _visit(url: str, state: Path, department: str, signer: Any, log_keys: list[str]) -> Witnessed:
    import httpx

    from adapters.office.ports import instant
    from adapters.witness import TIMEOUT, witness
    from api.clock import now
    from engine.proof.signed import ProofError

    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT) as log:
            return witness(log, state, department=department, signer=signer, now=instant(now()), log_keys=log_keys)
    except httpx.HTTPStatusError as error:
        told = error.response.headers.get("content-type", "").startswith("application/problem+json")
        problem = error.response.json() if told else {}
        fail(
            UNAVAILABLE, f"日志拒绝：{error.response.status_code} {problem.get('title', '')}",
            *filter(None, [problem.get("detail", "")]),
        )  # fmt: skip
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(UNAVAILABLE, f"连不上日志 {url}", type(error).__name__)
    except ProofError as error:
        fail(UNAVAILABLE, "日志的答复读不懂，没有副署", str(error))


def _alarm(state: Path, error: Any, write_evidence: Any) -> NoReturn:
    beside = write_evidence(state, error)
    fail(
        FOUND,
        f"警报：{error}",
        "没有副署。证据（日志先后签名的检查点）已存入：",
        str(beside.resolve()),
        "请保管好这份文件和见证人的记录文件，立即告知日志方的上级和其他见证人。",
    )


def _say_witnessed(found: Witnessed) -> None:
    for key in found.log_keys:
        console.print(
            f"日志的公钥 {key}{'（首次，日志自称，请以别的途径核对）' if found.first else ''}", highlight=False
        )
    grown = found.checkpoint.head.size - (found.before.head.size if found.before is not None else 0)
    since = "（首次）" if found.before is None else f"，比上次多 {grown} 条，历史没有改动"
    console.print(f"已副署 {found.checkpoint.origin} 的 {found.checkpoint.head.size} 条{since}", highlight=False)
