"""Classify one text or a list of texts with a trained classifier."""

from app.views.classify.view import ClassifyView

__all__ = ["ClassifyView"]
