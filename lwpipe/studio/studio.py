"""Open the studio: the server, the page, and what stands between them and the world."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from types import TracebackType

import viser
from websockets.http11 import Response

from lwpipe.editor import Editor
from lwpipe.studio.album import Album, not_found
from lwpipe.studio.guard import Door, bound_uploads, guarded, keep_at_home
from lwpipe.studio.page import Page
from lwpipe.studio.tabs import parts, shape, show
from lwpipe.studio.workbench import MAX_UPLOAD, Workbench


class Studio:
    """A running studio; a context manager.

    Parameters
    ----------
    editor : Editor
    autosave : file that the session is kept in; None: it is not kept
    host : to listen on
    port : to listen on; the next free one is taken
    token : that a browser must bring; None: none
    title : over the panel

    Attributes
    ----------
    bench, page : what it does, and shows
    port : that it listens on
    """

    def __init__(
        self,
        editor: Editor,
        autosave: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 8080,
        token: str | None = None,
        title: str = "lwpipe studio",
    ) -> None:
        self.bench = Workbench(editor, autosave)
        self.album: Album | None = None
        # What viser prints about its address lacks the token.
        with guarded(Door(host, token, self._picture)), contextlib.redirect_stdout(io.StringIO()):
            self.server = viser.ViserServer(host, port, label=title, verbose=False)
        self.port: int = self.server.get_port()
        keep_at_home(self.server)
        self.page = Page(self.server, self.bench)
        album = self.album = Album(self.bench, self.page.draw)
        bound_uploads(self.server, MAX_UPLOAD, lambda client, said: self.page.say(said, client))
        self._build(album)
        self.page.start()

    async def _picture(self, path: str) -> Response:
        return not_found() if self.album is None else await self.album.answer(path)

    def _build(self, album: Album) -> None:
        gui = self.server.gui
        gui.configure_theme(
            show_logo=False, show_share_button=False, brand_color=(160, 98, 66), dark_mode=False
        )
        gui.main_panel.dock_right()
        gui.main_panel.set_width(400)
        self.page.script()
        show.history_row(self.page)
        group = gui.add_tab_group()
        with group.add_tab("Parts"):
            parts.face_tab(self.page, album)
        with group.add_tab("Pull"):
            shape.handle_tab(self.page)
        with group.add_tab("Measure"):
            shape.measure_tab(self.page)
        with group.add_tab("Look"):
            show.look_tab(self.page)
        with group.add_tab("Save"):
            show.file_tab(self.page)
        with group.add_tab("Steps"):
            show.history_tab(self.page, album)

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was asked for, save, and stop."""
        self.page.stop()
        self.bench.save()
        with contextlib.redirect_stdout(io.StringIO()):
            self.server.stop()
