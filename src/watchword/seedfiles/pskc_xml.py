"""The XML of a PSKC file: read package by package, each element with its line.

No DTD, no entities, nothing from outside (defusedxml); a limit on depth and on number. So memory is that of one
package, however long the file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from watchword.domain.errors import SeedFileError

DEEPEST = 32
"""RFC 6030's own figures go ten deep."""

MOST_ELEMENTS = 10_000
"""In one package, or before the first. RFC 6030's own figures have 30."""

MOST_TEXT = 2**20
"""Characters, attributes and all, where as many elements may stand."""

CHUNK_OCTETS = 2**20
"""What the parser is fed at a time. A tag that is longer holds attributes by the hundred thousand."""

NAMESPACES = frozenset(
    {
        "urn:ietf:params:xml:ns:keyprov:pskc",
        "http://www.w3.org/2000/09/xmldsig#",
        "http://www.w3.org/2001/04/xmlenc#",
        "http://www.w3.org/2009/xmlenc11#",
        "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#",
        "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5#",
        None,  # the children of PBKDF2-params in RFC 6030, figure 7
    }
)
"""Where the elements that we read live. What is in another (a maker's extension) is passed over."""


@dataclass(slots=True)
class Element:
    """An element: its local name, attributes, text and children. Never printed, since it may hold a secret."""

    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    children: list["Element"] = field(default_factory=list, repr=False)

    def find(self, *path: str) -> "Element | None":
        """Find the element at the end of a path of names; raises SeedFileError if there are two at any step."""
        found: Element | None = self
        for name in path:
            if found is None:
                return None
            children = [child for child in found.children if child.name == name]
            if len(children) > 1:
                raise SeedFileError(f"line {children[1].line}: a second <{name}> in <{found.name}>")
            found = children[0] if children else None
        return found

    def require(self, *path: str) -> "Element":
        """Find as `find` does; raises SeedFileError if there is none."""
        found = self.find(*path)
        if found is None:
            raise SeedFileError(f"line {self.line}: no {'/'.join(path)} in <{self.name}>")
        return found


PackageHandler = Callable[[Element, Element], None]
"""Is given the container, with what stood in it so far but for packages, and one package."""


class _ContainerReader(ContentHandler):
    """A reader that hands over each KeyPackage as it ends, then forgets it."""

    def __init__(self, on_package: PackageHandler) -> None:
        super().__init__()
        self._on_package = on_package
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._passing_over = 0
        self._elements = 0
        self._characters = 0
        self._heard = False
        self._parser: DefusedExpatParser | None = None

    def read(self, content: bytes) -> None:
        """Read a whole file; raises whatever the parser or the handler of packages does."""
        self._parser = parser = DefusedExpatParser(forbid_dtd=True)
        parser.setFeature(feature_namespaces, True)
        parser.setContentHandler(self)
        for start in range(0, len(content), CHUNK_OCTETS):
            self._heard = False
            chunk = content[start : start + CHUNK_OCTETS]
            parser.feed(chunk)
            if not self._heard and len(chunk) == CHUNK_OCTETS:
                raise SeedFileError(f"line {self.line}: a tag or a comment is longer than {CHUNK_OCTETS} octets")
        parser.close()

    @property
    def line(self) -> int:
        """The line that is being read."""
        return int(self._parser.getLineNumber() or 1) if self._parser else 1

    def startElementNS(self, name: tuple[str | None, str], _qname: str | None, attributes: AttributesNSImpl) -> None:  # noqa: N802 - SAX's name
        """Open an element."""
        self._heard = True
        namespace, local_name = name
        self._elements += 1
        if len(self._open) + self._passing_over >= DEEPEST:
            raise SeedFileError(f"line {self.line}: elements nested too deep")
        if self._elements > MOST_ELEMENTS:
            raise SeedFileError(f"line {self.line}: too many elements in one package")
        if self._passing_over or (namespace not in NAMESPACES and self._open):
            self._passing_over += 1
            return
        plain = {key: value for (space, key), value in attributes.items() if space is None}
        self._count_text(sum(len(key) + len(value) for key, value in plain.items()))
        element = Element(local_name, self.line, plain)
        if not self._open and (local_name != "KeyContainer" or namespace not in NAMESPACES):
            raise SeedFileError(f"line {self.line}: not a PSKC file: it does not begin with <KeyContainer>")
        self._open.append(element)
        self._texts.append([])

    def endElementNS(self, _name: tuple[str | None, str], _qname: str | None) -> None:  # noqa: N802 - SAX's name
        """Close an element, and hand it over or hang it on its parent."""
        self._heard = True
        if self._passing_over:
            self._passing_over -= 1
            return
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        if len(self._open) == 1 and element.name == "KeyPackage":
            self._on_package(self._open[0], element)
            self._elements = self._characters = 0
        elif self._open:
            self._open[-1].children.append(element)

    def characters(self, content: str) -> None:
        """Gather text, but for what stands between the container's own elements."""
        self._heard = True
        self._count_text(len(content))
        if not self._passing_over and len(self._open) > 1:
            self._texts[-1].append(content)

    def _count_text(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MOST_TEXT:
            raise SeedFileError(f"line {self.line}: too much text in one package")


def read_packages(content: bytes, on_package: PackageHandler) -> None:
    """Hand over every KeyPackage of a file, in order.

    Raises SeedFileError naming the line.
    """
    reader = _ContainerReader(on_package)
    try:
        reader.read(content)
    except DefusedXmlException:
        raise SeedFileError(f"line {reader.line}: a DTD or an entity, which a PSKC file never needs") from None
    except (SAXException, ValueError, LookupError):
        # ValueError and LookupError: an encoding that expat or Python does not know.
        raise SeedFileError(f"line {reader.line}: not well-formed XML") from None
