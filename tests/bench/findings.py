"""What was found about the cost of a login, and what is left: prose of docs/benchmarks.md."""

FINDINGS = """\
## What a login costs, and what is left

One-shot logins, 64 in flight, two workers: so a batch is 32 logins. What each step bought was measured in turns with
what was before, in CPU time of all processes together, on a machine that others used as well. At first a login cost
353 us there (workers 222, MariaDB 104, generator 27); after the packets, the statements' texts and a faster way to
compute codes, which was taken out again, 260 (156, 75, 28).

- pyrad's packet objects took 41 us to read a request and 19 to write a reply. They are octets now, split and signed by
  our own code, with HMAC-MD5 begun once for each secret and not by OpenSSL for each packet: 11 and 3 us. pyrad reads
  the packets of clients that are excused from Message-Authenticator, and judges all others in the tests.
- `ORDER BY` beside `FOR UPDATE`: MariaDB's filesort took 0.3 ms for a batch, however small. Python sorts an account's
  few tokens. Rows are locked in the order of the names, as they were.
- `JSON_ARRAY`, in which each row came, took MariaDB 20 us a row with the lock. `CONCAT_WS`: 12. It parses faster, too.
- The audit insert went through SQLAlchemy's and PyMySQL's parameters, one by one: 21 us a row. Now one text, whose
  values are hex digits, which no rule of quoting can misread: 4 us, and no more in MariaDB. (As one JSON parameter it
  would be 10 us, and 10 to 16 more in MariaDB.)
- SQLAlchemy takes 14 to 30 us to find a statement among those that it has compiled: the texts go to the driver as they
  are.
- Python's garbage collector took 9 us a login. What was loaded is left out (`gc.freeze`), and 20,000 objects, not 700,
  lie between two collections: half of it.
- Round trips are dearer than statements. Sent one after the other without a pause, a batch's five statements take
  half a millisecond in Python and as much in MariaDB; among other work it is three times that, perhaps since whoever
  runs meanwhile leaves cold caches. So what a batch writes, and wants to know no more of than how many rows it
  changed, goes to MariaDB in one compound statement: three round trips instead of five. For the store alone, Python
  and MariaDB, that is 50 to 70 us a login less of 250, and 10 to 15 at the quietest. The COMMIT has since gone along:
  two.
- Each event's MAC began its HMAC anew and went through `json.dumps`: 14 us, now 6 for the same octets. Its fields in
  hex digits: 7 us, now 1, for names, nodes and reasons come again. An event as a frozen dataclass: 3.4 us to make, as
  a named tuple 0.7.
- Codes of one time step are spent by one `UPDATE ... IN`: 0.5 to 0.65 ms for 32 in MariaDB, where a table of given
  rows takes 0.75 to 1.1. With more than four groups of tokens alike, the table is the cheaper way, and is taken.
- A batch begins when as many wait as last time, not when a timer next looks; what is settled is told by a callback, not
  by a future. These four steps together: 7 to 9 % of the CPU time of a login, in turns with what was before.
- The two statements of a batch go to the driver past SQLAlchemy, whose steps take 78 us a batch in a loop that does
  nothing else, and more where their code is cold. Tokens and what was typed are named tuples. Both: 2 to 10 % of a
  login's CPU time, in turns with what was before.

What was looked at and left: codes by our own HMAC, begun once for each secret, where a library begins anew for each
code (4 to 7 us in place of pyotp's 15 for a right code, 50 to 85 in place of 226 for a wrong one; but it was HMAC of
our own); all rows of a batch in one, with `GROUP_CONCAT` (3 us less in Python, but 0.4 ms a batch more in MariaDB); the
given names as a table of values, or in `IN (...)`, in place of `JSON_TABLE` (no fewer us: what takes MariaDB's time
there is finding and locking a row of accounts, 8 us, and of tokens, 10); a worker bound to a core (4 to 8 % less CPU
time, but it could not move aside for others); two batches under way in one worker, each in a thread (26 % fewer logins
a second: of half the size, each login's share of a batch is dearer); a batch settled without a thread (6 % fewer);
three workers (20 % fewer); MariaDB over a Unix socket (no difference); its adaptive hash index (a tenth less of
MariaDB's CPU time with a thousand accounts, and little with a million); its buffer pool in huge pages (no difference
that could be told: what a million accounts cost is not the translation of addresses).

A million accounts take MariaDB 26 to 30 us a login more, of 58 with a thousand: B-trees are a level deeper (29.6 pages
are asked for instead of 20.5), and where a row or a page is looked at for the first time, one instruction waits for
memory: the first look at a record alone is a twelfth of MariaDB's time. The less a login costs besides, the more that
weighs.

What is left: what each batch costs, whatever is in it. With one worker and 8 to 64 logins in flight, a batch takes the
worker 0.8 ms and 75 us a login, MariaDB 0.77 ms and 28 us a login: of the 166 us that a login cost at that moment, in
batches of 32, 49 are its share of that. In the worker it is SQLAlchemy's pool and transaction (0.18 ms), threads and
the event loop (0.26), two statements through a driver in Python (0.25), the anchor, and making the question. In a loop
that does nothing else, MariaDB takes 0.28 ms for the same: the rest is code that is cold each time it is come to. It
is flat from there on: parsing is an eighth of MariaDB's time, the comparison of texts a fiftieth, and four fifths of a
worker's are Python's interpreter, in some 115 calls of functions a login.

So these were tried, each in turns with what there was, and left: a connection that is kept, not taken from the pool for
each batch (0 to 7 % less CPU time in four comparisons, and by callgrind no fewer instructions in batches of 32; it
would have to do again all that the pool does with connections that are old, dead or somebody else's); accounts in the
order of their names in place of numbers, one look less in a B-tree (with a million accounts 3 to 4 us less of MariaDB's
84, with few no difference; but then a token that comes from another Galera node no longer needs the row that a pairing
has locked, and two first pairings of one account both went through); uvloop (no less, and more time idle); a plain
thread with a queue in place of Python's executor (no difference); no thread at all, the event loop waiting for
MariaDB's answers through greenlets (4 % more); a batch that begins when nine, seven or five tenths of the last one wait
(no difference); fifteen modules compiled to C by mypyc (6.5 % less, but a compiler on the way to a login); a generator
that never takes a core from whom it wakes (no difference). One worker has the larger batches, but cannot keep two cores
busy.

Left as well: a server whose unit says `CPUSchedulingPolicy=batch`. A worker that is woken then waits until whoever
runs on a core has had its slice. In turns of a second with the same server scheduled as usual, four runs of 14 to 32
turns: 1.11, 0.99, 1.06 and 1.10 times as many logins a second (of the medians), 5 to 8 % of the cores idle in place of
10 to 12, and 0.57 times pyrad's `Server` in a whole bench. But a flood from a process on the same cores takes whole
slices, too: beside it 1,588, 853 and 207 logins were begun in 15 seconds (rubbish; a wrong secret; rightly signed),
and with the usual scheduling, minutes later, 2,840, 2,518 and 615. Logins that go on beside a flood are worth more.

And these were kept. Counted by callgrind, which no neighbour disturbs, they take a tenth of the instructions of a
worker and of the generator's part beside it (470,000 a login to 425,000); in turns with what was before (30 turns of a
second each), an eighth of a worker's CPU time, and 6 % of all that a login costs:

- Codes and the log's HMAC are cryptography's. pyotp makes a code in a dozen calls of Python functions, 4.1 us of 58 in
  a loop that does nothing else, and more where the code is cold; cryptography takes 2.8. A line's HMAC: 0.8 us, where
  Python's `hmac`, which has the same OpenSSL under it, takes 1.7.
- Fewer calls: attributes are looked up where they are used; names and serials, which hardly ever come again, no longer
  go through a cache; replies are searched for old ones only once one can be.

A third of what is left is MariaDB's, and most of that is not finding rows but reading what it is told: of the 560 us
that 32 rows of the audit log take it in such a loop, some 350 are spent before anything is written (`PREPARE` of the
same statement takes as long), on 448 values at 0.4 us each. Texts in quotes in place of hex digits, or two values less
a row, made no difference that could be told; one value a row would (172 us), but then the log would be a table of
lines, which nobody can ask for a person's events.
"""
