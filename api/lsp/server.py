"""The language server's side of the protocol: each request is looked up in a session and answered from a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from adapters.authoring.format import FormatError, format_text
from api.lsp import completing, hovering, publishing, renaming, symbols
from api.lsp.index import File, Index, Seen
from api.lsp.positions import Encoding, extent, piece_at
from api.lsp.project import Files, View, lines
from api.lsp.session import Deep, Room, Session

REQUEST_FAILED = -32803
TRIGGERS = [":", " ", "[", "{", ",", "-"]
Answer = Callable[..., Any]
Positioned = lsp.DefinitionParams | lsp.ReferenceParams | lsp.DocumentHighlightParams


class PolicyServer(LanguageServer):
    """The server. `session` is what it knows."""

    def __init__(self, deep: Deep | None = None) -> None:
        super().__init__("xinheng", version("xinheng"), text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.session = Session(self.text_document_publish_diagnostics, deep)

    async def ask(self, answer: Answer, uri: str, *args: Any) -> Any:
        """What `answer(view, files, path, *args)` gives for a policy file, as its text is now; else `None`."""
        found = self.session.find(uri)
        if found is None:
            return None
        room, path = found
        await room.ready.wait()
        return await self.session.run(answer, room.view, room.project.files, path, *args)


def create_server(deep: Deep | None = None) -> PolicyServer:
    """A server with all its features. `deep`: what to run in the background once nobody has typed for a while."""
    server = PolicyServer(deep)
    _lifecycle(server)
    _documents(server)
    _reading(server)
    _changing(server)
    return server


def _lifecycle(server: PolicyServer) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        server.session.encoding = Encoding(server.workspace.position_encoding or lsp.PositionEncodingKind.Utf16)
        shown = params.capabilities.text_document and params.capabilities.text_document.publish_diagnostics
        server.session.related = bool(shown and shown.related_information)

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        server.session.set_folders(_folders(server))
        able = server.client_capabilities.workspace
        watched = able and able.did_change_watched_files
        if watched and watched.dynamic_registration:
            options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher("**/*.yaml")])
            kind = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = lsp.Registration("policy-files", kind, options)
            await server.client_register_capability_async(lsp.RegistrationParams([registration]))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        server.session.set_folders(_folders(server))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(_: lsp.DidChangeWatchedFilesParams) -> None:
        server.session.disk_changed()


def _folders(server: PolicyServer) -> list[Path]:
    uris = list(server.workspace.folders) or [server.workspace.root_uri]
    return [Path(path) for uri in uris if uri and (path := to_fs_path(uri))]


def _documents(server: PolicyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.session.opened(document.uri, document.text, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        server.session.changed(document.uri, server.workspace.get_text_document(document.uri).source, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        server.session.closed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(_: lsp.DidSaveTextDocumentParams) -> None:
        server.session.disk_changed()


def _reading(server: PolicyServer) -> None:
    def at(view: View, files: Files, path: str, position: lsp.Position) -> tuple[Index, File, Seen, lsp.Range] | None:
        """What stands at a position: the index, the file, the key or scalar, and its range."""
        index = view.index(files)
        file, text = index.files.get(path), lines(files, path)
        found = hovering.seen_at(file, text, *server.session.encoding.place(text, position)) if file else None
        if file is None or found is None:
            return None
        return index, file, found[0], server.session.encoding.range(text, found[0].span.line, *found[1])

    def locations(room: Room, files: Files, places: Sequence[tuple[File, Seen]]) -> list[lsp.Location]:
        found = []
        for file, seen in places:
            text = lines(files, file.path)
            ends = extent(text, seen.span, seen.text) or piece_at(text, seen.span)
            span = server.session.encoding.range(text, seen.span.line, *ends)
            found.append(lsp.Location(room.address(file.path), span))
        return found

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=TRIGGERS))
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        encoding = server.session.encoding
        result: lsp.CompletionList | None = await server.ask(
            completing.complete, params.text_document.uri, params.position, encoding
        )
        return result

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        def answer(view: View, files: Files, path: str) -> lsp.Hover | None:
            found, text = at(view, files, path, params.position), lines(files, path)
            parts = (
                [hovering.hover(found[0], found[2], view.compiled.draft if view.compiled else None)] if found else []
            )
            place = server.session.encoding.place(text, params.position)
            parts += hovering.faults(view.compiled.diagnostics if view.compiled else (), text, path, *place)
            said = "\n\n---\n\n".join(filter(None, parts))
            content = lsp.MarkupContent(lsp.MarkupKind.Markdown, said)
            return lsp.Hover(content, found[3] if found else None) if said else None

        result: lsp.Hover | None = await server.ask(answer, params.text_document.uri)
        return result

    async def mentions(
        params: Positioned, choose: Callable[[Index, Seen], Sequence[tuple[File, Seen]]]
    ) -> list[lsp.Location] | None:
        def answer(view: View, files: Files, path: str) -> list[lsp.Location] | None:
            found, room = at(view, files, path, params.position), server.session.find(params.text_document.uri)
            if found is None or room is None or found[2].name is None:
                return None
            return locations(room[0], files, choose(found[0], found[2]))

        result: list[lsp.Location] | None = await server.ask(answer, params.text_document.uri)
        return result

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: lsp.DefinitionParams) -> list[lsp.Location] | None:
        return await mentions(
            params, lambda index, seen: index.definitions(index.linked(seen.name)) if seen.name else []
        )

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def references(params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        whole = params.context.include_declaration
        return await mentions(
            params,
            lambda index, seen: (
                [m for m in index.mentions(index.linked(seen.name)) if whole or not m[1].defining] if seen.name else []
            ),
        )

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight] | None:
        uri = params.text_document.uri
        found = await mentions(
            params, lambda index, seen: [*index.mentions(index.linked(seen.name))] if seen.name else []
        )
        return [lsp.DocumentHighlight(place.range) for place in found if place.uri == uri] if found else None

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbol(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
        def answer(view: View, files: Files, path: str) -> list[lsp.DocumentSymbol]:
            file = view.index(files).files.get(path)
            return symbols.outline(file, lines(files, path), server.session.encoding) if file else []

        result: list[lsp.DocumentSymbol] | None = await server.ask(answer, params.text_document.uri)
        return result


def _changing(server: PolicyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION)
    def action(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return [*publishing.quick_fixes(params.text_document.uri, params.context.diagnostics)]

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        def answer(view: View, files: Files, path: str) -> lsp.PrepareRenamePlaceholder | None:
            found = _named(server, view, files, path, params.position)
            if found is None:
                return None
            index, seen, span = found
            assert seen.name is not None
            renaming.check_renameable(index, seen.name)
            return lsp.PrepareRenamePlaceholder(span, seen.text)

        result: lsp.PrepareRenamePlaceholder | None = await _refusing(server.ask(answer, params.text_document.uri))
        return result

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        def answer(view: View, files: Files, path: str) -> lsp.WorkspaceEdit | None:
            found, room = (
                _named(server, view, files, path, params.position),
                server.session.find(params.text_document.uri),
            )
            if found is None or room is None:
                return None
            index, seen, _ = found
            assert seen.name is not None
            done = renaming.rename(view, files, index, seen.name, params.new_name)
            return _edit(server, room[0], files, done)

        result: lsp.WorkspaceEdit | None = await _refusing(server.ask(answer, params.text_document.uri))
        return result

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def formatting(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        def answer(_: View, files: Files, path: str) -> list[lsp.TextEdit]:
            done = format_text(path, files.get(path, ""))
            text = lines(files, path)
            whole = lsp.Range(lsp.Position(0, 0), server.session.encoding.position(text, len(text), len(text[-1]) + 1))
            return [lsp.TextEdit(whole, done.text)] if done.text is not None and done.text != files.get(path) else []

        result: list[lsp.TextEdit] | None = await _refusing(server.ask(answer, params.text_document.uri))
        return result


def _named(
    server: PolicyServer, view: View, files: Files, path: str, position: lsp.Position
) -> tuple[Index, Seen, lsp.Range] | None:
    index, text = view.index(files), lines(files, path)
    file = index.files.get(path)
    found = hovering.seen_at(file, text, *server.session.encoding.place(text, position)) if file else None
    if found is None or found[0].name is None:
        return None
    return index, found[0], server.session.encoding.range(text, found[0].span.line, *found[1])


async def _refusing(answer: Any) -> Any:
    """An answer, or the reason why there is none as the protocol's error."""
    try:
        return await answer
    except (renaming.RefusedError, FormatError) as error:
        raise JsonRpcException(str(error), REQUEST_FAILED) from None


def _edit(server: PolicyServer, room: Room, files: Files, done: renaming.Renaming) -> lsp.WorkspaceEdit:
    """A renaming as the protocol has it. An editor that cannot move files cannot rename what a file bears."""
    able = server.client_capabilities.workspace and server.client_capabilities.workspace.workspace_edit
    moves = lsp.ResourceOperationKind.Rename in ((able and able.resource_operations) or ())
    if done.moves and not moves:
        message = f"编辑器不能随改名移动文件 {'、'.join(done.moves)}，请改用支持的编辑器"
        raise renaming.RefusedError(message)
    edits = {}
    for path, places in done.places.items():
        text = lines(files, path)
        edits[path] = [lsp.TextEdit(server.session.encoding.range(text, *place), done.text) for place in places]
    if not (moves or (able and able.document_changes)):  # some editors only say that they can move files
        return lsp.WorkspaceEdit(changes={room.address(path): changes for path, changes in edits.items()})
    documents = [
        lsp.TextDocumentEdit(
            lsp.OptionalVersionedTextDocumentIdentifier(room.address(path), room.versions.get(path)), changes
        )
        for path, changes in edits.items()
    ]
    renames = [lsp.RenameFile(room.address(old), (room.project.root / new).as_uri()) for old, new in done.moves.items()]
    return lsp.WorkspaceEdit(document_changes=[*documents, *renames])
