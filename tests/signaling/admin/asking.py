"""How the tests ask the admin API."""

from typing import Any

from signaling.messages import Ack
from tests.signaling.client import Client, Place

KEY = "a key of thirty-two letters, sure"  # of tokens
ADMIN_KEY = "an-admin-key-for-the-tests"


async def ask(
    place: Place, method: str, path: str, body: object = None, *, bearer: str | None = None, **headers: str
) -> tuple[int, Any]:
    """Return the status and what is answered."""
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    given = {} if body is None else {"json": body}
    async with place.http.request(method, f"{place.url}/api/{path}", headers=headers, **given) as response:
        assert response.content_type == "application/json", await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, await response.json()


async def acknowledge(client: Client) -> Any:
    """Hear something and say that it has been taken in."""
    message = await client.hear()
    await client.say(Ack(seq=message.seq))  # type: ignore[union-attr] # the test knows what comes
    return message
