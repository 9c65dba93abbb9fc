from __future__ import annotations

import pytest

from underpaint.runtime import xmp

AS_ELEMENTS = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType> http://example.org/other </Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def test_what_is_written_is_read_again():
    origin = xmp.read_packet(xmp.write_packet('a "model" & <more> ☃'))
    assert origin == xmp.Origin(source_type=xmp.SOURCE_TYPE, system="underpaint", release='a "model" & <more> ☃')
    assert xmp.SOURCE_TYPE.endswith("/trainedAlgorithmicMedia")


def test_elements_count_as_attributes_do():
    assert xmp.read_packet(AS_ELEMENTS).source_type == "http://example.org/other"
    assert xmp.read_packet(AS_ELEMENTS).system is None


def test_other_namespaces_say_nothing():
    foreign = xmp.write_packet("x").replace("iptc.org", "example.org")
    assert xmp.read_packet(foreign) == xmp.Origin(source_type=None, system=None, release=None)


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "nonsense",
        xmp.write_packet("x")[:-40],
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        "<x>&undefined;</x>",
    ],
)
def test_hostile_packets_are_refused(packet):
    with pytest.raises(ValueError, match=r"it is no XML|declaration"):
        xmp.read_packet(packet)
