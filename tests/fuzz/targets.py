"""What is fuzzed: each target takes octets, and lets nothing through but an error that is not documented."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fuzz import configuration, packets, seed_files


@dataclass(frozen=True)
class Target:
    """Something that reads what others wrote."""

    name: str
    check: Callable[[bytes], None]
    """Reads the octets; raises for whatever breaks the promise."""
    seeds: Sequence[bytes] = field(repr=False)
    words: Sequence[bytes] = field(default=(), repr=False)


TARGETS = (
    Target("packet", packets.check_datagram, packets.DATAGRAMS, packets.ATTRIBUTES),
    Target("signed packet", packets.check_attributes, packets.BODIES, packets.ATTRIBUTES),
    Target("reply", packets.check_reply, packets.REPLIES, packets.ATTRIBUTES),
    Target("handle", packets.check_handle, packets.HANDLES),
    Target("pam.toml", configuration.check_pam_toml, configuration.PAM_TOMLS, configuration.TOML_WORDS),
    Target("watchword.toml", configuration.check_watchword_toml, configuration.SERVER_TOMLS, configuration.TOML_WORDS),
    Target("exemptions", configuration.check_exemptions, configuration.EXEMPTIONS, configuration.EXEMPTION_WORDS),
    Target(
        "large exemptions",
        configuration.check_large_exemptions,
        configuration.LARGE_EXEMPTIONS,
        configuration.EXEMPTION_WORDS,
    ),
    Target("server memory", configuration.check_server_memory, configuration.MEMORIES, configuration.MEMORY_WORDS),
    Target("csv", seed_files.check_csv, seed_files.CSVS, seed_files.CSV_WORDS),
    Target("pskc", seed_files.check_pskc, seed_files.PSKCS, seed_files.XML_WORDS),
)
BY_NAME = {target.name: target for target in TARGETS}
