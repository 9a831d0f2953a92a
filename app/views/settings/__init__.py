"""The settings page: the window's own preferences, and every setting of the service from its table."""

from app.views.settings.view import SettingsView

__all__ = ["SettingsView"]
