"""ClinicalStore on PostgreSQL, in the research schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.record_json import RecordText, record_from_json, text_of
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified
from tessera.ports.clinical_store import Delivery


class PostgresClinicalStore:
    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def replace(
        self,
        records: Iterable[Deidentified[ClinicalRecord] | Deidentified[RecordText]],
        delivery: Delivery,
    ) -> None:
        texts = sorted((one.subject, one.body) for one in map(text_of, records))

        def work(cursor: Cursor) -> None:
            row = cursor.execute(
                "INSERT INTO delivery (mapping_name, mapping_version, delivered_at, n_subjects)"
                " VALUES (%s, %s, %s, %s) RETURNING delivery_id",
                (
                    text(delivery.mapping_name),
                    text(delivery.mapping_version),
                    delivery.delivered_at.isoformat(),
                    delivery.n_subjects,
                ),
            ).fetchone()
            number = row[0] if row else None
            cursor.executemany(
                "INSERT INTO record (subject, delivery_id, body) VALUES (%s, %s, %s)"
                " ON CONFLICT (subject) DO UPDATE"
                " SET delivery_id = excluded.delivery_id, body = excluded.body",
                [(subject, number, body) for subject, body in texts],
            )
            cursor.execute(
                "UPDATE delivery SET n_subjects = %s WHERE delivery_id = %s", (len(texts), number)
            )

        self._database.write(work)

    def existing(self, subjects: Sequence[Pseudonym]) -> Mapping[Pseudonym, str]:
        rows = self._database.rows(
            "SELECT subject, body FROM record WHERE subject = ANY(%s)", (list(subjects),)
        )
        return {Pseudonym(subject): body for subject, body in rows}

    def delivered_by(self, mapping_name: str) -> Iterator[Pseudonym]:
        for (subject,) in self._database.stream(
            "SELECT subject FROM record JOIN delivery USING (delivery_id)"
            " WHERE mapping_name = %s ORDER BY subject",
            (text(mapping_name),),
        ):
            yield Pseudonym(subject)

    def all(self) -> Iterator[ClinicalRecord]:
        for (body,) in self._database.stream("SELECT body FROM record ORDER BY subject"):
            yield record_from_json(body)

    def remove(self, subjects: Sequence[Pseudonym]) -> None:
        asked = sorted(subjects)
        self._database.write(
            lambda cursor: cursor.execute("DELETE FROM record WHERE subject = ANY(%s)", (asked,))
        )

    def deliveries(self) -> tuple[Delivery, ...]:
        rows = self._database.rows(
            "SELECT mapping_name, mapping_version, delivered_at, n_subjects"
            " FROM delivery ORDER BY delivery_id"
        )
        return tuple(
            Delivery(
                mapping_name=name,
                mapping_version=version,
                delivered_at=datetime.fromisoformat(when),
                n_subjects=n,
            )
            for name, version, when, n in rows
        )
