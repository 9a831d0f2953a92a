"""Qt item models behind the views."""
