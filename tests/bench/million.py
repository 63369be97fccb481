"""A catalog of many recordings, made by set-based SQL: two years, 8 devices, 800 extensions, many outside numbers."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.catalog.terms import fold
from hub.db.database import Database

DEVICES = 8
EXTENSIONS = 800
SPAN_MS = 2 * 365 * 86_400_000
END_MS = 1_795_000_000_000
NAMES = ("Anna", "Bernd", "Chiara", "Dieter", "Émile", "Fatma", "Grzegorz", "Hélène", "Ivan", "Jürgen", "王伟", "李娜")
SKILLS = ("billing", "sales", "support", "complaints", "new lines")

_SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :rows) ",
    "postgresql": "WITH series(n) AS (SELECT n::bigint FROM generate_series(0, :rows - 1) AS n) ",
}
# Each recording: a chance value h, then everything else from it, so that both databases hold the same rows.
_SEED = """
CREATE TEMPORARY TABLE seed AS {series} SELECT
    n,
    (n * 7919 + 104729) % 1000003 AS h,
    :end - :span + n * (:span / :rows) AS start_ms,
    (n * 31 + n / 7) % {extensions} AS ext,
    ((n * 7919 + 104729) % 1000003) * ((n * 7919 + 104729) % 1000003) / 1000003 * {outside} / 1000003 AS outside,
    CASE WHEN n % 10 < 5 THEN 'incoming' WHEN n % 10 < 9 THEN 'outgoing' ELSE 'internal' END AS direction,
    CASE WHEN n % 97 = 0 THEN 600000 + (n * 13) % 7200000 ELSE 5000 + (n * 7919) % 400000 END AS duration_ms
FROM series
"""
_STEPS = (
    """INSERT INTO number (id, digits, plan)
    {series} SELECT n + 1, CAST(8000 + n AS TEXT), 1 + n % {devices} FROM series WHERE n < {extensions}""",
    """INSERT INTO number (id, digits, plan)
    {series} SELECT 100000 + n, '49' || CAST(30000000 + (n * 7919) % 90000000 AS TEXT) || CAST(n % 10 AS TEXT), 0
    FROM series WHERE n < {outside} ON CONFLICT DO NOTHING""",
    """INSERT INTO word (id, folded) SELECT id, folded FROM names""",
    """INSERT INTO recording
    SELECT n * 4194304 + h, 1 + ext % {devices}, start_ms, duration_ms, direction, 'call-' || CAST(n * 5 / 6 AS TEXT),
        {json_open}'[{{"number":"' || CAST(8000 + ext AS TEXT) || '","name":"' || name || '","role":"called"}},'
        || '{{"number":"+' || CAST(outside AS TEXT) || '","role":"caller"}}]'{json_close},
        name, 'user', CAST(8000 + ext AS TEXT), name, CAST(8000 + ext AS TEXT), skill,
        'announced', '', NULL, {false}, {true}, CASE WHEN n % 5000 = 0 THEN 'FILE_PARSE_ERROR' END, '',
        {true}, {true}, 1, 1, 20261120, start_ms, start_ms, {json_open}'{{"ucid":"' || CAST(n AS TEXT) || '"}}'{json_close},
        {json_open}'{{"direction":"filename"}}'{json_close}
    FROM seed JOIN people USING (ext) ORDER BY n""",
    """INSERT INTO party SELECT ext + 1, start_ms, n * 4194304 + h, 2 + 8 + 16 FROM seed ORDER BY ext, start_ms""",
    """INSERT INTO party SELECT number.id, start_ms, n * 4194304 + h, 1 FROM seed
    JOIN number ON number.id = 100000 + outside ORDER BY number.id, start_ms""",
    """INSERT INTO mention SELECT name_id, start_ms, n * 4194304 + h, 2 + 8 + 32 FROM seed JOIN people USING (ext)
    ORDER BY name_id, start_ms""",
    """INSERT INTO mention SELECT skill_id, start_ms, n * 4194304 + h, 64 FROM seed JOIN people USING (ext)
    ORDER BY skill_id, start_ms""",
)


def fill(db: Database, rows: int) -> None:
    """Add `rows` recordings to an empty catalog."""
    postgres = db.dialect == "postgresql"
    words = {
        "series": _SERIES[db.dialect],
        "devices": DEVICES,
        "extensions": EXTENSIONS,
        "outside": max(rows // 10, 1),
        "json_open": "CAST(" if postgres else "",
        "json_close": " AS jsonb)" if postgres else "",
        "true": "TRUE" if postgres else "1",
        "false": "FALSE" if postgres else "0",
    }
    with db.write() as session:
        if postgres:
            session.execute(text("SET LOCAL statement_timeout = 0"))
        _people(session)
        values = {"rows": rows, "end": END_MS, "span": SPAN_MS}
        session.execute(text(_SEED.format(**words)), values)
        for step in _STEPS:
            statement = text(step.format(**words).replace('":"', '"\\:"'))
            session.execute(statement, {"rows": max(rows, EXTENSIONS)} if ":rows" in str(statement) else {})
    if postgres:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))


def name_of(extension: int) -> str:
    """Who sits at the extension."""
    return f"{NAMES[extension % len(NAMES)]} {chr(65 + extension % 26)}{extension // 8}"


def _people(session: Session) -> None:
    session.execute(text("CREATE TEMPORARY TABLE names (id BIGINT, folded TEXT)"))
    session.execute(
        text(
            "CREATE TEMPORARY TABLE people (ext BIGINT PRIMARY KEY, name TEXT, name_id BIGINT, skill TEXT, skill_id BIGINT)"
        )
    )
    folded: dict[str, int] = {}
    for skill in SKILLS:
        folded.setdefault(fold(skill), len(folded) + 1)
    people = []
    for ext in range(EXTENSIONS):
        name, skill = name_of(ext), SKILLS[ext % len(SKILLS)]
        name_id = folded.setdefault(fold(name), len(folded) + 1)
        people.append({"e": ext, "n": name, "ni": name_id, "s": skill, "si": folded[fold(skill)]})
    session.execute(text("INSERT INTO people VALUES (:e, :n, :ni, :s, :si)"), people)
    session.execute(
        text("INSERT INTO names VALUES (:i, :f)"), [{"i": word_id, "f": word} for word, word_id in folded.items()]
    )
