"""What nodes say to each other, as bytes."""

from signaling.cluster.wire import Bye, Heard, Parcel, decode_parcel, encode_parcel


def test_a_parcel_is_read_as_it_was_written() -> None:
    parcel = Parcel("n1", 7, [Heard(room="42", number=3), Bye()])
    assert decode_parcel(encode_parcel(parcel)) == parcel


def test_a_parcel_of_another_version_is_none() -> None:
    assert decode_parcel(b"\xff not a parcel") is None
    assert decode_parcel(encode_parcel(Parcel("n1", 7, [Bye()]))[:-1]) is None
