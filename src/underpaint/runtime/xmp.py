"""The XMP packet that says, in words that other programs read, that a trained model made a picture.

Source: ISO 16684-1 (XMP); IPTC Photo Metadata Standard 2025.1, "Digital Source Type" and "AI System Used".
"""

from __future__ import annotations

import html
from dataclasses import dataclass

KEYWORD = "XML:com.adobe.xmp"
"""Keyword of the packet's text chunk in a PNG."""
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
EDITED_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Kind of source of a picture that a trained model has edited."""
NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
SYSTEM = "underpaint"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
    f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{NAMESPACE}"'
    ' Iptc4xmpExt:DigitalSourceType="{source}" Iptc4xmpExt:AISystemUsed="{system}"'
    ' Iptc4xmpExt:AISystemVersionUsed="{release}"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="w"?>'
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a packet says about where a picture comes from.

    Args:
        source_type: The IPTC's address of the kind of source; None if it says nothing.
        system: The system that made it; None if it says nothing.
        release: The version of that system; None if it says nothing.
    """

    source_type: str | None
    system: str | None
    release: str | None


def write_packet(release: str, source_type: str = SOURCE_TYPE) -> str:
    """Return the packet of a picture that underpaint drew.

    Args:
        release: The model's name and digest.
        source_type: The IPTC's address of the kind of source.
    """
    return _PACKET.format(source=source_type, system=SYSTEM, release=html.escape(release))


def read_packet(packet: str) -> Origin:
    """Read what a packet says about a picture's origin, as attributes or as elements.

    Args:
        packet: XML from outside, of limited length.

    Raises:
        ValueError: It is no XML, or defines entities, which could grow without limit.
    """
    from xml.etree import ElementTree as ET

    if "<!" in packet:
        raise ValueError("it holds a declaration, which no packet needs")
    try:
        tree = ET.fromstring(packet.strip("\ufeff\0 \n"))
    except ET.ParseError as error:
        raise ValueError(f"it is no XML ({error})") from None
    found: dict[str, str] = {}
    for node in tree.iter(f"{{{_RDF}}}Description"):
        found |= node.attrib | {child.tag: child.text.strip() for child in node if child.text}
    names = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed")
    source_type, system, release = (found.get(f"{{{NAMESPACE}}}{name}") for name in names)
    return Origin(source_type=source_type, system=system, release=release)
