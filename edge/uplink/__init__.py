"""The way to the platform: live first, the backlog in order, frames last."""
