"""XML: elements at a path are rows, streamed; entities and what lies elsewhere are refused (law P4)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import pyarrow as pa
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from etl.catalog import SourceTable
from etl.catalog.files import Xml
from etl.errors import FileFault
from etl.sources.files.rows import RowBuffer, readable
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Metered, Part
from etl.sources.files.xml_names import XmlNames
from etl.sources.files.xml_places import SeveralValues, Way, place_of

MAX_DEPTH = 200


def read_xml(
    part: Part, form: Xml, table: SourceTable, shape: FileShape, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of a part, all values text; what a record does not have, or ``xsi:nil``, is NULL.

    A record with several values where a column holds one has a fault; a column of type ``json`` holds them
    all, as a list.

    Raises:
        FileFault: The document is broken, declares entities, has another root than declared, or a field
            that is new against the policy.
    """
    names = XmlNames(form.namespaces)
    places = [place_of(label, table.columns[name].type, names) for name, label in shape.labels.items()]
    stream = part.open()
    buffer = RowBuffer(list(shape.labels), batch_rows, stream)
    for way in _records(stream, form, names):
        shape.meet(names.fields(way[-1]))
        try:
            buffer.add([place(way) for place in places])
        except SeveralValues as fault:
            buffer.refuse(str(fault), readable(repr([*way[-1].itertext()])))
        if buffer.is_full:
            yield buffer.take()
    yield buffer.take()


def _records(stream: Metered, form: Xml, names: XmlNames) -> Iterator[Way]:
    """Each record as its way from the root; what has been read is forgotten."""
    steps = [names.qualified(step) for step in form.record.strip("/").split("/")]
    wanted = steps if form.record.startswith("/") else [None, *steps]
    way: Way = []
    matched = 0
    for event, element in _events(stream):
        if event == "start":
            if len(way) == matched < len(wanted) and wanted[matched] in (None, element.tag):
                matched += 1
            _expect(matched > 0, f"its root is {names.element(element.tag)!r}, not that of {form.record!r}")
            way.append(element)
            _expect(len(way) <= MAX_DEPTH, f"its elements are nested more than {MAX_DEPTH} deep")
        else:
            is_within = matched == len(wanted) < len(way)
            if matched == len(wanted) == len(way):
                yield way
            way.pop()
            if not is_within:
                matched = min(matched, len(way))
                stream.mark()
                if way:
                    way[-1].remove(element)


def _events(stream: Metered) -> Iterator[tuple[str, Element]]:
    try:
        yield from iterparse(stream, events=("start", "end"), forbid_entities=True, forbid_external=True)
    except ParseError as error:
        raise FileFault(f"it is broken XML: {error}", "Put the whole file in its place.") from None
    except DefusedXmlException as error:
        raise FileFault(
            f"it declares entities, which are refused: {error}", "Write the values themselves."
        ) from None


def _expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise FileFault(otherwise, "Mend the file, or its 'format' in the catalog.")
