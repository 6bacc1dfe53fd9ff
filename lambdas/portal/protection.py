"""What an answer tells the browser to refuse: scripts, frames and addresses that are not ours."""

from __future__ import annotations


def headers(sign_in_url: str, *, send_to: str = "", microphone: bool = False) -> dict[str, str]:
    """What every answer carries. Signing out leads to the sign-in service, so forms may go there.

    `send_to` and `microphone` are for the pages that record: the origin that its script may
    send a recording to, and the microphone.

    Sources: OWASP Secure Headers Project; CSP Level 3. `no-store` keeps clinical text out of every
    cache, the browser's own included. `no-referrer` would turn the `Origin` of our own forms into
    `null`, so it is `same-origin`.
    """
    connect = " ".join(filter(None, ("'self'", send_to)))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {connect}; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {sign_in_url}"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": (
            f"camera=(), geolocation=(), microphone=({'self' if microphone else ''})"
        ),
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
