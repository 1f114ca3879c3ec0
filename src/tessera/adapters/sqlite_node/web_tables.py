"""The tables of DICOMweb in the node's index: filled when instances come, emptied as they go.

Triggers keep them in step with the table `instance` in its own transactions.
"""

from typing import Final

from tessera.domain.dicomweb.levels import columns_of

STUDY_COLUMNS: Final = columns_of("studies")
SERIES_COLUMNS: Final = columns_of("series")

WEB_MIGRATION: Final = """
    CREATE TABLE web_study (
        id INTEGER PRIMARY KEY, subject TEXT NOT NULL,
        n_series INTEGER NOT NULL, n_instances INTEGER NOT NULL,
        study_uid TEXT NOT NULL, study_date TEXT NOT NULL, study_time TEXT NOT NULL,
        accession TEXT NOT NULL, referring TEXT NOT NULL, study_description TEXT NOT
        NULL, patient_name TEXT NOT NULL, patient_id TEXT NOT NULL, birth_date TEXT NOT
        NULL, sex TEXT NOT NULL, study_id TEXT NOT NULL,
        answer BLOB NOT NULL, rest BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX web_study_uid ON web_study (study_uid);
    CREATE INDEX web_study_patient ON web_study (patient_id);
    CREATE INDEX web_study_name ON web_study (patient_name);
    CREATE INDEX web_study_date ON web_study (study_date);
    CREATE INDEX web_study_accession ON web_study (accession);
    CREATE TABLE web_series (
        id INTEGER PRIMARY KEY, study INTEGER NOT NULL, n_instances INTEGER NOT NULL,
        series_uid TEXT NOT NULL, series_date TEXT NOT NULL, modality TEXT NOT NULL,
        manufacturer TEXT NOT NULL, model TEXT NOT NULL, series_description TEXT NOT
        NULL, body_part TEXT NOT NULL, series_number TEXT NOT NULL,
        frame_of_reference_uid TEXT NOT NULL, laterality TEXT NOT NULL, step_date TEXT
        NOT NULL, step_time TEXT NOT NULL, step_id TEXT NOT NULL, procedure_id TEXT NOT
        NULL,
        answer BLOB NOT NULL, rest BLOB NOT NULL, first BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX web_series_uid ON web_series (series_uid);
    CREATE INDEX web_series_study ON web_series (study);
    CREATE INDEX web_series_modality ON web_series (modality);
    CREATE INDEX web_series_body_part ON web_series (body_part);
    CREATE INDEX web_series_description ON web_series (series_description);
    CREATE TABLE web_modality (
        modality TEXT NOT NULL, study INTEGER NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (modality, study)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX web_modality_study ON web_modality (study, modality);
    CREATE TABLE web_instance (
        instance_uid TEXT PRIMARY KEY, series INTEGER NOT NULL, json BLOB NOT NULL
    ) STRICT;
    CREATE INDEX web_instance_series ON web_instance (series);
    CREATE TABLE web_waiting (instance_uid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE web_failed (instance_uid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE web_key (
        name TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, sees_all INTEGER NOT NULL,
        may_store INTEGER NOT NULL, made TEXT NOT NULL, ends TEXT NOT NULL
    ) STRICT;
    CREATE TABLE web_key_study (
        key TEXT NOT NULL, study_uid TEXT NOT NULL, PRIMARY KEY (key, study_uid)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER web_came AFTER INSERT ON instance BEGIN
        INSERT OR IGNORE INTO web_waiting VALUES (new.instance_uid);
    END;
    CREATE TRIGGER web_left AFTER DELETE ON instance BEGIN
        DELETE FROM web_waiting WHERE instance_uid = old.instance_uid;
        DELETE FROM web_failed WHERE instance_uid = old.instance_uid;
        DELETE FROM web_instance WHERE instance_uid = old.instance_uid;
    END;
    CREATE TRIGGER web_instance_came AFTER INSERT ON web_instance BEGIN
        UPDATE web_series SET n_instances = n_instances + 1 WHERE id = new.series;
        UPDATE web_study SET n_instances = n_instances + 1
            WHERE id = (SELECT study FROM web_series WHERE id = new.series);
    END;
    CREATE TRIGGER web_instance_left AFTER DELETE ON web_instance BEGIN
        UPDATE web_study SET n_instances = n_instances - 1
            WHERE id = (SELECT study FROM web_series WHERE id = old.series);
        UPDATE web_series SET n_instances = n_instances - 1 WHERE id = old.series;
        DELETE FROM web_series WHERE id = old.series AND n_instances = 0;
    END;
    CREATE TRIGGER web_series_came AFTER INSERT ON web_series BEGIN
        UPDATE web_study SET n_series = n_series + 1 WHERE id = new.study;
        INSERT INTO web_modality VALUES (new.modality, new.study, 1)
            ON CONFLICT (modality, study) DO UPDATE SET n = n + 1;
    END;
    CREATE TRIGGER web_series_left AFTER DELETE ON web_series BEGIN
        UPDATE web_study SET n_series = n_series - 1 WHERE id = old.study;
        UPDATE web_modality SET n = n - 1 WHERE study = old.study AND modality = old.modality;
        DELETE FROM web_modality WHERE study = old.study AND modality = old.modality AND n = 0;
        DELETE FROM web_study WHERE id = old.study AND n_series = 0;
    END;
    INSERT INTO web_waiting SELECT instance_uid FROM instance
"""
