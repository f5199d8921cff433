"""The keys that tokens are signed and verified with. A core.

A key says itself which algorithm it is for, so that no token can choose one:

    any text                    HS256: whoever can verify can sign as well
    a public key in PEM         EdDSA (Ed25519): it verifies, and cannot sign
    a private key in PEM        EdDSA: it signs, and verifies

Several keys are valid at once, so that they can be changed: see `SignalingConfig.keys`.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes longer to load than all else here, and is not needed for HS256
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MIN_KEY = 16  # characters: what is shorter can be guessed from one token
FULL_KEY = 32  # bytes: what RFC 7518 wants for HS256
KEY_ID_PATTERN = r"[A-Za-z0-9._-]{1,64}"


@dataclass(frozen=True)
class Key:
    """One key, and the `id` that tokens name it by (`kid`, RFC 7515); without one it is tried with every token.

    Raises `ValueError` for what is no key.
    """

    text: str = field(repr=False)
    id: str | None = None

    def __post_init__(self) -> None:
        if self.id is not None and not re.fullmatch(KEY_ID_PATTERN, self.id):
            raise ValueError(f"a key's id is 1 to 64 of A-Z a-z 0-9 . _ -, not {self.id!r}")
        if not self.is_pem and len(self.text) < MIN_KEY:
            raise ValueError(f"key must have at least {MIN_KEY} characters")
        assert self.verifying is not None  # what is no PEM is found out now

    @property
    def is_pem(self) -> bool:
        """Whether this is half of a pair of keys."""
        return self.text.lstrip().startswith("-----BEGIN")

    @property
    def algorithm(self) -> str:
        """The only algorithm that it is for, by its name in RFC 7518 and RFC 8037."""
        return "EdDSA" if self.is_pem else "HS256"

    @property
    def is_weak(self) -> bool:
        """Whether it is shorter than it should be."""
        return not self.is_pem and len(self.text.encode()) < FULL_KEY

    def fits(self, key_id: str | None) -> bool:
        """Whether a token that names its key so may have been signed with this one."""
        return self.id is None or key_id is None or self.id == key_id

    @cached_property
    def signing(self) -> "bytes | Ed25519PrivateKey":
        """What signs. Raises `ValueError` for a public key."""
        if not self.is_pem:
            return _padded(self.text)
        private, _ = _pair(self.text)
        if private is None:
            raise ValueError("a public key signs nothing: give the private one")
        return private

    @cached_property
    def verifying(self) -> "bytes | Ed25519PublicKey":
        """What verifies."""
        return _pair(self.text)[1] if self.is_pem else _padded(self.text)


def _pair(pem: str) -> "tuple[Ed25519PrivateKey | None, Ed25519PublicKey]":
    """Return the halves that are known of a pair of keys: of a public one, only that."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    try:
        is_private = "PRIVATE KEY-" in pem
        found = load_pem_private_key(pem.encode(), None) if is_private else load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("key is no Ed25519 key in PEM, without a password") from None
    if isinstance(found, Ed25519PrivateKey):
        return found, found.public_key()
    if isinstance(found, Ed25519PublicKey):
        return None, found
    raise ValueError("key is no Ed25519 key: of the keys in PEM, only those are used")


def _padded(text: str) -> bytes:
    """Return the key with the zeros that HMAC would append anyway (RFC 2104); PyJWT warns of keys below 32 bytes."""
    return text.encode().ljust(FULL_KEY, b"\0")
