"""Addresses that leave the console: in e-mails, or copied by a member who passes them on."""

from frontdesk.core.services import Services


def invitation_address(services: Services, token: str) -> str:
    """Return where an invited person joins."""
    return f"{services.public_url}/console/join?token={token}"


def reset_address(services: Services, token: str) -> str:
    """Return where a member sets a new password."""
    return f"{services.public_url}/console/new-password?token={token}"
