"""Whom a call over TLS trusts: what the machine trusts, which a hospital may have added to."""

import ssl
from functools import lru_cache

import httpx


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Return the authorities that come with the program and those of this machine.

    A hospital's proxy that reads what passes signs with an authority that only its machines know;
    `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. Shared by all calls of a process.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def why(error: httpx.HTTPError) -> str:
    """Return the error in words, with the mend when it is about trust."""
    words = str(error) or type(error).__name__
    if "certificate verify failed" not in words:
        return words
    return (
        f"{words}. If your network's proxy reads what passes, its authority must be among those "
        "that this machine trusts, or be named by SSL_CERT_FILE"
    )
