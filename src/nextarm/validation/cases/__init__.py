"""The validation cases, one module a room, joined here by hand: no scanning."""
