"""The room's validation cases hold."""

from __future__ import annotations
