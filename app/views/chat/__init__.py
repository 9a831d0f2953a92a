"""The Chat view."""

from app.views.chat.view import ChatView

__all__ = ["ChatView"]
