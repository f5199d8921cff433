"""How a publisher that is not Exeunt reaches the viewers: each offer by HTTP. Needs the standard library alone."""

import http.client
from urllib.parse import urlsplit

LIMIT = 20.0  # seconds for an answer


def answer_to(address: str, sdp: str) -> str:
    """Return the answer to an offer, as SDP. Blocks."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=LIMIT)
    try:
        connection.request("POST", "/offer", sdp.encode())
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise ConnectionError(f"the viewers say {response.status}: {text}")
    return text
