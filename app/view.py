"""What a view is, and what it may ask of the window around it.

A view gets the `Frame` and takes everything from it; views do not know each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from PySide6.QtWidgets import QWidget

from app.session import Session
from app.settings import Preferences
from app.widgets.command_palette import Command
from app.widgets.toast import Offer


class Frame(Protocol):
    """The window as its views see it."""

    session: Session
    preferences: Preferences

    @property
    def pages(self) -> QWidget:
        """In what views are made: a widget that gets its parent late is styled twice."""

    def show_view(self, name: str) -> View:
        """Bring a view to the front and return it. Raises KeyError for a name that no view has."""

    def toast(self, text: str, undo: Callable[[], object] | None = None, offer: Offer | None = None) -> None:
        """Say something in passing, with an Undo button where `undo` is given, or with what to do next."""

    def import_models(self, paths: Sequence[str] = (), address: str = "") -> None:
        """Ask which models to import of these paths, or of what other programs keep on this machine."""

    def error(self, error: BaseException) -> None:
        """Show a failure as a banner: what happened, and the details one click away."""


class View(QWidget):
    """A page of the window. Subclasses set the three words and build themselves in `__init__`."""

    name: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame.pages)
        self.frame = frame
        self.session = frame.session
        self.preferences = frame.preferences

    def activated(self) -> None:
        """The view has come to the front: put the focus where typing makes sense."""

    def kept_clear(self) -> int:
        """How many pixels at the bottom a passing message must not cover, because the person works there."""
        return 0

    def use_model(self, model_id: str) -> None:
        """Take this model into use, where the view works with one."""

    def commands(self) -> list[Command]:
        """What the palette offers, whether or not this view is in front.

        Asked for each time the palette opens. The window binds the shortcuts of those there are when the view is made;
        a command that needs its view in front brings it there (`self.frame.show_view(self.name)`).
        """
        return []

    def closing(self) -> None:
        """The window is about to close: write down what must survive."""
