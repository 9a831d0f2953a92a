"""One window per data folder: the first holds a lock and listens, a later start asks it to come to the front."""

from __future__ import annotations

import hashlib
import os

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from sidecar.paths import Paths

ANSWER_MS = 2000


class SingleInstance(QObject):
    """The lock of one data folder.

    Signals:
        raise_wanted: the application was started again; its window should come to the front.
    """

    raise_wanted = Signal()

    def __init__(self, paths: Paths, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = server_name(paths)
        self._lock = QLockFile(str(paths.window_lock_file))
        self._lock.setStaleLockTime(0)  # only a process that is gone makes a lock stale, never its age
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def claim(self) -> bool:
        """Become the one window of this folder; False when another is."""
        if not self._lock.tryLock(0):
            return False
        QLocalServer.removeServer(self._name)  # left behind by a window that was killed
        self._server.listen(self._name)
        return True

    def raise_first(self) -> bool:
        """Ask the window that has the lock to come to the front; False when it does not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(ANSWER_MS):
            return False
        socket.disconnectFromServer()
        return True

    def release(self) -> None:
        """Let the next start be the first."""
        self._server.close()
        self._lock.unlock()

    def _on_connection(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.raise_wanted.emit()


def server_name(paths: Paths) -> str:
    """Short enough for a socket's path, and one for each data folder and user."""
    folder = os.path.realpath(paths.runtime_dir)
    return "inglenook-" + hashlib.sha256(f"{_user()}:{folder}".encode()).hexdigest()[:20]


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
