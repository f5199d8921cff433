"""Whether media really flow."""

import math

from peer.cli.flow import FRESH, Flow


def test_media_flow_while_every_source_gives_frames() -> None:
    flow = Flow()
    assert flow.look([0.0, FRESH - 1], {})
    assert not flow.look([0.0, FRESH], {})
    assert not flow.look([0.0, math.inf], {})
    assert not flow.look([], {})


def test_media_do_not_flow_when_no_viewer_is_sent_anything_any_more() -> None:
    flow = Flow()
    assert flow.look([0.0], {1: 10, 2: 20})  # new streams have time until the next look
    assert flow.look([0.0], {1: 10, 2: 21})  # one viewer may be slow
    assert not flow.look([0.0], {1: 10, 2: 21})
    assert flow.look([0.0], {3: 0})
    assert not flow.look([0.0], {3: 0, 4: 5})
    assert flow.look([0.0], {})
